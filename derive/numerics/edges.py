"""Where a quantity leaves the range of its dtype, and where it is 0: a form is lost there first.

A factor of a product may have left the range where the product has not, and between the two a form
gives 0 or infinity. Beside a zero a form may lose more digits than rounding its inputs does. Few
points of a sample fall there by themselves, so they are sought.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from flint import arb
from sympy import Expr, Symbol

from derive.definitions.floats import FORMATS, Floats, Format
from derive.definitions.samples import KINDS, Group, Sample, to_dtype
from derive.numerics.columns import Ball, Points
from derive.numerics.exact import Exact

_SHARE = 2  # one in so many groups of a sample
_STEPS = 20  # of the bisection
# How far from the edge, on the side where the value is in range: in powers of 2 of x.
_BESIDE = (0.002, 0.02, 0.08, 0.5, 3.0, 15.0)
# How far from a zero, on either side.
_BESIDE_ZERO = (0.25, 0.06, 0.01, 1e-3, 1e-5)
_DIGITS = 5  # of a subnormal value, in bits: with fewer, any rounding is most of it
_REACH = 996  # the exponent of the largest ratio of x to a length that is promised


def with_edges(
    sample: Sample, expressions: Sequence[Expr], variables: Sequence[Symbol], residual: bool = True
) -> Sample:
    """The sample with points beside the edges of each expression at its parameters; of a residual
    beside zeros, too, and where it is as far from its lengths as it may be."""
    groups = list(sample.groups)
    if residual:
        groups = [replace(g, x=np.concatenate([g.x, _farthest(g, sample.dtype)])) for g in groups]
    for shift, expression in enumerate(expressions):
        quantity = _Quantity(Exact(expression, variables), FORMATS[sample.dtype])
        # of every kind of parameters some
        numbers = [k for k in range(len(groups)) if (k + k // KINDS + shift) % _SHARE == 0]
        lines = [_Line(sample.groups[k], (-1.0) ** (k // _SHARE)) for k in numbers]
        for number, line, found in zip(
            numbers, lines, _hard(quantity, lines, residual), strict=True
        ):
            group = groups[number]
            x = to_dtype(np.array([line.side * 2.0**e for e in found]), sample.dtype)
            groups[number] = replace(group, x=np.concatenate([group.x, x]))
    return replace(sample, groups=tuple(groups))


def _farthest(group: Group, dtype: str) -> Floats:
    lengths = [p for p in group.parameters if 0 < p < np.inf]
    if not lengths:
        return np.array([])
    reach = min(FORMATS[dtype].largest_exponent - 0.5, _REACH)
    found = np.array([min(lengths) * 2.0**reach, -max(lengths) * 2.0**-reach])
    return to_dtype(found, dtype)


@dataclass(frozen=True)
class _Line:
    """Residuals of one sign at the parameters of a group, by their exponents."""

    group: Group
    side: float

    def exponents(self, most: int) -> list[float]:
        sizes = np.abs(self.group.x)
        sizes = np.log2(sizes[(sizes > 0) & np.isfinite(sizes)])
        return np.minimum(np.sort(sizes), most).tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Quantity:
    exact: Exact
    form: Format

    def states(self, places: Sequence[tuple[_Line, float]]) -> list[tuple[int, int]]:
        """At each exponent on its line."""
        if not places:
            return []
        x = [arb(line.side * 2.0**e) for line, e in places]
        rows = [[arb(v) for v in line.group.parameters] for line, _ in places]
        columns = [x, *(list(column) for column in zip(*rows, strict=True))]
        return [_state(v, self.form) for v in self.exact.column(Points(columns), 16)]


@dataclass
class _Search:
    """An edge or a zero between two exponents: which part of a state is as at `near`; start: the
    end of the interval that lies on the side in range."""

    line: int
    near: float
    far: float
    part: int
    value: int
    start: float


def _hard(quantity: _Quantity, lines: Sequence[_Line], zeros: bool) -> list[list[float]]:
    """Exponents beside the edges and zeros on each line; all are sought at a time."""
    places = [(k, e) for k, line in enumerate(lines)
              for e in line.exponents(quantity.form.largest_exponent)]  # fmt: skip
    states = quantity.states([(lines[k], e) for k, e in places])
    searches = [
        found
        for one, other in pairwise(zip(places, states, strict=True))
        if one[0][0] == other[0][0]
        for found in _between(*one, *other)
        if zeros or found.part == _RANGE
    ]
    for _ in range(_STEPS):
        middles = [(s.near + s.far) / 2 for s in searches]
        there = quantity.states(
            [(lines[s.line], m) for s, m in zip(searches, middles, strict=True)]
        )
        for s, middle, state in zip(searches, middles, there, strict=True):
            if state[s.part] == s.value:
                s.near = middle
            else:
                s.far = middle
    beside: list[list[float]] = [[] for _ in lines]
    for s in searches:
        beside[s.line] += _beside(s) if s.part == _RANGE else _beside_zero(s)
    return beside


def _between(
    low: tuple[int, float],
    at_low: tuple[int, int],
    high: tuple[int, float],
    at_high: tuple[int, int],
) -> Iterator[_Search]:
    line = low[0]
    if at_low[_RANGE] * at_high[_RANGE] == -1:  # all of the range lies between them
        for (_, near), state, (_, far) in ((low, at_low, high), (high, at_high, low)):
            yield _Search(line, near, far, _RANGE, state[_RANGE], far)
    elif at_low[_RANGE] != at_high[_RANGE] and 0 in (at_low[_RANGE], at_high[_RANGE]):
        inside, outside = (low, high) if at_low[_RANGE] == 0 else (high, low)
        yield _Search(line, inside[1], outside[1], _RANGE, 0, inside[1])
    elif at_low[_RANGE] == at_high[_RANGE] == 0 and at_low[_SIGN] != at_high[_SIGN]:
        yield _Search(line, low[1], high[1], _SIGN, at_low[_SIGN], low[1])


def _beside(edge: _Search) -> Iterator[float]:
    """Exponents between the edge and a point on the side that is in range."""
    last = edge.near if edge.value == 0 else edge.far
    way = math.copysign(1.0, edge.start - last)
    for distance in _BESIDE:
        if distance < abs(last - edge.start):
            yield last + way * distance


def _beside_zero(zero: _Search) -> Iterator[float]:
    for distance in _BESIDE_ZERO:
        yield from (zero.near + distance, zero.near - distance)


# The two parts of a state.
_RANGE, _SIGN = 0, 1


def _state(value: Ball | None, form: Format) -> tuple[int, int]:
    """0 where the dtype has some digits of the value, ±1 beyond, 2 where there is none; and its
    sign."""
    if value is None or value.is_zero() or not value.is_finite():
        return 2, 0
    sign, size = 1 if value > 0 else -1, abs(value)
    if size < arb((1, form.smallest_exponent - form.precision + _DIGITS)):
        return -1, sign
    return int(size > arb((1, form.largest_exponent + 1))), sign
