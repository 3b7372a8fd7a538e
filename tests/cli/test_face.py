"""Completion, JSON, widths and the cache of `show`: what makes the command line pleasant."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derive import console, shell, showing
from derive.calculus.presented import within
from derive.cli import main
from derive.definitions.catalogue import TITLES, load
from derive.definitions.find import find
from derive.definitions.samples import EVERYDAY, WHOLE
from derive.kept import MOST, kept
from derive.lines import narrowed

Capture = pytest.CaptureFixture[str]


def derive(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("name", shell.SHELLS)
def test_a_completion_script_is_one_and_says_where_it_goes(name: str, capsys: Capture) -> None:
    assert derive("completion", name) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"# {shell.WHERE[name]}\n")
    assert f"_DERIVE_COMPLETE={name}_complete" in out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("derive sh", ["plain,show"]),
        ("derive show hu", ["plain,huber"]),
        ("derive show fair.t", ["file,fair.t"]),
        ("derive regenerate --target n", ["plain,numpy"]),
        ("derive verify --impl", ["plain,--implementation"]),
        ("derive verify --loss wel", ["plain,welsch"]),
    ],
)
def test_bash_is_told_what_fits(words: str, found: list[str]) -> None:
    asked = {
        "_DERIVE_COMPLETE": "bash_complete", "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }  # fmt: skip
    out = subprocess.run(
        [sys.executable, "-m", "derive"], env={**os.environ, **asked}, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip
    assert out.splitlines() == found


def test_the_list_as_json(capsys: Capture) -> None:
    assert derive("list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {entry["name"]: entry["title"] for entry in told} == dict(TITLES)


def test_show_as_json(capsys: Capture) -> None:
    assert derive("show", "huber", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["variables"][1] == {"name": "delta", "domain": "(0, oo)", "default": "1.0"}
    assert told["quantities"]["d2_delta"] == "Piecewise((0, delta >= Abs(x)), (-1, True))"
    assert told["density"]["exists"] == "True"
    assert told["facts"]["even"] is True
    assert told["weight_at_zero"] == "1"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_everything_fits_the_terminal(
    width: int, pipeline: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pipeline.show = lambda _: "Density\n  log Z = " + "log(2 + x) + " * 20 + "1\n"
    for arguments in (("list",), ("show", "huber"), ("regenerate", "--out", tmp_path / "o")):
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setenv("COLUMNS", str(width))
        assert derive(*arguments) == 0
        lines = screen.getvalue().splitlines()
        assert lines
        if arguments[0] == "show" or width >= 60:  # a word of a table is never broken
            assert max(map(len, lines)) <= width


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert "\x1b[31m" in console.screen()[1]("refuted", "red")
    monkeypatch.setenv("NO_COLOR", "1")
    assert console.screen()[1]("refuted", "red") == "refuted"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert console.screen()[1]("refuted", "red") == "refuted"


def test_narrowed_lines_keep_their_indent_and_every_word() -> None:
    text = "title\n  log Z = one and two and three\nend"
    assert narrowed(text, 20) == "title\n  log Z = one and\n      two and three\nend"
    assert narrowed(text, 80) == text


def test_defaults_are_in_the_help(capsys: Capture) -> None:
    for command, said in (("verify", "Default: 0."), ("regenerate", "Default: all.")):
        assert derive(command, "--help") == 0
        assert said in " ".join(capsys.readouterr().out.split())
    assert derive("verify", "--help") == 0
    points = f"Default: {EVERYDAY} everyday ones, {WHOLE} over the whole range."
    assert points in " ".join(capsys.readouterr().out.split())


def test_texts_are_kept_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path / "kept"))
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return f"text {len(made)}"

    assert [kept(["a", "b"], make), kept(["a", "b"], make), kept(["ab"], make)] == [
        "text 1", "text 1", "text 2",
    ]  # fmt: skip
    for number in range(MOST + 5):
        kept([str(number)], make)
    assert len(list((tmp_path / "kept").iterdir())) == MOST
    monkeypatch.setenv("DERIVE_CACHE", "off")
    assert kept(["a", "b"], make) == f"text {len(made)}"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path / "file"))  # no folder: nothing is kept
    assert kept(["a"], make) == f"text {len(made)}"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: bytes([*data[:-3], data[-3] ^ 1, *data[-2:]]),
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\x80\x04\x95cposix\nsystem\n",
        lambda data: b"Symbol('y1', real=open('PWNED', 'w'))",
    ],
    ids=["a bit", "half of it", "nothing", "a pickle", "code"],
)
def test_a_kept_text_that_is_damaged_is_made_again(
    damage: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:  # fmt: skip
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path / "kept"))
    assert kept(["a"], lambda: "as made\n") == "as made\n"
    (place,) = (tmp_path / "kept").iterdir()
    whole = place.read_bytes()
    place.write_bytes(damage(whole))
    assert kept(["a"], lambda: "as made\n") == "as made\n"
    assert place.read_bytes() == whole
    said = capsys.readouterr().err
    assert "damaged" in said
    assert said.count("\n") == 1
    assert kept(["a"], lambda: "never") == "as made\n"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_a_cache_that_everybody_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    assert kept(["a"], lambda: "as made") == "as made"
    assert list(tmp_path.iterdir()) == []
    assert "everybody can write" in capsys.readouterr().err
    tmp_path.chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert kept(["a"], lambda: "as made") == "as made"
    assert "another user" in capsys.readouterr().err


def test_a_loss_of_the_catalogue_is_not_replaced_by_another_of_its_name(
    tmp_path: Path, capsys: Capture
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "huber"\nloss = "x**2"\n[variables]\nx = "real"\n')
    (tmp_path / "out/for_numpy").mkdir(parents=True)
    there = tmp_path / "out/for_numpy/huber.py"
    there.write_text(f"# From the definition of huber (sha256 {load('huber').digest})\n")
    assert derive("regenerate", mine, "--target", "numpy", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "the catalogue has a loss of that name" in said
    assert "--force" in said
    assert said.count("\n") == 1


def test_formulas_break_where_they_are_least_deep() -> None:
    text = "  d_x = b*(1 + s/b)^(alpha/2)*log(1 + s/b) + (q - 1)*sign(alpha - 2)"
    assert narrowed(text, 60) == (
        "  d_x = b*(1 + s/b)^(alpha/2)*log(1 + s/b)\n      + (q - 1)*sign(alpha - 2)"
    )
    cases = "  d_x = x*(1 - x^2/c^2)^2 if |x| <= c, 0 otherwise"
    assert narrowed(cases, 44) == "  d_x = x*(1 - x^2/c^2)^2 if |x| <= c,\n      0 otherwise"
    assert narrowed(narrowed(text, 60), 120) == text
    assert narrowed("w" * 50, 20) == "w" * 50


def test_a_loss_over_classes_as_json(capsys: Capture) -> None:
    assert derive("show", "brier_multiclass", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["quantities"]["hessian_product"] == "2*v"
    assert [v["name"] for v in told["variables"]] == ["q", "t"]


def test_what_people_look_at_brings_no_generator_along() -> None:
    looked = "import sys, derive.showing, derive.views.terminal\n"
    asked = f"{looked}print({{'derive.emission', 'derive.pipeline', 'joblib'}} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_formulas_that_would_take_long_are_named_and_not_written() -> None:
    found = showing.derived(find(str(Path(__file__).parents[1] / "cases" / "awing.toml")))
    text = showing.shown_of(found, showing.AT_ONCE)
    assert "\n  d_x = p*w*" in text and "\n  d2_x = " in text
    assert "d2_eps" in text and "\n  d2_eps = " not in text
    assert "derive latex FILE --quantity NAME writes one" in " ".join(text.split())


def test_the_slopes_in_the_residual_are_always_written() -> None:
    found = showing.derived(find(str(Path(__file__).parents[1] / "cases" / "balanced_l1.toml")))
    assert set(within(found, 0)) == {"loss", "d_x", "d2_x", "weight"}
    assert set(within(found, 10**6)) == set(found.quantities)


@pytest.mark.parametrize(
    ("module", "command", "told"),
    [
        ("matplotlib", ["plot", "huber", "--out", "x.png"], "pip install 'derive-losses[plot]'"),
        ("flint", ["verify", "--formula", "x", "--loss", "huber"], "'derive-losses[verify]'"),
    ],
)
def test_what_is_not_installed_is_told_with_what_installs_it(
    module: str, command: list[str], told: str
) -> None:
    lacking = f"import sys; sys.modules['{module}'] = None; from derive.cli import main"
    run = [sys.executable, "-c", f"{lacking}; main({command})"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 4, done.stderr
    assert told in done.stderr and done.stderr.count("\n") == 1
