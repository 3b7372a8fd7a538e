"""Where a quantity leaves the range of its dtype: there a form is most easily lost.

A factor of a product may have left the range where the product has not, and between the two a form
gives 0 or infinity. Few points of a sample fall there by themselves, so they are sought.
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

_SHARE = 4  # one in so many groups of a sample
_STEPS = 20  # of the bisection
# How far from the edge, on the side where the value is in range: in powers of 2 of x.
_BESIDE = (0.002, 0.02, 0.08, 0.5, 3.0, 15.0)


def with_edges(sample: Sample, expressions: Sequence[Expr], variables: Sequence[Symbol]) -> Sample:
    """The sample with points beside the edges that each expression has at its parameters."""
    groups = list(sample.groups)
    for shift, expression in enumerate(expressions):
        exact = Exact(expression, variables)
        for number in range(shift % _SHARE, len(groups), _SHARE):
            found = _edges(sample.groups[number], exact, sample.dtype, (-1.0) ** (number // _SHARE))
            group = groups[number]
            groups[number] = replace(group, x=np.concatenate([group.x, found]))
    return replace(sample, groups=tuple(groups))


def _edges(group: Group, exact: Exact, dtype: str, side: float) -> Floats:
    form = FORMATS[dtype]

    def state(exponent: float) -> int:
        return _state(exact, (side * 2.0**exponent, *group.parameters), form)

    sizes = np.abs(group.x)
    sizes = np.log2(sizes[(sizes > 0) & np.isfinite(sizes)])
    exponents = np.minimum(np.sort(sizes), form.largest_exponent).tolist()
    found: list[float] = []
    for low, high in pairwise((e, state(e)) for e in exponents):
        if low[1] != high[1] and 0 in (low[1], high[1]):
            inside, outside = (low[0], high[0]) if low[1] == 0 else (high[0], low[0])
            found += [side * 2.0**e for e in _beside(state, inside, outside)]
    return to_dtype(np.array(found), dtype)


def _beside(state: Callable[[float], int], inside: float, outside: float) -> Iterator[float]:
    """Powers of 2 between a point in range and the edge towards one that is out of it."""
    near, far = inside, outside
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (middle, far) if state(middle) == 0 else (near, middle)
    way = math.copysign(1.0, inside - outside)
    for distance in _BESIDE:
        if distance < abs(near - inside):
            yield near + way * distance


def _state(exact: Exact, point: Sequence[float], form: Format) -> int:
    """0 where the value is a normal number of the dtype, ±1 beyond, 2 where there is none."""
    try:
        size = abs(exact.enclosed([arb(v) for v in point], 16))
    except (NoValue, ZeroDivisionError):
        return 2
    if size.is_zero() or not size.is_finite():
        return 2
    if size < arb((1, form.smallest_exponent)):
        return -1
    return int(size > arb((1, form.largest_exponent)))
