"""Texts from strangers: refused in one line, or bounded; nothing is run, written or left behind."""

from __future__ import annotations

import functools
import time
from pathlib import Path

import pytest

from derive.definitions.find import find
from derive.errors import BadInput, DeriveError
from derive.verification.claims.file import parse_claims, read_claims
from derive.verification.claims.limited import OutOfTime, Worker
from derive.verification.claims.reader import read_statement
from derive.verification.formulas.run import judged_formula

SQRTS = functools.reduce(lambda e, _: f"sqrt({e}+1)", range(2000), "x")
FORMULAS = (
    "binomial(10**9,5*10**8)", "1" * 5001, "N(pi,10**8)", 'exec("open(chr(80),chr(119))")',
    'f"{__import__(chr(111)).getcwd()}"', '__import__("os").system("touch PWNED")',
    "x.subs(x,2)", "print(hello)", "().__class__.__base__.__subclasses__()", "(x:=5)",
    "1e1000000000", "0x" + "f" * 200_000, "x/0", "piecewise((x, x>0))", "oo-oo", "x<y<a",
    "x # + y", "0,5*x", "", "rho alpha sin x", "x%2", SQRTS, "x\0y",
    "(" * 10_000 + "x" + ")" * 10_000,
    "\u0430*x", "x\u2082", "x\udc80", "+".join(f"sqrt(1+v{i}**2)" for i in range(4000)),
    "x**x**x**x**x**x**9**9**9", "gamma(10**9)", "exp(exp(exp(1000)))", "9**9**9**9", "x+" * 10**6,
)  # fmt: skip
LATEXES = (
    r"\input{/etc/passwd}", r"\immediate\write18{touch PWNED}", "9^{9^{9^{9}}}", r"10^{10^{10}}",
    r"\Gamma(10^{9})", r"e^{e^{e^{1000}}}", "{" * 5000, r"\frac{" * 5000, "x" * 10**6, "x\0y",
    "\udc80", r"\begin{cases}" * 100, r"\left(" * 100 + "x", r"\sqrt{" * 59 + "x" + "}" * 59,
    r"\catcode`\{=1 x", r"\def\x{\x}\x", r"\csname x\endcsname", "^^41", r"\char65",
    "x" + "'" * 999,
)  # fmt: skip


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", FORMULAS, ids=lambda t: ascii(t)[:40])
def test_statements(text: str, in_an_empty_folder: Path) -> None:
    start = time.process_time()
    with pytest.raises(BadInput) as trouble:
        read_statement(f"{text} == 1", find("huber"), "loss", "claim")
    assert time.process_time() - start < 2
    assert "\n" not in str(trouble.value)
    assert not list(in_an_empty_folder.iterdir())


@pytest.mark.parametrize("text", LATEXES, ids=lambda t: ascii(t)[:40])
def test_latex(text: str, in_an_empty_folder: Path) -> None:
    start = time.process_time()
    given = {"text": text, "loss": "huber", "quantity": "loss", "latex": True}
    try:
        found = judged_formula(given)
    except DeriveError as trouble:
        assert "\n" not in str(trouble)
        assert time.process_time() - start < 2
    else:
        assert found["relation"] in ("different", "unknown")
    assert not list(in_an_empty_folder.iterdir())


FILES = (
    b"\xff\xfe", b"[[claim]]", b"claim = 3", b"[claim]\nid = 1", b"x" * 300_000,
    b'[[claim]]\nid = "a"\nloss = "huber"\nsays = 3', b'[[claim]]\nid = "a"\nsays = "loss > 0"',
    b'[[claim]]\nid = "a"\nloss = "huber"\nsays = "loss > 0"\nrun = "rm"',
    b'[[claim]]\nid = "a"\nloss = "huber"\nsays = "loss"',
    b'[[claim]]\nid = "a"\nloss = "huber"\nsays = "loss > 0"\nwhere = "loss"',
    b'[[claim]]\nid = "a"\nformula = "x"\nsays = "formula > 0"\n[claim.variables]\nnp = "real"',
    b'[[claim]]\nid = "a"\nloss = "../../etc/passwd"\nsays = "loss > 0"',
    b"claim = [" + b"[" * 5000 + b"]" * 5000 + b"]",
    b'[[claim]]\nid = "a"\nloss = "huber"\nsays = "limit(loss, x, limit(loss, x, 0)) == 0"',
    b'[[claim]]\nid = "a"\nloss = "huber"\nsays = "diff(loss, x, 10**9) == 0"',
)  # fmt: skip


@pytest.mark.parametrize("content", FILES, ids=lambda c: ascii(c)[:50])
def test_files(content: bytes, in_an_empty_folder: Path) -> None:
    path = in_an_empty_folder / "claims.toml"
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(BadInput) as trouble:
        read_claims(path)
    assert time.process_time() - start < 2
    assert "\n" not in str(trouble.value)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        read_claims(tmp_path / "none.toml")


def test_a_statement_is_data() -> None:
    text = '[[claim]]\nid = "a"\nloss = "huber"\nsays = "loss >= 0"\nsource = "{{ 7*7 }} %s"\n'
    (claim,) = parse_claims(text, "c.toml")
    assert claim.source == "{{ 7*7 }} %s"


def test_a_worker_is_ended_at_its_limit_and_starts_again() -> None:
    given = {"text": "x", "loss": "huber", "quantity": "loss", "latex": True}
    with Worker() as worker:
        with pytest.raises(OutOfTime, match="not decided within"):
            worker.ask("formula", given, 0.01)
        with pytest.raises(BadInput, match="no quantity"):
            worker.ask("formula", {**given, "quantity": "d_q"}, 60)
