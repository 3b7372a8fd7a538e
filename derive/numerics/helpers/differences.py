"""Programs for divided differences of the exponential, D(L; rates) of `numerics.differences`.

Near L = 0 their power series, whose terms are all positive once the lowest rate is taken out;
farther out the recurrence over the two rates that lie farthest apart. Each pattern of rates has a
helper of its own, unless it is one of the functions that have a name. For L = log(1 + w) a power
g = (1 + w)^p is an argument beside L: exp(p L) would lose |p L| ULP, and w may leave the range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp
from typing import Any

from mpmath import mp

from derive.numerics.differences import NoPattern, Rate, basis
from derive.numerics.helpers.exponential import expm1_minus, exprel
from derive.numerics.helpers.helper import FAR, HELPERS, Helper, define
from derive.numerics.helpers.powers import SIZE, log1p_over, power1p_square
from derive.numerics.nodes import (
    Local,
    Name,
    Node,
    absolute,
    call,
    node,
    patch,
    rebuilt,
    where,
)

# Where the rates times z differ by less, the power series is used.
_REACH, _REACH_OF_NUMBERS = 5, 4
_LEAST_LOSS = 3.5
_NEGLIGIBLE = 80
# A power beyond it outweighs everything beside it, and leaves room in every dtype.
_HUGE = 2**90
# Below it log(1 + t^2) is t^2, in digits.
_TINY = 2.0**-40
# A positive p below it makes a large power of an infinite sum alone.
_LEAST_RATE = 2.0**-20
_z, _p, _g = Name("z"), Name("p"), Name("g")
_f, _y, _b = Name("f"), Name("y"), Name("b")
# Beside an exponential of 0, where z is infinite; its cube is a number in every dtype.
_BOUNDED = Local("m", call("min", _z, 1e9))


@dataclass(frozen=True)
class Growth:
    """1 + w and what is made of it: L, g = (1 + w)^p and 1/(1 + w).

    square: y and b where w = y^2/b; front: what multiplies the difference, if it belongs to it.
    """

    log: Node
    p: Node
    power: Node
    total: Node
    square: tuple[Node, Node] | None = None
    front: Node | None = None


def of_logarithm(growth: Growth, rates: Sequence[Rate], more: Node | None = None) -> Node:
    """D(L; rates) + more g: together, since each may overflow alone."""
    numbers = [n for moves, n in rates if not moves]
    shifts = [n for moves, n in rates if moves]
    if growth.front is not None and not (numbers and shifts):
        raise NoPattern
    if not shifts:
        return _lifted(_numbers(growth.log, numbers), growth.total, max(numbers))
    if not numbers:
        high = max(shifts)
        rest = _numbers(growth.log, shifts)
        return _lifted(growth.power, growth.total, high) * rest
    top, high = max(numbers), max(shifts)
    inner = tuple(sorted([(False, n - top) for n in numbers] + [(True, n - high) for n in shifts]))
    shift = high - top
    power = _lifted(growth.power, growth.total, shift)
    arguments = growth.log, growth.p + node(shift), power
    if growth.square is not None and top == 0 and shift == 0:
        front = node(1) if growth.front is None else growth.front
        kind = "square_difference" if more is None else "square_difference_plus"
        given = (front, *growth.square, growth.p, *(() if more is None else (more,)))
        return pattern_helper(kind, inner)(*given)
    if growth.front is not None:
        raise NoPattern
    if more is None:
        return _lifted(pattern_helper("power_difference", inner)(*arguments), growth.total, top)
    if top != 0 or shift != 0:
        raise NoPattern
    return pattern_helper("power_difference_plus", inner)(*arguments, more)


def _lifted(value: Node, total: Node, power: Fraction) -> Node:
    """The value times (1 + w)^power."""
    if power.denominator != 1:
        raise NoPattern
    for _ in range(abs(int(power))):
        value = value * total if power > 0 else value / total
    return value


def _numbers(log: Node, rates: Sequence[Fraction]) -> Node:
    """D(L; numbers) exp(-L max(numbers))."""
    inner = tuple(sorted(r - max(rates) for r in rates))
    if len(set(inner)) == 1:
        return _power_of(log, len(inner) - 1)
    if inner == (Fraction(-1), Fraction(0)):
        return -call("expm1", -log)
    return pattern_helper("exp_difference", [(False, r) for r in inner])(log)


def _power_of(value: Node, n: int) -> Node:
    """value^n/n!"""
    found = node(1)
    for k in range(n):
        found = found * value / (k + 1)
    return found


def of_exponential(z: Node, rates: Sequence[Rate]) -> Node:
    """D(z; numbers)."""
    numbers = [n for moves, n in rates if not moves]
    if len(numbers) < len(rates):
        raise NoPattern
    low = min(numbers)
    inner = tuple(sorted(r - low for r in numbers))
    if len(set(inner)) == 1:
        found = _power_of(z, len(inner) - 1)
    elif inner == (Fraction(0), Fraction(1)):
        found = call("expm1", z)
    elif inner == (Fraction(0), Fraction(0), Fraction(1)):
        found = expm1_minus(z)
    else:
        found = pattern_helper("exp_difference", [(False, r) for r in inner])(z)
    return found * call("exp", node(low) * z) if low else found


def over(z: Node, rates: Sequence[Rate]) -> Node:
    """D(z; numbers)/z for z >= 0, where the highest number is 0."""
    return pattern_helper("exp_difference_over", rates)(z)


def alone(z: Node, rates: Sequence[Rate]) -> Node:
    """D(z; numbers)/z^n."""
    if any(moves for moves, _ in rates):
        raise NoPattern
    numbers = sorted(n for _, n in rates)
    found = pattern_helper("exp_difference_alone", [(False, n - numbers[0]) for n in numbers])(z)
    return found * call("exp", node(numbers[0]) * z) if numbers[0] else found


def pattern_helper(kind: str, rates: Sequence[Rate]) -> Helper:
    name = "_".join([kind, *(_word(*rate) for rate in rates)])
    if name not in HELPERS:
        shown = ", ".join(_shown(*rate) for rate in rates)
        less = {"exp_difference_over": 1, "exp_difference_alone": len(rates) - 1}.get(kind, 0)
        power = {0: "", 1: "z "}.get(len(rates) - 1 - less, f"z^{len(rates) - 1 - less} ")
        meaning = f"{power}exp[{shown}], the divided difference of exp"
        if kind.startswith("exp_difference"):
            exact = _exact(rates)
            body = _of_z(tuple(rates), less)
            define(Helper(name, ("z",), f"{meaning}.", body, lambda z: exact(z) / z**less))
        elif kind == "power_difference":
            meaning += "; g = exp(p z)."
            body, exact = _of_power(tuple(rates)), _exact(rates)
            define(Helper(name, ("z", "p", "g"), meaning, body, exact))
        elif kind == "square_bend":
            define(_square_bend())
        elif kind.startswith("square_difference"):
            define(_of_square(name, tuple(rates), kind.endswith("plus")))
        else:
            meaning += "; plus c g, g = exp(p z)."
            body, exact = _of_power(tuple(rates), Name("c")), _exact(rates)
            names = ("z", "p", "g", "c")
            define(Helper(name, names, meaning, body, lambda z, p, g, c: exact(z, p) + c * g))
    return HELPERS[name]


def _word(moves: bool, n: Fraction) -> str:
    size = f"{abs(n.numerator)}" + (f"over{n.denominator}" if n.denominator > 1 else "")
    number = f"m{size}" if n < 0 else size
    return f"p{number if n else ''}" if moves else number


def _shown(moves: bool, n: Fraction) -> str:
    if not moves:
        return "0" if n == 0 else f"{n} z".removeprefix("1 ").replace("-1 ", "-")
    return "p z" if n == 0 else f"(p {'-' if n < 0 else '+'} {abs(n)}) z"


def _exact(rates: Sequence[Rate]) -> Any:
    def value(z: Any, p: Any = 0, g: Any = 0) -> Any:
        with mp.workdps(4 * mp.dps + 40):
            numbers = [mp.mpf(n.numerator) / n.denominator + (p if m else 0) for m, n in rates]
            return mp.fsum(c * z**m * mp.exp(r * z) for (r, m), c in basis(numbers).items())

    return value


def _whole(value: Node, n: int) -> Node:
    total = value
    for _ in range(n - 1):
        total = total * value
    return total


def _closed(argument: Node, rates: Sequence[Fraction]) -> Node:
    """The sum over the basis, growing terms first, the highest power of exp taken out."""
    high = max(rates)
    total: Node | None = None
    terms = sorted(basis(rates).items(), key=lambda item: (-item[0][0], -item[0][1]))
    for (r, m), c in terms:
        if c == 0:
            continue
        term = node(abs(c))
        if m:
            term = _whole(argument if r == high else _BOUNDED, m) * abs(c)
        if r != high:
            term = term * call("exp", node(r - high) * argument)
        if total is None:
            total = -term if c < 0 else term
        else:
            total = total - term if c < 0 else total + term
    assert total is not None
    return total * call("exp", node(high) * argument) if high else total


def _of_z(rates: tuple[Rate, ...], less: int = 0) -> Node:
    """For numbers, over z^less; z < 0 by reflection, which a pattern that decays never needs."""
    numbers = [n for _, n in rates]
    low, high, n = min(numbers), max(numbers), len(numbers) - 1
    size = absolute(_z)
    series: Node = call("exp_series", size, *(r - low for r in numbers))
    if low:
        series = call("exp", node(low) * _z) * series
    argument = _BOUNDED if less == 1 else _z
    far = _closed(argument, numbers)
    if high > 0:
        down = call("exp_series", size, *(high - r for r in numbers))
        series = where(_z < 0, call("exp", node(high) * _z) * down, series)
        if low == 0:
            far = where(_z < 0, _backward(numbers), far)
    near = Local("near", _whole(_z, n - less) * series if less < n else series)
    for _ in range(less):
        far = far / argument
    return where(size < _reach(numbers), near, Local("far", far))


def _reach(numbers: Sequence[Fraction]) -> Fraction:
    """From where on the sum over the basis is rounded less than the series: its first-order error,
    in half units, against its value."""
    low, high = min(numbers), max(numbers)
    farthest = Fraction(_REACH_OF_NUMBERS) / (high - low)
    terms = sorted(basis(numbers).items(), key=lambda item: (-item[0][0], -item[0][1]))
    for reach in (Fraction(1), Fraction(3, 2), Fraction(2)) if high <= 0 else ():
        total = lost = 0.0
        for (r, m), c in terms:
            term = float(c) * float(reach) ** m * exp(float(r * reach))
            lost += abs(total + term) * bool(total) + 2 * abs(term) * (r != high)
            total += term
        if reach < farthest and lost <= _LEAST_LOSS * abs(total):
            return reach
    return farthest


def _backward(rates: Sequence[Fraction]) -> Node:
    """The sum over the basis for z < 0, where every exponential is at most 1."""
    total: Node | None = None
    for (r, m), c in sorted(basis(rates).items(), key=lambda item: (item[0][0], -item[0][1])):
        if c == 0:
            continue
        term = node(abs(c)) if not m else _whole(call("max", _z, -FAR) if r else _z, m) * abs(c)
        if r:
            term = call("exp", node(r) * _z) * term
        if total is None:
            total = -term if c < 0 else term
        else:
            total = total - term if c < 0 else total + term
    assert total is not None
    return total


def _of_power(rates: tuple[Rate, ...], more: Node | None = None, front: Node | None = None) -> Node:
    """front (D + more g); a large front meets a power of z before that is below the range."""
    front = node(1) if front is None else front
    if set(rates) == {(False, Fraction(0)), (True, Fraction(0))} and len(rates) == 2:
        found = patch(_is_far(_p * _z), (_g - 1) / _p, _z * exprel(_p * _BOUNDED))
        return front * (found if more is None else found + _g * more)
    numbers = [n for moves, n in rates if not moves]
    shifts = [n for moves, n in rates if moves]
    low = Local("low", call("min", _p + min(shifts), min(numbers)))
    high = Local("high", call("max", _p + max(shifts), max(numbers)))
    unit = Local("unit", call("max", high - low, 1))
    above = [((_p + n if moves else node(n)) - low) / unit for moves, n in rates]
    series = call("exp_series", unit * _BOUNDED, *above)
    near = front
    for _ in rates[1:]:
        near = near * _z
    near = near * call("exp", low * _BOUNDED) * series
    if more is not None:
        near = near + front * (_g * more)
    far: Node = Local("above", _joined(_apart(rates, up=True), more))
    if len(set(rates)) > 2:
        distance = (_p + max(shifts) - min(numbers)) * _BOUNDED
        below = Local("below", _joined(_apart(rates, up=False), more))
        far = where(distance < Fraction(_REACH, 2), below, far)
    return where((high - low) * _BOUNDED < _REACH, Local("near", near), front * far)


def _is_far(z: Node) -> Node:
    """Where exp(z) - 1 is taken of the power itself: from there on expm1 multiplies what z is
    rounded by too much, and on the other side the power is 0, also where z is infinite."""
    return call("or", call("le", Fraction(5, 4), z), call("le", z, -40))


def _of_square(name: str, rates: tuple[Rate, ...], plus: bool) -> Helper:
    """f times a difference of log(1 + y^2/b); where the power may leave the range, it alone counts,
    in two halves."""
    shown = ", ".join(_shown(*rate) for rate in rates)
    found = f"z^{len(rates) - 1} exp[{shown}]"
    found = f"f ({found} + c exp(p z))" if plus else f"f {found}"
    more = Name("c") if plus else None
    factor, _ = _apart(rates, up=True)
    beside = _f / _p
    if factor != 1 / _p or more is not None:
        # An infinite z is cut off, which a tiny p must not see: its half may be 0.
        beside = _f * where(_p * _BOUNDED < Fraction(_REACH, 2), _z, _plus(factor, more))
    half = power1p_square(_y, _b, _p / 2)
    power = Local("g", power1p_square(_y, _b, _p))
    given = {_z: Local("z", log1p_over(_y, _b)), _g: power}
    usual = _given(_of_power(rates, more, _f), given)
    halves = half * _given(beside, given) * half
    value = where(call("le", _HUGE, power), halves, usual)
    if len(rates) == 2 and not plus:
        # The power costs as much as all the rest, and is seldom asked for.
        far = where(call("le", _HUGE, power), halves, _f * ((power - 1) / _p))
        near = _f * (_z * exprel(_p * _BOUNDED))
        value = _given(patch(_is_far(_p * _z), far, near), given)
        # y^2/b may be below the range where f y^2/b is not.
        value = where(SIZE < _TINY, SIZE * _f * SIZE * _given(exprel(_p * _BOUNDED), given), value)
    exact = _exact(rates)

    def of_square(f: Any, y: Any, b: Any, p: Any, c: Any = 0) -> Any:
        z = mp.log1p(y * y / b)
        return f * (exact(z, p) + c * mp.exp(p * z))

    names = ("f", "y", "b", "p", "c") if plus else ("f", "y", "b", "p")
    return Helper(name, names, f"{found}, z = log(1 + y^2/b).", value, of_square)


def _plus(factor: Node | None, more: Node | None) -> Node:
    found = more if factor is None else factor if more is None else factor + more
    assert found is not None
    return found


def _given(body: Node, values: Mapping[Any, Node]) -> Node:
    """The body with names replaced."""
    return rebuilt(body, lambda n: values.get(n, n) if isinstance(n, Name) else n)


# a and b of a g + b: what the growth multiplies, apart from the rest.
Parts = tuple[Node | None, Node | None]


def _joined(parts: Parts, more: Node | None) -> Node:
    a, b = parts
    if more is not None:
        a = more if a is None else a + more
    if a is None or b is None:
        found = b if a is None else _g * a
        assert found is not None
        return found
    return _g * a + b


def _minus(a: Node | None, b: Node | None) -> Node | None:
    if b is None:
        return a
    return -b if a is None else a - b


def _apart(rates: tuple[Rate, ...], up: bool) -> Parts:
    """By the recurrence, over the two rates that lie farthest apart: p above the numbers (up) or
    below them."""
    low, high = _ends(rates, up)
    distance = (_p + high[1]) - low[1] if up else node(high[1]) - (_p + low[1])
    parts: list[Parts] = []
    for gone in (low, high):
        rest = list(rates)
        rest.remove(gone)
        kinds = {moves for moves, _ in rest}
        if len(kinds) == 2 and _ends(tuple(rest), up) == (low, high):
            parts.append(_apart(tuple(rest), up))
        else:
            parts.append(_inner(rest))
    found = [_minus(a, b) for a, b in zip(*parts, strict=True)]
    a, b = (None if part is None else part / distance for part in found)
    return a, b


def _inner(rates: Sequence[Rate]) -> Parts:
    """D(z; rates) with g and exp(-z) at hand."""
    numbers = [n for moves, n in rates if not moves]
    shifts = [n for moves, n in rates if moves]

    def lifted(value: Node, power: Fraction) -> Node:
        if power == 0:
            return value
        # beyond, what it multiplies counts no more, and inf * 0 would be no number
        return value * call("exp", call("max", node(power) * _z, -_NEGLIGIBLE))

    if not shifts:
        return None, lifted(_numbers(_z, numbers), max(numbers))
    if not numbers:
        # g may be 0 where z is infinite
        return lifted(_numbers(_BOUNDED, shifts), max(shifts)), None
    top, high = max(numbers), max(shifts)
    inner = tuple(sorted([(False, n - top) for n in numbers] + [(True, n - high) for n in shifts]))
    shift = high - top
    exponent = _p + node(shift)
    if inner == ((False, Fraction(0)), (True, Fraction(0))) and top == 0:
        size = exponent * _z  # (exp(size) - 1)/exponent, what grows beside g
        close = absolute(size) < Fraction(7, 10)
        return (
            where(close, 0, lifted(node(1), shift) / exponent),
            where(close, _z * exprel(size), -1 / exponent),
        )
    # exp(shift z) g would be inf * 0; in digits the smaller power counts less than g itself
    power = _g if shift == 0 else call("exp", exponent * _z)
    found = pattern_helper("power_difference", inner)(_z, exponent, power)
    return None, lifted(found, top)


def _ends(rates: tuple[Rate, ...], up: bool) -> tuple[Rate, Rate]:
    numbers = [r for r in rates if not r[0]]
    shifts = [r for r in rates if r[0]]
    return (min(numbers), max(shifts)) if up else (min(shifts), max(numbers))


def _square_bend() -> Helper:
    """Far out as (g T + 2/p^2)/p: T is written in two ways, since it cancels beside p = 1 and at
    small z."""
    z = Local("z", log1p_over(_y, _b))
    m = _given(_BOUNDED, {_z: z})
    g, half = Local("g", power1p_square(_y, _b, _p)), power1p_square(_y, _b, _p / 2)
    e = Local("e", pattern_helper("exp_difference", _rates(-1, 0, 0))(m))
    decay, r = Local("decay", call("exp", -m)), Local("r", call("max", _p, _LEAST_RATE))
    rest = Local("rest", 2 / r / r)
    beside = (r - 1) * (e * e - 2 * (m / r)) + (1 - decay * (2 - decay - 2 * m)) - rest
    apart = r * (e * e) - (m * m - 2 * ((m - 1 / r) / r))
    total = Local("total", where(_p < Fraction(7, 2), beside, apart))
    rates = ((False, Fraction(0)), *[(True, Fraction(0))] * 3)
    near = g * (e * e) - 2 * pattern_helper("power_difference", rates)(z, _p, g)
    value = _f * where(_p * m < Fraction(_REACH, 2), near, (g * total + rest) / r)
    exact = _exact(rates)

    def of_square(f: Any, y: Any, b: Any, p: Any) -> Any:
        z = mp.log1p(y * y / b)
        return f * (mp.exp(p * z) * (z - 1 + mp.exp(-z)) ** 2 - 2 * exact(z, p))

    return Helper(
        "square_bend",
        ("f", "y", "b", "p"),
        "f (g (z - 1 + exp(-z))^2 - 2 z^3 exp[0, p z, p z, p z]), g = exp(p z), "
        "z = log(1 + y^2/b).",
        patch(call("le", _HUGE, g), half * (_f * total / r) * half, value),
        of_square,
    )


def _rates(*numbers: int) -> list[Rate]:
    return [(False, Fraction(n)) for n in numbers]


def square_bend(*at: Node) -> Node:
    return pattern_helper("square_bend", ())(*at)
