"""Is a loss real and defined on its whole domain? Asked at points, answered with a witness.

A removable singularity, such as (u**p - 1)/p at p = 0, is no fault: where the formula has no value
at a point, it must approach one, the same from both sides.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import mpmath
from mpmath import mp, mpf
from sympy import Expr, FiniteSet, Symbol, oo

from derive.definitions.evaluate import NoBranch, NotReal, OutOfReach, Point, evaluate
from derive.definitions.loss import Loss
from derive.definitions.relations import satisfied
from derive.definitions.singular import critical_parts, part_count
from derive.errors import BadInput

DIGITS = 60
MORE_DIGITS = 2_000  # for a second look, where digits may have been lost
STEPS = ("1e-5", "1e-10", "1e-20")
MODERATE = (mpf("0.05"), mpf(60))  # beyond, "undefined" may be saturation (log(1 - tanh(x)))
WORK = 30_000  # parts evaluated in all; keeps the check within a second or so

COMPLEX = "is complex"
NO_BRANCH = "has no branch of its piecewise formula"
UNDEFINED = "is undefined"

_RESIDUALS = (
    "1 -1 0 2 -2 0.5 -0.5 3 -3 1.7 -1.7 0.1 -0.1 10 -10 1e-3 -1e-3 1e-6 50 -50 1000 -1000 1e6 -1e6"
)
_VALUES = "1 2 0.5 3 0 -1 -2 -0.5 1.5 0.7 0.1 10 -3 -20 1e-3 -1e-3 100 1000"


@dataclass(frozen=True)
class Fault:
    """Why there is no value at a point."""

    rule: str
    point: Point

    def __str__(self) -> str:
        where = ", ".join(f"{v.name} = {_plain(value)}" for v, value in self.point.items())
        return f"{self.rule} at {where}"


def check_well_posed(loss: Loss, where: str) -> None:
    """Refuse (BadInput, with a witness) a loss that is complex or undefined on its domain."""
    with mp.workdps(DIGITS):
        fault = _first_fault(loss)
    if fault is not None:
        raise BadInput(f"{where}: the loss {fault}; narrow the domain, or state the case")


def _first_fault(loss: Loss) -> Fault | None:
    expression = loss.expression
    budget = max(30, WORK // part_count(expression))
    samples = {v: _samples(loss, v) for v in loss.variables}
    points = (at for at in _points(loss, samples) if satisfied(loss, at))
    for point in itertools.islice(points, budget):
        fault = _fault_at(loss, expression, point)
        if fault is not None:
            return fault
    for point in itertools.islice(_roots(loss, expression, samples), budget // 10):
        fault = _unless_approached(loss, expression, point)
        if fault is not None:
            return fault
    return None


def _fault_at(loss: Loss, expression: Expr, point: Point) -> Fault | None:
    rule = _look(expression, point)
    fault = None if rule is None else Fault(rule, point)
    if rule == UNDEFINED:
        fault = _unless_approached(loss, expression, point)
    if fault is None or rule == NO_BRANCH:
        return fault
    with mp.workdps(MORE_DIGITS):
        return fault if _look(expression, point) else None


def _look(expression: Expr, point: Point) -> str | None:
    """What is wrong with the value at a point; None if nothing is, or it cannot be told."""
    try:
        value = evaluate(expression, point)
    except NotReal:
        return COMPLEX
    except NoBranch:
        return NO_BRANCH
    except OutOfReach:
        return None
    return None if mpmath.isfinite(value) else UNDEFINED


def _unless_approached(loss: Loss, expression: Expr, point: Point) -> Fault | None:
    """A fault, unless the formula approaches one finite value as some variable nears the point."""
    low, high = MODERATE
    if any(mpmath.isfinite(v) and v != 0 and not low <= abs(v) <= high for v in point.values()):
        return None
    for moved in [*((v,) for v in loss.variables), loss.variables]:
        sides = [_approach(loss, expression, point, moved, side) for side in (1, -1)]
        values = [value for value in sides if value is not None]
        if any(not mpmath.isfinite(value) for value in values) or not values:
            continue
        if abs(values[0] - values[-1]) <= mpf("1e-4") * (1 + abs(values[0])):
            return None
    return Fault(f"{UNDEFINED}, and approaches no finite value,", point)


def _approach(
    loss: Loss, expression: Expr, point: Point, moved: tuple[Symbol, ...], side: int
) -> mpf | None:
    """The value approached from a side: None outside of the domain, nan where there is none."""
    values = []
    for step in map(mpf, STEPS):
        near = dict(point)
        for v in moved:
            at = point[v]
            near[v] = mp.sign(at) / step if mpmath.isinf(at) else at + side * step * (1 + abs(at))
            if not _inside(loss, v, near[v]):
                return None
        try:
            values.append(evaluate(expression, near))
        except (NotReal, NoBranch, OutOfReach):
            return mpf("nan")
    if not all(map(mpmath.isfinite, values)):
        return mpf("nan")
    first, second = abs(values[1] - values[0]), abs(values[2] - values[1])
    settles = second <= mpf("0.9") * first or second <= mpf("1e-8") * (1 + abs(values[2]))
    return values[2] if settles else mpf("nan")


def _inside(loss: Loss, variable: Symbol, value: mpf) -> bool:
    domain = loss.domain(variable)
    if isinstance(domain, FiniteSet):
        return any(value == _number(label) for label in domain)
    low, high = (_number(edge) for edge in (domain.inf, domain.sup))
    if value in (low, high) and variable in (*loss.predictions, loss.target):
        return False  # there a loss may be infinite, and 0 log 0 is 0
    if value in (low, high):
        return bool(domain.contains(domain.inf if value == low else domain.sup))
    return bool(low < value < high)


def _samples(loss: Loss, variable: Symbol) -> list[mpf]:
    """Values of a variable: its default and plain ones, the edges of its domain, far ones."""
    if variable == loss.residual and not loss.predictions:
        return [mpf(text) for text in _RESIDUALS.split() if _inside(loss, variable, mpf(text))]
    domain = loss.domain(variable)
    if isinstance(domain, FiniteSet):
        return [_number(label) for label in domain]
    low, high = _number(domain.inf), _number(domain.sup)
    special = [_number(value) for value in loss.special.get(variable, ())]
    values = [mpf(loss.default(variable)), low, high, *special]
    ordinary = [mpf(text) for text in _VALUES.split()]
    values += ordinary
    if mpmath.isfinite(low) and mpmath.isfinite(high):
        values += [low + (high - low) * mpf(part) for part in ("0.5", "0.3", "0.9", "1e-3")]
    elif mpmath.isfinite(low):
        values += [low + step for step in ordinary if step > 0]
    elif mpmath.isfinite(high):
        values += [high - step for step in ordinary if step > 0]
    return [v for v in dict.fromkeys(values) if _inside(loss, variable, v)]


def _points(loss: Loss, samples: dict[Symbol, list[mpf]]) -> Iterator[Point]:
    """Points of the domain: each variable over its values, the others near their first ones."""
    variables = loss.variables
    firsts = {v: samples[v][0] for v in variables}
    for v in variables:
        for value in samples[v]:
            yield {**firsts, v: value}
    for v in loss.held:
        for value, residual in itertools.product(samples[v], samples[loss.residual]):
            yield {**firsts, v: value, loss.residual: residual}
    for values in itertools.product(*(samples[v] for v in reversed(variables))):
        yield dict(zip(variables, reversed(values), strict=True))


def _roots(loss: Loss, expression: Expr, samples: dict[Symbol, list[mpf]]) -> Iterator[Point]:
    """Points where a denominator or the argument of a logarithm changes its sign."""
    firsts = {v: samples[v][0] for v in loss.variables}
    for part in critical_parts(expression):
        for v in loss.variables:
            line = sorted(value for value in samples[v] if mpmath.isfinite(value))
            for left, right in itertools.pairwise(line):
                root = _bisect(part, firsts, v, left, right)
                if root is not None and satisfied(loss, {**firsts, v: root}):
                    yield {**firsts, v: root}


def _bisect(part: Expr, at: Point, v: Symbol, left: mpf, right: mpf) -> mpf | None:
    def sign(value: mpf) -> int:
        try:
            return int(mp.sign(evaluate(part, {**at, v: value})))
        except (ArithmeticError, ValueError):
            return 0

    start = sign(left)
    if start * sign(right) >= 0:
        return None
    for _ in range(int(mp.prec)):
        middle = (left + right) / 2
        found = sign(middle)
        if found == 0:
            return middle
        left, right = (middle, right) if found == start else (left, middle)
    return (left + right) / 2


def _number(value: Expr) -> mpf:
    if value in (oo, -oo):
        return mpf("inf") if value == oo else mpf("-inf")
    return evaluate(value, {})


def _plain(value: mpf) -> str:
    text: str = mpmath.nstr(value, 8)
    return text.removesuffix(".0").replace("inf", "oo")
