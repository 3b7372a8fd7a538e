"""Formulas as people write them, in the terminal and in LaTeX: no bad forms over the catalogue and
the losses that users wrote, and every printed formula read back means what it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from forms import derived
from mpmath import mp
from sympy import Expr, Interval, Piecewise, Symbol, log, tanh, zoo

from derive.calculus import Derivation
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.presented import for_readers
from derive.calculus.samples import generic_points
from derive.calculus.spellings import one_power
from derive.definitions.catalogue import ELEMENTWISE
from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.definitions.notation import formula as typed
from derive.verification.formulas.reader import read_latex
from derive.views.latex import Wanted, fragment
from derive.views.latex.layout import Statement
from derive.views.latex.voice import Voice
from derive.views.terminal import shown

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted([*(TESTS / "losses").glob("*.toml"), *(TESTS / "cases").glob("*.toml")])
# Of each kind of formula one: all of them take a quarter of an hour, most of it derivations.
QUICK = (
    "quadratic", "huber", "cauchy", "brier", "hinge", "poisson", "log_cosh", "scaled_cases",
    "gennorm", "linex",
)  # fmt: skip
SUBJECTS = [
    pytest.param(subject, id=name, marks=[] if name.split("/")[-1] in QUICK else [pytest.mark.slow])
    for subject, name in [
        *((name, name) for name in ELEMENTWISE),
        *((str(f), f"{f.parent.name}/{f.stem}") for f in FILES),
    ]
]
BAD = {
    r"Abs\(": "magnitudes have bars", r"\boo\b": "it is inf", r"zoo|\bnan\b": "a sentence says it",
    r"\*\*": "powers are ^", "Piecewise": "cases are words",
    r">= \|": "what is bounded is on the left",
    r"\bsinh\([^()]*\)/cosh\(": "that is tanh", r"\+ -|- -|--": "signs that meet",
    r"\b1\*|\*1\b(?!\.)": "a factor 1", r"x\*sign\(x\)|sign\(x\)\*x\b": "that is |x|",
    r"sqrt\(2\)\*sqrt\(pi\)": "one root", r"if [^,]*\b0 (?:<|<=) \|": "a bound on the left",
    r"sqrt\(2\)\*[^/ ]*/2\b": "that is 1/sqrt(2)",
    r"1 - tanh\([^()]*\)\^2": "that is sech^2",
    r"- \|x\| (?:=|>|>=|<|<=) 0": "a comparison with 0", r"sign\([^()]*\)\^2": "that is 1",
}  # fmt: skip
BAD_TEX = {
    r"\\tilde": "that is zoo", r"\\mathrm\{NaN\}|\bnan\b": "a sentence says it",
    r"\+ -|- -": "signs",
    r"\\left\(\\left\|[^|]*\\right\|\\right\)\^": "bars are brackets enough",
    r"\\left\|[^|]*\\right\| = 0": "that is x = 0", r"Piecewise|Abs\(": "SymPy's words",
}  # fmt: skip


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_terminal_shows_no_bad_form(subject: str) -> None:
    derivation = derived(find(subject))
    text = " ".join(shown(derivation).split())
    for pattern, why in BAD.items():
        found = re.search(pattern, text)
        assert not found, f"{text[max(found.start() - 40, 0) : found.end() + 40]}: {why}"
    for factor in re.finditer(r"(?<![\w)])\(([^()]|\([^()]*\))* otherwise\)|otherwise\S", text):
        assert factor[0].startswith("(") or factor[0] in ("otherwise,", "otherwise)", "otherwise;")
    assert derivation.weight_at_zero != zoo or "none, for it is" in text


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_fragment_has_no_bad_form(subject: str) -> None:
    tex = fragment(derived(find(subject)))
    for pattern, why in BAD_TEX.items():
        found = re.search(pattern, tex)
        assert not found, f"{tex[max(found.start() - 40, 0) : found.end() + 40]}: {why}"
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_is_printed_is_read_back_as_what_it_came_from(subject: str) -> None:
    """By the reader of other people's formulas, at both sides of 0, names of parts resolved."""
    derivation = derived(find(subject))
    voice = Voice(derivation, Wanted())
    statements = {name: Statement("y", e) for name, e in voice.readable.items()}
    compared = 0
    for name, statement in statements.items():
        rows = voice.layout.rows([statement])
        with mp.workdps(40):
            for at in points(derivation):
                try:
                    wanted = evaluate(derivation.quantities[name], at)
                except NotReal:
                    continue
                found = read(voice, rows, at)
                assert abs(found - wanted) <= mp.mpf(10) ** -20 * (1 + abs(wanted)), (name, rows)
                compared += 1
    assert compared >= len(statements)


def points(derivation: Derivation) -> Iterator[dict[Symbol, Any]]:
    loss = derivation.loss
    for at in generic_points(loss, 2):
        other = at[loss.residual] if loss.predictions else -at[loss.residual] / 3
        for x in {at[loss.residual], other}:
            here = {**at, loss.residual: x}
            try:
                named = {n: evaluate(loss.expand(n), here) for n in loss.where}
            except NotReal:
                continue
            yield {**here, **named}


def read(voice: Voice, rows: list[str], at: Mapping[Symbol, Any]) -> Any:
    """The value of y = … and of the names that stand below it."""
    numbers = {letter(voice.letters.symbols[s.name]): number for s, number in at.items()}
    texts = statements_of(rows)
    known = {letter(voice.layout.symbols[n.name]): m for n, m in voice.layout.given}
    return value(formula(texts["y"]), numbers, known, voice)


def statements_of(rows: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    last = ""
    for row in rows:
        left, _, right = row.partition("&")
        if left.strip():
            last = left.strip()
            found[last] = right.removeprefix("= ")
        else:
            found[last] += right.replace(r"\quad {}", "")
    return found


@cache
def formula(tex: str) -> Expr:
    (found,) = read_latex(tex).formulas
    return found


@cache
def letter(tex: str) -> str:
    return str(formula(tex).name)


def value(e: Expr, numbers: Mapping[str, Any], known: Mapping[str, Expr], voice: Voice) -> Any:
    """A formula that was read, with the printed meaning of the names that it uses."""
    at = {}
    for s in e.free_symbols:
        if s.name in numbers:
            at[s] = numbers[s.name]
        else:
            printed = voice.printer.show(known[s.name])
            at[s] = value(formula(printed), numbers, known, voice)
    return evaluate(e, at)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        ("d_a", "-b*(|x|/a)^b/a"),
        ("d2_x_a", "-b^2*(|x|/a)^(b - 1)*sign(x)/a^2"),
        ("d2_a", "b*(1 + b)*(|x|/a)^b/a^2"),
        ("weight", "b*(|x|/a)^(b - 2)/a^2"),
    ],
)
def test_a_power_and_its_own_base_are_one_power(quantity: str, text: str) -> None:
    derivation = derived(find(str(TESTS / "cases" / "gennorm.toml")))
    assert typed(for_readers(derivation, [quantity])[quantity]) == text


def test_powers_over_each_other_are_a_power_of_the_ratio() -> None:
    x, a, p = Symbol("x", real=True), Symbol("a", positive=True), Symbol("p", positive=True)
    assert typed(one_power(a**-p * p * abs(x) ** p, x)) == "p*(|x|/a)^p"
    assert typed(one_power(a ** (-p - 1) * abs(x) ** p, x)) == "(|x|/a)^p/a"


def test_what_is_sech_is_called_so() -> None:
    x, c = Symbol("x", real=True), Symbol("c", positive=True)
    loss = Loss("t", "t", "t", (x, c), c**2 * tanh(x**2 / (2 * c**2)))
    found = for_readers(derived(loss), ["d_x", "weight", "d2_x_c"])
    assert typed(found["weight"]) == "sech(x^2/(2*c^2))^2"
    assert typed(found["d_x"]) == "x*sech(x^2/(2*c^2))^2"
    assert "tanh(x^2/(2*c^2))^2" not in typed(found["d2_x_c"])


def test_a_case_of_one_point_is_written_at_the_point() -> None:
    x, w = Symbol("x", real=True), Symbol("w", positive=True)
    sides = Piecewise((w * log(1 + abs(x)), abs(x) < w), (abs(x), True))
    derivation = derived(Loss("w", "w", "w", (x, w), sides))
    case = typed(for_readers(derivation, ["d_w"])["d_w"]).split(", ")[1]
    assert case.endswith("if |x| = w") and case.count("|") == 2


def test_facts_name_the_parameters_that_they_hold_for() -> None:
    text = shown(derived(find(str(TESTS / "cases" / "gennorm.toml"))))
    assert "weight at x = 0: inf if b < 2, 2/a^2 if b = 2, 0 otherwise" in text
    assert (
        "the slope is infinite if b < 1, kink if b = 1, the curvature is infinite if b < 2" in text
    )
    x, t = Symbol("x", real=True), Symbol("t", real=True)
    blend = Loss(
        "b", "b", "b", (x, t), t * abs(x) + (1 - t) * x**2 / 2,
        domains={t: Interval(0, 1)}, defaults={t: 0.5},
    )  # fmt: skip
    text = shown(derived(blend))
    assert "weight at x = 0: 1 if t = 0, inf otherwise" in text
    assert "x = 0: kink unless t = 0" in text
    assert "log Z = log(2)  at t = 1" in text


def test_a_minimum_on_both_sides_is_told_on_both() -> None:
    x, a = Symbol("x", real=True), Symbol("a", positive=True)
    text = shown(derived(Loss("well", "w", "w", (x, a), (x**2 - a**2) ** 2)))
    assert "least at x = -a and at x = a" in text
