"""Printed formulas are read back by an independent reader and compared as numbers."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
import sympy
from mpmath import mp
from read_back import value
from sympy import Abs, Expr, Max, Piecewise, Rational, Symbol, atan, exp, log, sign, sqrt

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import FUNCTIONS, evaluate
from derive.definitions.catalogue import RESIDUAL as NAMES
from derive.views.latex.layout import LINE, Layout, Statement
from derive.views.latex.letters import letters
from derive.views.latex.printer import Printer
from derive.views.latex.width import width

x, s, b, lam = (Symbol(name, positive=True) for name in ("x", "s", "b", "lam"))
LETTERS = {"x": "x", "s": "s", "b": "b", "lam": r"\mathrm{lam}"}
AT = {x: mp.mpf("1.7"), s: mp.mpf("0.83"), b: mp.mpf("2.9"), lam: mp.mpf("0.41")}


def read(formula: str, more: Mapping[str, object] | None = None) -> object:
    numbers = {LETTERS[symbol.name]: number for symbol, number in AT.items()}
    return value(formula, {**numbers, **(more or {})})


def same(found: object, wanted: object) -> bool:
    return bool(abs(found - wanted) <= mp.mpf(10) ** -12 * (1 + abs(wanted)))  # type: ignore[operator]


PRINTED = {
    "alpha/2 - 1": (s ** (b / 2 - 1), r"s^{b/2 - 1}"),
    "exponential": (exp(-s / 2), r"e^{-s/2}"),
    "root": (sqrt(s + 1) - 1, r"\sqrt{1 + s} - 1"),
    "roots share a sign": (sqrt(2) * sqrt(sympy.pi) * s, r"\sqrt{2 \pi} s"),
    "magnitude": (Abs(Symbol("y", real=True)), r"\left|y\right|"),
    "natural log": (log(1 + s / 2), r"\ln\!\left(1 + \frac{s}{2}\right)"),
    "power of a log": (log(s) ** 2 / 4, r"\frac{1}{4} \ln^{2} s"),
    "product after a log": (log(s) * sign(b - x), r"(\ln s) \operatorname{sgn}(b - x)"),
    "numerator": ((4 - 2 * s) / (s + 2) ** 2, r"\frac{4 - 2 s}{(s + 2)^{2}}"),
    "inner denominator": (exp(s / (2 * b**2)), r"e^{s/(2 b^{2})}"),
    "upright name": (lam * x, r"\mathrm{lam} \, x"),
    "numbers that would join": (2 * sympy.Integer(3) ** x, r"2 \cdot 3^{x}"),
}


@pytest.mark.parametrize("case", PRINTED)
def test_shape_of_formulas(case: str) -> None:
    expression, wanted = PRINTED[case]
    printer = Printer({**LETTERS, "y": "y"})
    assert printer.show(expression) == wanted


def test_exponentials_are_no_power_of_a_variable_called_e() -> None:
    e, printer = Symbol("e", positive=True), Printer({"x": "x", "e": r"\mathrm{e}"})
    assert printer.show(exp(-e * x)) == r"\exp(-\mathrm{e} \, x)"
    assert printer.show(e * sympy.E) == r"\exp(1) \, \mathrm{e}"
    assert Printer({"x": "x"}).show(exp(-x)) == "e^{-x}"


def test_a_power_of_a_size_has_one_pair_of_bars() -> None:
    x, p = Symbol("x", real=True), Symbol("p", positive=True)
    assert Printer({"x": "x", "p": "p"}).show(sympy.Abs(x) ** p) == r"\left|x\right|^{p}"


def test_cases_put_what_is_bounded_first() -> None:
    y, delta = Symbol("y", real=True), Symbol("delta", positive=True)
    e = Piecewise((y**2 / 2, Abs(y) <= delta), (delta * Abs(y), True))
    assert Printer({"y": "y", "delta": r"\delta"}).show(e) == (
        r"\begin{cases} \frac{y^{2}}{2}, & \left|y\right| \le \delta \\ "
        r"\delta \left|y\right|, & \text{otherwise} \end{cases}"
    )


def test_every_function_of_the_calculus_has_a_notation() -> None:
    printer = Printer(LETTERS)
    for function in FUNCTIONS:
        two = function in (sympy.Max, sympy.Min, sympy.besselk, sympy.besseli, sympy.polygamma)
        arguments = (Rational(1, 3), x) if two and function is not sympy.polygamma else (x,)
        if function is sympy.Pow or function is sympy.polygamma:
            arguments = (sympy.Integer(2), x)
        assert printer.show(function(*arguments))


def grown(chance: random.Random, depth: int) -> Expr:
    """A random expression; positive where a logarithm or a power needs it."""
    if depth == 0 or chance.random() < 0.1:
        return chance.choice([x, s, b, lam, sympy.Integer(2), Rational(3, 4), sqrt(2), sympy.pi])
    one, other = grown(chance, depth - 1), grown(chance, depth - 1)
    shapes = [
        lambda: one + other, lambda: one - other, lambda: one * other, lambda: one / (other + 3),
        lambda: -one, lambda: one**2, lambda: (Abs(one) + 1) ** (other / 5), lambda: exp(-one / 4),
        lambda: log(Abs(one) + 2), lambda: sqrt(Abs(one) + 1), lambda: Abs(one - 2),
        lambda: sign(one - 3) * other, lambda: Max(one, other), lambda: atan(one) * other,
        lambda: (one - 2) * (other + 1) / (x * s), lambda: one ** Rational(-3, 2),
    ]  # fmt: skip
    return chance.choice(shapes)()


def random_formulas(count: int) -> list[Expr]:
    chance = random.Random(20260)
    found: list[Expr] = []
    with mp.workdps(20):
        while len(found) < count:
            e = grown(chance, 4)
            if e.has(sympy.I, sympy.zoo, sympy.nan, sympy.AccumBounds) or sympy.count_ops(e) > 60:
                continue
            try:
                number = evaluate(e, AT)
            except ArithmeticError:
                continue
            if e.free_symbols and abs(number) < 1e8:
                found.append(e)
    return found


def test_random_formulas_mean_what_they_meant() -> None:
    printer = Printer(LETTERS)
    for e in random_formulas(150):
        with mp.workdps(20):
            wanted = evaluate(e, AT)
            assert same(read(printer.show(e)), wanted), printer.show(e)
            assert same(read(printer.inline(e)), wanted), printer.inline(e)


def test_rows_of_long_formulas_mean_what_they_meant_and_fit() -> None:
    chance = random.Random(7)
    formulas = random_formulas(80)
    for _ in range(20):
        parts = chance.sample(formulas, 6)
        e = (
            parts[0] * parts[1]
            + parts[2] * (parts[3] + parts[4])
            - exp(-Abs(parts[5]) - parts[0] ** 2)
        )
        layout = Layout(dict(LETTERS), ("q", "v", "r"))
        rows = layout.rows([Statement("y", e)])
        for row in rows:
            assert width(row) <= LINE + 2, row
        with mp.workdps(20):
            assert same(understood(rows)["y"], evaluate(e, AT))


def understood(rows: list[str]) -> dict[str, object]:
    """Rows of `left &= right` with their continuations; names are read before they are used."""
    statements: list[list[str]] = []
    for row in rows:
        left, _, right = row.partition("&")
        if left.strip():
            statements.append([left.strip(), right.removeprefix("=")])
        else:
            statements[-1][1] += right.replace(r"\quad {}", "")
    known: dict[str, object] = {}
    waiting = list(reversed(statements))
    for _ in range(len(statements) ** 2):
        if waiting:
            left, right = waiting.pop(0)
            try:
                known[left] = read(right, known)
            except KeyError:
                waiting.append([left, right])
    assert not waiting, f"uses a name that is nowhere explained: {waiting}"
    return known


@pytest.mark.parametrize("name", NAMES)
def test_quantities_of_the_catalogue_mean_what_they_meant(
    name: str, derivations: Mapping[str, Derivation]
) -> None:
    derivation = derivations[name]
    loss = derivation.loss
    points = {"x": "1.3", "alpha": "-0.7", "scale": "1.9", "delta": "0.8", "beta": "0.6",
              "df": "2.7", "c": "1.9", "tau": "0.3", "epsilon": "0.6", "phi": "1.7",
              "a": "0.9", "b": "1.4", "kappa": "1.1", "q": "1.7", "w": "2.3",
              "lam": "0.4", "eps": "0.6"}  # fmt: skip
    for sign_of_x in (1, -1):
        at = {v: mp.mpf(points[v.name]) * (sign_of_x if v == loss.residual else 1)
              for v in loss.variables}  # fmt: skip
        for n in loss.where:
            at[n] = evaluate(loss.expand(n), at)
        written = letters(loss).symbols
        numbers = {written[symbol.name]: number for symbol, number in at.items()}
        for quantity, expression in derivation.pretty.items():
            folded = sympy.piecewise_fold(expression)
            branches = folded.args if isinstance(folded, Piecewise) else ((folded, True),)
            for branch, _ in branches:
                rows = Layout(dict(written), ("q", "v", "r")).rows([Statement("y", branch)])
                if len(rows) == 1:
                    found = value(rows[0].removeprefix("y &="), numbers)
                else:
                    found = value(Printer(written).show(branch), numbers)
                assert same(found, evaluate(branch, at)), quantity
