"""Divided differences of the exponential: what is left of slopes and remainders that cancel.

For rates r_0, …, r_n (repeated ones allowed)

    D(L; r_0, …, r_n) = L^n exp[r_0 L, …, r_n L]

is the divided difference of exp, times L^n. It is an integral of exponentials over a simplex
(Hermite and Genocchi), so it is positive for L > 0: nothing cancels in it. It begins with L^n/n!,
it solves (d/dL - r_n) D(r_0, …, r_n) = D(r_0, …, r_{n-1}), and its slope in a rate is the same
thing with that rate once more. log(1 + w) - w/(1 + w), ((1 + w)^p - 1)/p and every slope of it in
w and p, exp(z) - 1 - z and their like are all of this kind, with L = log(1 + w) or z.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import factorial
from typing import Any

import sympy
from mpmath import mp
from sympy import Expr, S, exp

from derive.numerics.helpers import (
    HELPERS,
    Helper,
    boxcox1p,
    boxcox_bend,
    boxcox_slope,
    expm1_minus,
    log1p_minus,
    log_excess,
    power1p,
)
from derive.numerics.helpers.helper import define
from derive.numerics.nodes import Local, Name, Node, absolute, call, node, polynomial, where

# (whether the parameter p is added, a number): a rate of a pattern.
Rate = tuple[bool, Fraction]
# Where the rates times L differ by less, the power series is used; its number of terms.
_REACH, _REACH_OF_NUMBERS, _TERMS = 3, 4, 34
_t, _p, _z = Name("t"), Name("p"), Name("z")
_L = Local("L", call("log1p", _t))


class NoPattern(ValueError):
    """The rates are no numbers beside one parameter."""


def basis(rates: Sequence[Any]) -> dict[tuple[Any, int], Any]:
    """D as a sum of c L^m exp(r L): the coefficients c by (r, m), which are the residues of
    exp(s L)/prod(s - r_i)."""
    counts = Counter(rates)
    found: dict[tuple[Any, int], Any] = {}
    for r, count in counts.items():
        one = S.One if isinstance(r, Expr) else r**0
        taylor: list[Any] = [one, *[0 * one] * (count - 1)]
        for other in counts.elements():
            if other == r:
                continue
            for k in range(count):  # divided by (r - other) + (s - r)
                taylor[k] = (taylor[k] - (taylor[k - 1] if k else 0)) / (r - other)
        for m in range(count):
            found[r, m] = taylor[count - 1 - m] / factorial(m)
    return found


def spelled(argument: Expr, *rates: Expr) -> Expr:
    """D in exponentials."""
    terms = basis(rates).items()
    return sum((c * argument**m * exp(r * argument) for (r, m), c in terms), S.Zero)


def pattern(rates: Sequence[Expr]) -> tuple[Expr, tuple[Rate, ...]]:
    """(p, the rates as numbers and p plus numbers). Raises NoPattern where that is not all."""
    parts = [sympy.expand(rate).as_coeff_Add() for rate in rates]
    moving = list(dict.fromkeys(rest for _, rest in parts if rest != 0))
    if len(moving) > 1 or not all(number.is_Rational for number, _ in parts):
        raise NoPattern
    found = sorted((rest != 0, Fraction(int(n.p), int(n.q))) for n, rest in parts)
    return (moving[0] if moving else S.Zero), tuple(found)


def of_logarithm(t: Node, p: Node, rates: Sequence[Rate]) -> Node:
    """D(log(1 + t); rates) for t >= 0."""
    numbers = [n for moves, n in rates if not moves]
    shifts = [n for moves, n in rates if moves]
    if not shifts:
        return _numbers(t, numbers)
    if not numbers:
        return _lifted(power1p(t, p), t, max(shifts)) * _numbers(t, [n - max(shifts) for n in shifts])
    top, high = max(numbers), max(shifts)
    inner = tuple(sorted([(False, n - top) for n in numbers] + [(True, n - high) for n in shifts]))
    return _lifted(_mixed(inner, t, p + (high - top)), t, top)


def _lifted(value: Node, t: Node, power: Fraction) -> Node:
    """The value times (1 + t)^power."""
    if power.denominator != 1 or abs(power) > 3:
        return value * power1p(t, node(power))
    for _ in range(abs(int(power))):
        value = value * (1 + t) if power > 0 else value / (1 + t)
    return value


def _numbers(t: Node, rates: Sequence[Fraction]) -> Node:
    """D(log(1 + t); numbers): a known function, else a helper of its own."""
    top = max(rates)
    inner = tuple(sorted(r - top for r in rates))
    known: dict[tuple[int, ...], Node] = {
        (0,): node(1),
        (0, 0): call("log1p", t),
        (-1, 0): t / (1 + t),
        (-1, 0, 0): log_excess(t),
        (-1, -1, 0): -log1p_minus(t) / (1 + t),
    }
    found = known.get(inner)  # type: ignore[call-overload]  # a Fraction equals its integer
    if found is None:
        found = _helper("log_difference", [(False, r) for r in inner])(t)
    elif inner == (-1, 0) and top == 1:
        return t
    elif inner == (-1, -1, 0) and top >= 1:
        return _lifted(-log1p_minus(t), t, top - 1)
    return _lifted(found, t, top)


def _mixed(rates: tuple[Rate, ...], t: Node, p: Node) -> Node:
    zero = Fraction(0)
    known = {1: boxcox1p(t, p), 2: boxcox_slope(t, p), 3: boxcox_bend(t, p) / 2}
    if rates[0] == (False, zero) and set(rates[1:]) == {(True, zero)} and len(rates) <= 4:
        return known[len(rates) - 1]
    return _helper("power_difference", rates)(t, p)


def of_exponential(z: Node, rates: Sequence[Rate]) -> Node:
    """D(z; numbers)."""
    numbers = [n for moves, n in rates if not moves]
    if len(numbers) < len(rates):
        raise NoPattern
    low = min(numbers)
    inner = tuple(sorted(r - low for r in numbers))
    if inner == (0, 1):
        found: Node = call("expm1", z)
    elif inner == (0, 0, 1):
        found = expm1_minus(z)
    elif len(set(inner)) == 1:
        found = node(1)
        for k in range(len(inner) - 1):
            found = found * z / (k + 1)
    else:
        found = _helper("exp_difference", [(False, r) for r in inner])(z)
    return found * call("exp", node(low) * z) if low else found


def _helper(kind: str, rates: Sequence[Rate]) -> Helper:
    name = "_".join([kind, *(_word(*rate) for rate in rates)])
    if name not in HELPERS:
        argument = "z" if kind == "exp_difference" else "L"
        shown = ", ".join(_shown(*rate, argument) for rate in rates)
        n = len(rates) - 1
        where_l = "" if argument == "z" else ", L = log(1 + t)"
        meaning = f"{argument}^{n} exp[{shown}]{where_l}: the divided difference of exp."
        body = {"exp_difference": _of_z, "log_difference": _of_log, "power_difference": _of_power}
        names = ("z",) if argument == "z" else ("t", "p") if kind == "power_difference" else ("t",)
        define(Helper(name, names, meaning, body[kind](tuple(rates)), _exact(argument, rates)))
    return HELPERS[name]


def _word(moves: bool, n: Fraction) -> str:
    size = f"{abs(n.numerator)}" + (f"over{n.denominator}" if n.denominator > 1 else "")
    number = f"m{size}" if n < 0 else size
    return f"p{number if n else ''}" if moves else number


def _shown(moves: bool, n: Fraction, argument: str) -> str:
    if not moves:
        return "0" if n == 0 else {1: argument, -1: f"-{argument}"}.get(n, f"{n} {argument}")  # type: ignore[call-overload]
    return f"p {argument}" if n == 0 else f"(p {'-' if n < 0 else '+'} {abs(n)}) {argument}"


def _exact(argument: str, rates: Sequence[Rate]) -> Any:
    def value(t: Any, p: Any = 0) -> Any:
        with mp.workdps(4 * mp.dps + 40):
            big = t if argument == "z" else mp.log1p(t)
            numbers = [mp.mpf(n.numerator) / n.denominator + (p if m else 0) for m, n in rates]
            return mp.fsum(c * big**m * mp.exp(r * big) for (r, m), c in basis(numbers).items())

    return value


def _weights(rates: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """h_k(rates)/(n + k)!, h_k the complete symmetric polynomials: exp[rates L] in powers of L."""
    sums = [Fraction(0)] * len(rates)
    found = []
    for k in range(_TERMS):
        total = Fraction(int(k == 0))
        for j, rate in enumerate(rates):
            total += rate * sums[j]
            sums[j] = total
        found.append(total / factorial(len(rates) - 1 + k))
    return tuple(found)


def _whole(value: Node, n: int) -> Node:
    total = value
    for _ in range(n - 1):
        total = total * value
    return total


def _closed(argument: Node, rates: Sequence[Fraction], power: Any) -> Node:
    """The sum over the basis, growing terms first."""
    total: Node | None = None
    terms = sorted(basis(rates).items(), key=lambda item: (-item[0][0], -item[0][1]))
    for (r, m), c in terms:
        if c == 0:
            continue
        term = node(abs(c))
        if m:
            term = _whole(argument, m) * abs(c)
        if r:
            term = power(term, r)
        total = (-term if c < 0 else term) if total is None else total - term if c < 0 else total + term
    assert total is not None
    return total


def _of_log(rates: tuple[Rate, ...]) -> Node:
    numbers = [n for _, n in rates]
    low, n = min(numbers), len(numbers) - 1
    series = _whole(_L, n) * polynomial(_L, _weights([r - low for r in numbers]))
    near = _lifted(series, _t, low)
    far = _closed(_L, numbers, lambda term, r: _lifted(term, _t, r))
    return where(_L < Fraction(_REACH_OF_NUMBERS) / (max(numbers) - low), near, far)


def _of_z(rates: tuple[Rate, ...]) -> Node:
    numbers = [n for _, n in rates]
    low, high, n = min(numbers), max(numbers), len(numbers) - 1
    size = absolute(_z)
    up = polynomial(size, _weights([r - low for r in numbers]))
    down = polynomial(size, _weights([high - r for r in numbers])) * call("exp", high * _z)
    near = _whole(_z, n) * where(_z < 0, down, up * call("exp", low * _z) if low else up)
    far = _closed(_z, numbers, lambda term, r: term * call("exp", r * _z))
    return where(size < Fraction(_REACH_OF_NUMBERS) / (high - low), near, far)


def _of_power(rates: tuple[Rate, ...]) -> Node:
    numbers = [n for moves, n in rates if not moves]
    shifts = [n for moves, n in rates if moves]
    low = Local("low", call("min", _p + min(shifts), min(numbers)))
    high = Local("high", call("max", _p + max(shifts), max(numbers)))
    above = [(_p + n if moves else node(n)) - low for moves, n in rates]
    series = call("exp_series", _L, *above)
    near = _whole(_L, len(rates) - 1) * power1p(_t, low) * series
    turn = (max(numbers) + min(numbers) - max(shifts) - min(shifts)) / 2
    far = where(_p < turn, _apart(rates, up=False), _apart(rates, up=True))
    return where((high - low) * _L < _REACH, near, far)


def _apart(rates: tuple[Rate, ...], up: bool) -> Node:
    """By the recurrence, over the two rates that lie farthest apart: p above the numbers (up) or
    below them."""
    low, high = _ends(rates, up)
    distance = (_p + high[1]) - low[1] if up else node(high[1]) - (_p + low[1])
    parts = []
    for gone in (low, high):
        rest = list(rates)
        rest.remove(gone)
        kinds = {moves for moves, _ in rest}
        if len(kinds) == 2 and _ends(tuple(rest), up) == (low, high):
            parts.append(_apart(tuple(rest), up))
        else:
            parts.append(of_logarithm(_t, _p, rest))
    return (parts[0] - parts[1]) / distance


def _ends(rates: tuple[Rate, ...], up: bool) -> tuple[Rate, Rate]:
    numbers = [r for r in rates if not r[0]]
    shifts = [r for r in rates if r[0]]
    return (min(numbers), max(shifts)) if up else (min(shifts), max(numbers))
