"""Divided differences of exp: their identities, their helpers, and how they are found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from high_precision import meaning
from mpmath import mp
from sympy import Symbol

from derive.calculus.evaluate import evaluate
from derive.numerics.atoms import difference, log1p, spelled_out
from derive.numerics.differences import NoPattern, basis, pattern
from derive.numerics.evaluate import evaluate as run
from derive.numerics.helpers.differences import pattern_helper
from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Name

L, p, t = Symbol("L", positive=True), Symbol("p", real=True), Symbol("t", positive=True)
RATES = [(0, 0), (0, 1), (-1, 0, 0), (0, p), (0, p, p), (0, p - 1, p, p), (p - 2, p - 1, p - 1, p)]
ids = [str(r) for r in RATES]


def _value(rates, argument, at):
    with mp.workdps(60):
        return evaluate(spelled_out(difference(argument, *map(sympy.sympify, rates))), at)


AT = {L: mp.mpf("0.83"), p: mp.mpf("0.37"), t: mp.mpf("1.7")}


@pytest.mark.parametrize("rates", RATES, ids=ids)
def test_it_is_the_divided_difference(rates):
    """By its definition as a limit: rates pulled apart by a little."""
    with mp.workdps(60):
        numbers = [evaluate(sympy.sympify(r), AT) for r in rates]
        apart = [r + k * mp.mpf(10) ** -8 for k, r in enumerate(numbers)]
        nodes = [r * AT[L] for r in apart]
        table = [mp.exp(v) for v in nodes]
        for width in range(1, len(nodes)):
            table = [
                (table[i + 1] - table[i]) / (nodes[i + width] - nodes[i])
                for i in range(len(table) - 1)
            ]
        want = table[0] * AT[L] ** (len(rates) - 1)
        assert abs(_value(rates, L, AT) / want - 1) < mp.mpf(10) ** -6


@pytest.mark.parametrize("rates", RATES, ids=ids)
@pytest.mark.parametrize("argument", [L, log1p(t)], ids=["L", "log"])
def test_slopes(rates, argument):
    expression = difference(argument, *map(sympy.sympify, rates))
    with mp.workdps(60):
        for letter in sorted(expression.free_symbols, key=str):
            got = evaluate(spelled_out(sympy.diff(expression, letter)), AT)
            want = evaluate(sympy.diff(spelled_out(expression), letter), AT)
            assert abs(got - want) < mp.mpf(10) ** -40


def test_the_recurrence():
    with mp.workdps(60):
        whole = basis([mp.mpf(0), mp.mpf("-0.63"), mp.mpf("0.37"), mp.mpf("0.37")])
        assert set(whole) == {
            (0, 0),
            (mp.mpf("-0.63"), 0),
            (mp.mpf("0.37"), 0),
            (mp.mpf("0.37"), 1),
        }


PATTERNS = [
    ("log_difference", "-1 0 0 1"), ("log_difference", "-1 -1 0 0"), ("log_difference", "-1 0 0 0"),
    ("exp_difference", "0 0 1 1"), ("exp_difference", "0 1 1"), ("exp_difference", "0 0 0 1"),
    ("power_difference", "0 p-1 p"), ("power_difference", "0 p-1 p p"),
    ("power_difference", "0 p-1 p p p"), ("power_difference", "-1 0 p"),
    ("power_difference", "0 p-2 p-1 p"),
]  # fmt: skip


def _rates(text):
    return [
        (part.startswith("p"), Fraction(part.removeprefix("p") or "0")) for part in text.split()
    ]


def _columns(count):
    rng = np.random.default_rng(3)
    t = 10.0 ** rng.uniform(-9, 9, count)
    t[: count // 4] = 10.0 ** rng.uniform(-0.5, 1.5, count // 4)
    p = np.where(rng.random(count) < 0.5, rng.normal(0, 1.2, count), rng.uniform(-8, 8, count))
    close = 10.0 ** rng.uniform(-14, -1, count)
    kind = rng.integers(0, 8, count)
    p = np.select([kind == 0, kind == 1, kind == 2], [close, 1 - close, -close], p)
    z = rng.choice([-1, 1], count) * 10.0 ** rng.uniform(-9, 2, count)
    return {"t": t, "p": p, "z": z}


@pytest.mark.parametrize(("kind", "rates"), PATTERNS)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 5), (np.float32, 8)])
def test_a_helper_keeps_its_digits(kind, rates, dtype, bound):
    """Beyond what the rounding of its arguments costs, in ULP; p close to 0 and 1 too."""
    helper = pattern_helper(kind, _rates(rates))
    columns = {k: v.astype(dtype) for k, v in _columns(160).items() if k in helper.parameters}
    got = np.broadcast_to(run(helper(*map(Name, helper.parameters)), columns, dtype), 160)
    low, high = (1e-280, 1e280) if dtype == np.float64 else (1e-30, 1e30)
    with mp.workdps(40):
        for k, value in enumerate(got):
            at = [mp.mpf(float(columns[name][k])) for name in helper.parameters]
            exact = helper.exact(*at)
            if not low < abs(exact) < high:
                continue
            tiny = mp.mpf(10) ** -25
            kappa = sum(
                abs(helper.exact(*(a * (1 + tiny) if i == j else a for j, a in enumerate(at)))
                    / exact - 1) / tiny
                for i in range(len(at))
            )  # fmt: skip
            error = abs(mp.mpf(float(value)) - exact) / float(np.spacing(dtype(abs(exact))))
            assert error <= bound + kappa, (at, value)


@pytest.mark.parametrize(("kind", "rates"), PATTERNS)
def test_a_helper_is_its_definition(kind, rates):
    helper = pattern_helper(kind, _rates(rates))
    with mp.workdps(40):
        for at in ({"t": "0.02", "p": "0.3"}, {"t": "7", "p": "-2.2"}, {"t": "60", "p": "3.1"}):
            names = {"z": mp.mpf(at["t"]), "t": mp.mpf(at["t"]), "p": mp.mpf(at["p"])}
            want = helper.exact(*(names[name] for name in helper.parameters))
            assert abs(meaning(helper.body, names) / want - 1) < mp.mpf(10) ** -12


def test_what_is_no_pattern():
    a, b = sympy.symbols("a b", real=True)
    with pytest.raises(NoPattern):
        pattern([sympy.S.Zero, a, b])
    with pytest.raises(CannotLower):
        lower(difference(L, a, b))
    with pytest.raises(CannotLower):
        lower(difference(L, sympy.sqrt(2), 0))
