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


@pytest.mark.parametrize("rates", ["0 p p", "0 p p p"])
def test_at_infinity_a_power_of_which_no_half_is_left_is_infinite(rates):
    helper = pattern_helper("square_difference", _rates(rates))
    at = {"f": 1.0, "y": np.inf, "b": 2.0, "p": 5e-324}
    columns = {name: np.array([at[name]]) for name in helper.parameters}
    assert run(helper(*map(Name, helper.parameters)), columns) == np.inf


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
    ("exp_difference", "-1 0 0"), ("exp_difference", "-1 -1 0 0"), ("exp_difference", "-1 0 0 0"),
    ("exp_difference_over", "-1 0 0"),
    ("exp_difference", "0 0 1 1"), ("exp_difference", "0 1 1"), ("exp_difference", "0 0 0 1"),
    ("power_difference", "0 p-1 p"), ("power_difference", "0 p-1 p p"),
    ("power_difference", "0 p-1 p p p"), ("power_difference", "-1 0 p"),
    ("power_difference", "0 p-2 p-1 p"),
]  # fmt: skip


def _rates(text):
    return [
        (part.startswith("p"), Fraction(part.removeprefix("p") or "0")) for part in text.split()
    ]


def _columns(helper, count, dtype):
    """z > 0 beside powers; g is exp(p z), rounded."""
    rng = np.random.default_rng(3)
    p = np.where(rng.random(count) < 0.5, rng.normal(0, 1.2, count), rng.uniform(-8, 8, count))
    close = 10.0 ** rng.uniform(-14, -1, count)
    kind = rng.integers(0, 8, count)
    p = np.select([kind == 0, kind == 1, kind == 2], [close, 1 - close, -close], p).astype(dtype)
    z = 10.0 ** np.where(rng.random(count) < 0.5, rng.uniform(-9, 2, count), rng.uniform(-1, 1))
    if helper.name.startswith("exp") and "_m" not in helper.name:
        z = z * rng.choice([-1, 1], count)
    z = z.astype(dtype)
    with mp.workdps(40):
        powers = [mp.exp(mp.mpf(float(a)) * mp.mpf(float(b))) for a, b in zip(p, z, strict=True)]
    with np.errstate(over="ignore"):
        g = np.array([float(v) for v in powers]).astype(dtype)
    columns = {"z": z, "p": p, "g": g}
    return {name: columns[name] for name in helper.parameters}


@pytest.mark.parametrize(("kind", "rates"), PATTERNS)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 5), (np.float32, 8)])
def test_a_helper_keeps_its_digits(kind, rates, dtype, bound):
    """Beyond what the rounding of its arguments costs, in ULP; p close to 0 and 1 too."""
    helper = pattern_helper(kind, _rates(rates))
    columns = _columns(helper, 160, dtype)
    got = np.broadcast_to(run(helper(*map(Name, helper.parameters)), columns, dtype), 160)
    low, high = (1e-280, 1e280) if dtype == np.float64 else (1e-30, 1e30)
    names = [name for name in helper.parameters if name != "g"]
    with mp.workdps(40):
        for k, value in enumerate(got):
            at = [mp.mpf(float(columns[name][k])) for name in names]
            exact = helper.exact(*at)
            if not low < abs(exact) < high:
                continue
            if "g" in columns and not low < columns["g"][k] < high:
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
        for z, p in (("0.02", "0.3"), ("7", "-2.2"), ("4.1", "3.1"), ("30", "0.2"), ("9", "0.01")):
            at = {"z": mp.mpf(z), "p": mp.mpf(p), "g": mp.exp(mp.mpf(z) * mp.mpf(p))}
            names = {name: at[name] for name in helper.parameters}
            want = helper.exact(*names.values())
            assert abs(meaning(helper.body, names) / want - 1) < mp.mpf(10) ** -12


def test_two_slopes_in_an_exponent():
    """(g (z - 1 + exp(-z))^2 - ...)/4 beside its zero, beside p = 1, and far out."""
    helper = pattern_helper("square_bend", ())
    rng = np.random.default_rng(5)
    p = 1 + rng.choice([-1, 1], 300) * np.exp(rng.uniform(-36, 9, 300))
    b = 2 * np.abs(p - 1)
    size = np.minimum(np.exp(rng.uniform(-3, 6, 300)) / np.maximum(p, 1e-3), 600)
    y = np.sqrt(np.expm1(size) * b)
    columns = {"f": np.sign(p - 1), "y": y, "b": b, "p": p}
    got = run(helper(*map(Name, helper.parameters)), columns)
    with mp.workprec(400):
        for value, f, *at in zip(got, *columns.values(), strict=True):
            f, y, b, p = map(mp.mpf, map(float, (f, *at)))
            exact = helper.exact(f, y, b, p)
            if not 1e-280 < abs(exact) < 1e280:
                continue
            step = mp.mpf(2) ** -150
            moved = [helper.exact(f, y * (1 + step), b, p)] * 2
            moved.append(helper.exact(f, y, b + 2 * step * p * f, p * (1 + step)))
            kappa = sum(abs(v / exact - 1) for v in moved) / step
            error = abs(mp.mpf(float(value)) - exact) / float(np.spacing(abs(float(exact))))
            assert error <= 32 + kappa, (y, p)


def test_what_is_no_pattern():
    a, b = sympy.symbols("a b", real=True)
    with pytest.raises(NoPattern):
        pattern([sympy.S.Zero, a, b])
    with pytest.raises(CannotLower):
        lower(difference(L, a, b))
    with pytest.raises(CannotLower):
        lower(difference(L, sympy.sqrt(2), 0))
