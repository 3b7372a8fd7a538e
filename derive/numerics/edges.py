"""Where a quantity leaves the range of its dtype, and where it is 0: a form is lost there first.

A factor of a product may have left the range where the product has not, and between the two a form
gives 0 or infinity. Beside a zero a form may lose more digits than rounding its inputs does. Few
points of a sample fall there by themselves, so they are sought.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from flint import arb
from sympy import Expr, Symbol

from derive.definitions.floats import FORMATS, Floats, Format
from derive.definitions.samples import Group, Sample, to_dtype
from derive.numerics.exact import Exact, NoValue

_SHARE = 2  # one in so many groups of a sample
_STEPS = 20  # of the bisection
# How far from the edge, on the side where the value is in range: in powers of 2 of x.
_BESIDE = (0.002, 0.02, 0.08, 0.5, 3.0, 15.0)
# How far from a zero, on either side.
_BESIDE_ZERO = (0.25, 0.06, 0.01, 1e-3, 1e-5)


def with_edges(sample: Sample, expressions: Sequence[Expr], variables: Sequence[Symbol]) -> Sample:
    """The sample with points beside the edges and zeros of each expression at its parameters."""
    groups = list(sample.groups)
    for shift, expression in enumerate(expressions):
        exact = Exact(expression, variables)
        for number in range(shift % _SHARE, len(groups), _SHARE):
            found = _hard(sample.groups[number], exact, sample.dtype, (-1.0) ** (number // _SHARE))
            group = groups[number]
            groups[number] = replace(group, x=np.concatenate([group.x, found]))
    return replace(sample, groups=tuple(groups))


def _hard(group: Group, exact: Exact, dtype: str, side: float) -> Floats:
    form = FORMATS[dtype]

    def state(exponent: float) -> tuple[int, int]:
        return _state(exact, (side * 2.0**exponent, *group.parameters), form)

    sizes = np.abs(group.x)
    sizes = np.log2(sizes[(sizes > 0) & np.isfinite(sizes)])
    exponents = np.minimum(np.sort(sizes), form.largest_exponent).tolist()
    found: list[float] = []
    for (low, at_low), (high, at_high) in pairwise((e, state(e)) for e in exponents):
        if at_low[0] != at_high[0] and 0 in (at_low[0], at_high[0]):
            inside, outside = (low, high) if at_low[0] == 0 else (high, low)
            found += _beside(lambda e: state(e)[0] == 0, inside, outside)
        elif at_low[0] == at_high[0] == 0 and at_low[1] != at_high[1]:
            zero, _ = _bisected(lambda e: state(e)[1] == at_low[1], low, high)  # noqa: B023
            found += [zero + way * d for d in _BESIDE_ZERO for way in (1, -1)]
    return to_dtype(np.array([side * 2.0**e for e in found]), dtype)


def _beside(is_in: Callable[[float], bool], inside: float, outside: float) -> Iterator[float]:
    """Powers of 2 between a point in range and the edge towards one that is out of it."""
    near, _ = _bisected(is_in, inside, outside)
    way = math.copysign(1.0, inside - outside)
    for distance in _BESIDE:
        if distance < abs(near - inside):
            yield near + way * distance


def _bisected(is_near: Callable[[float], bool], near: float, far: float) -> tuple[float, float]:
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (middle, far) if is_near(middle) else (near, middle)
    return near, far


def _state(exact: Exact, point: Sequence[float], form: Format) -> tuple[int, int]:
    """0 where the value is a normal number of the dtype, ±1 beyond, 2 where there is none; and its
    sign."""
    try:
        value = exact.enclosed([arb(v) for v in point], 16)
    except (NoValue, ZeroDivisionError):
        return 2, 0
    if value.is_zero() or not value.is_finite():
        return 2, 0
    sign, size = 1 if value > 0 else -1, abs(value)
    if size < arb((1, form.smallest_exponent)):
        return -1, sign
    return int(size > arb((1, form.largest_exponent))), sign
