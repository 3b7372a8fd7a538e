"""What a loss of a prediction and a target is where the target has a value that stands by itself,
and where the two are equal: 0 log 0 = 0, and 0 times inf."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import mpmath
from mpmath import mp, mpf
from sympy import Expr, FiniteSet, Mul, Rational, S, Set, Symbol, nan, true, zoo

from derive.definitions.evaluate import NoBranch, NotReal, OutOfReach, evaluate
from derive.definitions.loss import Loss


def labels(loss: Loss) -> tuple[Expr, ...]:
    """The values of the target that stand by themselves: its labels, or the ends of its domain that
    it may have."""
    if loss.target is None:
        return ()
    domain = loss.domain(loss.target)
    if isinstance(domain, FiniteSet):
        return tuple(sorted(domain, key=float))
    ends = (domain.inf, domain.sup)
    return tuple(e for e in ends if e.is_finite and domain.contains(e) is true)


def at_label(expression: Expr, target: Symbol, value: Expr) -> Expr:
    """The expression at a value of the target; a factor that is 0 there makes its product 0,
    whatever the others are. nan where it has no value."""
    if not expression.has(target):
        return expression
    if expression == target:
        return value
    args = [at_label(a, target, value) for a in expression.args]
    if isinstance(expression, Mul) and S.Zero in args:
        return S.Zero
    found: Expr = expression.func(*args)
    return nan if found.has(nan, zoo) else found


STEP = mpf(2) ** -60
CLOSE = 0.25
PLACES = ("0.3", "0.7", "1.9", "5.3")


class Meeting(NamedTuple):
    """What a loss is where the prediction equals the target: least there, and 0."""

    least: bool
    zero: bool


def meeting(loss: Loss) -> Meeting:
    """Looked at in a few places, with the parameters at their defaults."""
    x, y = loss.residual, loss.target
    if y is None or isinstance(loss.domain(y), FiniteSet):
        return Meeting(False, False)
    others = tuple((p, loss.default(p)) for p in loss.variables if p not in (x, y))
    places = _places(loss.domain(x), loss.domain(y))
    return _meeting(loss.expression, x, y, others, places)


@cache
def _places(*domains: Set) -> tuple[str, ...]:
    return tuple(p for p in PLACES if all(d.contains(Rational(p)) is true for d in domains))


@lru_cache
def _meeting(
    e: Expr, x: Symbol, y: Symbol, others: Sequence[tuple[Symbol, float]], places: Sequence[str]
) -> Meeting:
    heights = []
    with mp.workdps(80):
        at = {p: mpf(value) for p, value in others}
        for place in map(mpf, places):
            try:
                here, above, below = (
                    evaluate(e, {**at, y: place, x: place + k * STEP}) for k in (0, 1, -1)
                )
            except (NotReal, NoBranch, OutOfReach):
                return Meeting(False, False)
            if not all(0 < v - here < mpmath.sqrt(STEP) * STEP for v in (above, below)):
                return Meeting(False, False)
            heights.append(abs(here))
    return Meeting(bool(heights), bool(heights) and max(heights) < STEP * STEP)


def is_met(loss: Loss) -> bool:
    """Whether the loss is least where the prediction equals the target: they are of one kind, and
    what counts when both are close is their difference."""
    return meeting(loss).least


def anchors(loss: Loss, variable: Symbol) -> tuple[float, ...]:
    """The finite ends of a domain: the distance from them is exact, and counts in place of the
    value itself."""
    return _ends(loss.domain(variable))


@cache
def _ends(domain: Set) -> tuple[float, ...]:
    return tuple(float(e) for e in (domain.inf, domain.sup) if e.is_finite and e != 0)


def share(loss: Loss, variable: Symbol, point: Mapping[str, float], met: Meeting) -> float:
    """By how much less than its own size the rounding of a variable counts.

    A label is exact, and so is a target close to which the loss is 0. Of a prediction, its distance
    from the target that it is compared with counts; beside an end of a domain, that from the end.
    met: what `meeting` says.
    """
    value = point[variable.name]
    if variable == loss.target and isinstance(loss.domain(variable), FiniteSet):
        return 0.0
    if variable == loss.target and met.zero:
        apart = abs(value - point[loss.residual.name])
        return 0.0 if apart <= CLOSE * abs(value) else 1.0
    if value == 0 or not math.isfinite(value) or variable in loss.parameters:
        return 1.0
    beside = [*anchors(loss, variable)]
    if met.least and variable == loss.residual and loss.target is not None:
        beside.append(point[loss.target.name])
    return min([1.0, *(abs((value - a) / value) for a in beside)])
