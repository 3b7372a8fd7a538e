"""Programs for divided differences of the exponential, D(L; rates) of `numerics.differences`.

Near L = 0 their power series, whose terms are all positive once the lowest rate is taken out;
farther out the recurrence over the two rates that lie farthest apart. Each pattern of rates has a
helper of its own, unless it is one of the functions that have a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial
from typing import Any

from mpmath import mp

from derive.numerics.differences import NoPattern, Rate, basis
from derive.numerics.helpers.boxcox import boxcox1p, boxcox_bend, boxcox_slope
from derive.numerics.helpers.exponential import expm1_minus
from derive.numerics.helpers.helper import HELPERS, Helper, define
from derive.numerics.helpers.logarithm import log1p_minus, log_excess
from derive.numerics.helpers.powers import power1p
from derive.numerics.nodes import Local, Name, Node, absolute, call, node, polynomial, where

# Where the rates times L differ by less, the power series is used; its number of terms.
_REACH, _REACH_OF_NUMBERS, _TERMS = 3, 4, 34
_t, _p, _z = Name("t"), Name("p"), Name("z")
_L = Local("L", call("log1p", _t))


def of_logarithm(t: Node, p: Node, rates: Sequence[Rate]) -> Node:
    """D(log(1 + t); rates) for t >= 0."""
    numbers = [n for moves, n in rates if not moves]
    shifts = [n for moves, n in rates if moves]
    if not shifts:
        return _numbers(t, numbers)
    if not numbers:
        high = max(shifts)
        return _lifted(power1p(t, p), t, high) * _numbers(t, [n - high for n in shifts])
    top, high = max(numbers), max(shifts)
    inner = tuple(sorted([(False, n - top) for n in numbers] + [(True, n - high) for n in shifts]))
    return _lifted(_mixed(inner, t, p + node(high - top)), t, top)


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
    match tuple(int(r) if r.denominator == 1 else r for r in inner):
        case (0,):
            found: Node = node(1)
        case (0, 0):
            found = call("log1p", t)
        case (-1, 0):
            return _lifted(t, t, top - 1)
        case (-1, 0, 0):
            found = log_excess(t)
        case (-1, -1, 0):
            return _lifted(-log1p_minus(t), t, top - 1)
        case _:
            found = pattern_helper("log_difference", [(False, r) for r in inner])(t)
    return _lifted(found, t, top)


def _mixed(rates: tuple[Rate, ...], t: Node, p: Node) -> Node:
    zero = Fraction(0)
    known = {1: boxcox1p(t, p), 2: boxcox_slope(t, p), 3: boxcox_bend(t, p) / 2}
    if rates[0] == (False, zero) and set(rates[1:]) == {(True, zero)} and len(rates) <= 4:
        return known[len(rates) - 1]
    return pattern_helper("power_difference", rates)(t, p)


def of_exponential(z: Node, rates: Sequence[Rate]) -> Node:
    """D(z; numbers)."""
    numbers = [n for moves, n in rates if not moves]
    if len(numbers) < len(rates):
        raise NoPattern
    low = min(numbers)
    inner = tuple(sorted(r - low for r in numbers))
    if len(set(inner)) == 1:
        found: Node = node(1)
        for k in range(len(inner) - 1):
            found = found * z / (k + 1)
        return found * call("exp", node(low) * z) if low else found
    match tuple(int(r) if r.denominator == 1 else r for r in inner):
        case (0, 1):
            found = call("expm1", z)
        case (0, 0, 1):
            found = expm1_minus(z)
        case _:
            found = pattern_helper("exp_difference", [(False, r) for r in inner])(z)
    return found * call("exp", node(low) * z) if low else found


def pattern_helper(kind: str, rates: Sequence[Rate]) -> Helper:
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
        return "0" if n == 0 else f"{n} {argument}".removeprefix("1 ").replace("-1 ", "-")
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


def _closed(
    argument: Node, rates: Sequence[Fraction], power: Callable[[Node, Fraction], Node]
) -> Node:
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
        if total is None:
            total = -term if c < 0 else term
        else:
            total = total - term if c < 0 else total + term
    assert total is not None
    return total


def _of_log(rates: tuple[Rate, ...]) -> Node:
    numbers = [n for _, n in rates]
    low, n = min(numbers), len(numbers) - 1
    series = _whole(_L, n) * polynomial(_L, _weights([r - low for r in numbers]))
    near = _lifted(series, _t, low)
    far = _closed(_L, numbers, lambda term, r: _lifted(term, _t, r))
    return where(call("lt", _L, Fraction(_REACH_OF_NUMBERS) / (max(numbers) - low)), near, far)


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
