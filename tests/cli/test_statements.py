"""`derive verify` on claims files and formulas: what is printed, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.cli import main

CLAIMS = """
[[claim]]
id = "slope"
source = "a page"
loss = "charbonnier"
says = "limit(diff(loss, x), x, oo) == 1/scale"

[[claim]]
id = "bounded"
loss = "charbonnier"
says = "{says}"
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["verify", *arguments])
    printed = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, printed.out, printed.err


def written(folder: Path, says: str) -> str:
    path = folder / "claims.toml"
    path.write_text(CLAIMS.format(says=says), encoding="utf-8")
    return str(path)


def test_claims_that_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, written(tmp_path, "diff(loss, x) < 1/scale"), "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["verdict"] for row in rows] == ["proved", "proved"]
    assert all(set(row) == {"id", "verdict", "method", "witness", "detail"} for row in rows)


def test_a_refuted_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, written(tmp_path, "bounded(loss, x)"), "--explain")
    assert code == 1
    assert "refuted  bounded" in out
    assert "the limit as x -> oo is" in out
    assert err.count("\n") == 1


@pytest.mark.parametrize("says", ["loss", "loss <", "nothing(loss, x)", "loss == 1 == 2"])
def test_a_claim_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], says: str
) -> None:
    code, out, err = run(capsys, written(tmp_path, says))
    assert (code, out) == (2, "")
    assert "claim 'bounded'" in err
    assert err.count("\n") == 1


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, str(tmp_path / "none.toml"))
    assert code == 2
    assert "does not exist" in err


def test_a_formula_in_another_convention(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--latex", r"\frac{c^2}{2}\log\left(1+(x/c)^2\right)", "--loss", "cauchy", "--json")
    code, out, _ = run(capsys, *asked)
    row = json.loads(out)
    assert code == 0
    assert row["relation"] == "up to"
    assert row["map"]["factor"] == "c**2/2"
    assert run(capsys, *asked, "--exact")[0] == 1


def test_a_formula_that_differs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--formula", "log(1 + x/scale)", "--loss", "cauchy")
    assert code == 1
    assert out.startswith("different: at x = ")


@pytest.mark.parametrize(
    "asked",
    [("--latex", "x^2/2c^2", "--loss", "quadratic"), ("--latex", "x"), ("--formula", "", "--loss",
     "huber"), ("huber", "--formula", "x", "--loss", "huber")],
)  # fmt: skip
def test_bad_input(capsys: pytest.CaptureFixture[str], asked: tuple[str, ...]) -> None:
    code, out, err = run(capsys, *asked)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
