"""Limits read off from a definition: enclosures at three distances, and what they do.

Not rigorous, and marked so: a limit is believed when the values at three distances, far apart and
tiny, agree to more than a hundred bits, or die away or grow the way a limit of 0 or ±inf does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derive.verification.backend import Ball, arb, ctx
from derive.verification.enclosure import Enclosure, undefined

BITS = 160  # relative accuracy of the values that are compared
AGREEMENT = 100
VANISHING = 40
FAR = 1 << 15  # beyond 2^FAR a value is over every range
# Below 2^VANISHED a value is on its way to 0, at infinity; beside a finite point what is as small
# may yet grow without bound.
VANISHED, UNDER = -(1 << 12), -(1 << 15)
# exponents of the distances, tried in turn
NEAR = ((256, 512, 768), (2048, 4096, 6144))
# where no digits of a point stand before them
BESIDE_ZERO = (*NEAR, (1 << 100, 2 << 100, 3 << 100))
DISTANT = (
    (128, 256, 384),
    (1024, 2048, 3072),
    *((n, 2 * n, 3 * n) for n in (1 << 14, 1 << 20, 1 << 70)),
)
# Where powers with tiny exponents grow or fade; and which exponents those are.
REMOTE = ((1 << 1100, 2 << 1100, 3 << 1100),)
TINY = 2.0**-40

Values = Callable[[int], Enclosure]


def toward(values: Values, distances: Sequence[tuple[int, int, int]], least: int) -> Enclosure:
    """The limit of values(N) as N grows; below 2^least they are 0."""
    for triple in distances:
        answer = _read(values, triple, least)
        if answer is not None and answer.infinite and triple is not distances[-1]:
            # What grows may yet turn: the farthest values that can be read have the last word.
            for farther in distances[: distances.index(triple) : -1]:
                farthest = _read(values, farther, least)
                if farthest is not None:
                    return farthest
            return answer
        if answer is not None:
            return answer
    return undefined("no limit could be read off")


def _read(values: Values, triple: Sequence[int], least: int) -> Enclosure | None:
    found = []
    for n in triple:
        found.append(values(n))
        if not found[-1].defined:
            return None
    signs = {f.infinite for f in found}
    if signs in ({1}, {-1}):
        return Enclosure(None, infinite=signs.pop(), rigorous=False)
    if signs != {0}:
        return None
    a, b, c = (f.ball for f in found)
    previous, ctx.prec = ctx.prec, 4 * BITS
    try:
        return _classify(a, b, c, least)
    finally:
        ctx.prec = previous


def _classify(a: Ball, b: Ball, c: Ball, least: int) -> Enclosure | None:
    if a.is_zero() and b.is_zero() and c.is_zero():
        return Enclosure(arb(0), rigorous=False)
    if abs(c - b) < abs(c) * arb((1, -AGREEMENT)):
        return Enclosure(c + arb(0, 4) * abs(c - b), rigorous=False)
    shrink = arb((1, -VANISHING))
    sizes = abs(a), abs(b), abs(c)
    dying = sizes[1] < sizes[0] * shrink and sizes[2] < sizes[1] * shrink
    if dying or (b.is_zero() and c.is_zero()):
        return Enclosure(arb(0), rigorous=False)
    if all(size < arb((1, least)) for size in sizes):
        return Enclosure(arb(0), rigorous=False)
    for sign in (1, -1):
        u, v, w = sign * a, sign * b, sign * c
        huge = all(t > arb((1, FAR)) for t in (u, v, w))
        # like a logarithm (equal steps) or faster; a slow convergence takes smaller steps
        if huge or (u > 0 and v > u and w - v > (v - u) * (1 - arb((1, 10 - AGREEMENT)))):
            return Enclosure(None, infinite=sign, rigorous=False)
    return None


def both(left: Enclosure, right: Enclosure) -> Enclosure | None:
    """The common value of two one-sided limits, or None where they differ."""
    if left.infinite or right.infinite:
        return left if left.infinite == right.infinite else None
    if left.ball is None or right.ball is None:
        return None
    size = max(abs(left.ball), abs(right.ball), key=float)
    if left.ball.is_zero() and right.ball.is_zero():
        return left
    if abs(left.ball - right.ball) < size * arb((1, 10 - AGREEMENT)):
        return Enclosure(left.ball.union(right.ball), rigorous=False)
    return None
