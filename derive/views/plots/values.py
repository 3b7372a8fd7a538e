"""Numbers for pictures: quantities at given parameters, sampled where the derivation says that
things happen, with a gap at every jump."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, Symbol, nan, oo, zoo

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import NotReal, along, evaluate, truth
from derive.calculus.quadrature import normalizer
from derive.definitions.catalogue import catalogue
from derive.definitions.labels import at_label, labels
from derive.definitions.loss import Loss
from derive.definitions.relations import refuse
from derive.definitions.specialise import read_settings
from derive.errors import BadInput
from derive.numerics.evaluate import evaluate as in_floats
from derive.numerics.lower import lower

# In units of the length of the loss, and of the distance of its outermost kink.
REACH, BEYOND = 6.0, 1.8
# A tail ends earlier where the loss grows faster than a cube beyond HIGH, and later, up to FARTHER
# times as far, where it has not reached LOW by then.
HIGH, LOW, FARTHER, CUBE = 20.0, 2.0, 4.0, 8.0
# Where the loss has risen by less than this at an end, its density is drawn over more.
FALLEN = 1.0
# The values of a target on a half-line at which its loss is drawn.
TARGETS = (0, 1, 2, 4)
POINTS = 241
DIGITS = 30
# Rounds of refinement where a line bends, and the bend that is too sharp, in parts of its height.
ROUNDS, BENT = 5, 2e-3
# A smaller jump, in parts of the height, is none.
SAME = 1e-6
# A family is drawn at its special points, at its members, and here.
BETWEEN = (sympy.Integer(4),)

Array = Any
Values = Mapping[Symbol, Expr]


@dataclass(frozen=True)
class Line:
    """x and y of a curve, NaN in its gaps; the places of its jumps; isolated values there."""

    x: Array
    y: Array
    jumps: tuple[float, ...] = ()
    points: tuple[tuple[float, float], ...] = ()

    def at(self, place: float) -> float:
        """The drawn value nearest to a place."""
        return float(self.y[int(np.nanargmin(np.abs(self.x - place)))])


def parameters(derivation: Derivation, settings: Mapping[str, str]) -> dict[Symbol, Expr]:
    """The parameters as exact numbers: those that were set, else the defaults."""
    loss = derivation.loss
    found = {}
    for p in loss.held:
        value = loss.default(p)
        finite = abs(value) < float("inf")
        found[p] = sympy.nsimplify(value, rational=True) if finite else sympy.sympify(value)
    found |= read_settings(loss, settings)
    refuse(loss, found)
    return found


def family_values(derivation: Derivation) -> tuple[Symbol, list[Expr]] | None:
    """The parameter with special points and the values to draw, from above; None without one."""
    loss = derivation.loss
    if loss.target is not None:
        return loss.target, sorted(_targets(loss), key=float, reverse=True)
    if not loss.special:
        return None
    parameter = next(p for p in loss.parameters if p in loss.special)
    members = [
        m.member_of[1][parameter.name]
        for m in catalogue()
        if m.member_of and m.member_of[0] == loss.name and parameter.name in m.member_of[1]
    ]
    default = sympy.nsimplify(loss.default(parameter), rational=True)
    wanted = {*loss.special[parameter], *members, *BETWEEN, default}
    domain = loss.domain(parameter)
    allowed = [v for v in wanted if v in (oo, -oo) or domain.contains(v) == sympy.true]
    return parameter, sorted(allowed, key=float, reverse=True)


def _targets(loss: Loss) -> set[Expr]:
    """Labels, or the ends of the target's interval; on a half-line some values."""
    assert loss.target is not None
    domain = loss.domain(loss.target)
    if domain.inf.is_finite and domain.sup == oo:
        return {sympy.Integer(t) for t in TARGETS if domain.contains(t) == sympy.true}
    return set(labels(loss)) or {sympy.nsimplify(loss.default(loss.target), rational=True)}


def at(derivation: Derivation, quantity: str, values: Values) -> Expr | None:
    """A quantity as a function of x alone; at a special point its limit, None without one."""
    expression = derivation.quantities[quantity]
    for parameter, value in values.items():
        found = [
            m.value
            for m in derivation.limits
            if (m.quantity, m.variable, m.point) == (quantity, parameter, value)
        ]
        if found:
            expression = found[0] if len(set(found)) == 1 else nan
        elif value in (oo, -oo):
            return None
        elif parameter == derivation.loss.target:
            expression = at_label(expression, parameter, value)
        else:
            expression = expression.subs(parameter, value)
        if expression.has(nan, oo, -oo, zoo):
            return None
    rest = {p: v for p, v in values.items() if expression.has(p)}
    return expression.subs(rest)


def function(expression: Expr, x: Symbol) -> Callable[[Array], Array]:
    """An expression in x over arrays; NaN where it has no real value."""
    try:
        node = lower(expression)
    except (NotImplementedError, BadInput, KeyError):
        exact = along(expression, x, {})

        def one(place: float) -> float:
            try:
                return float(exact(mp.mpf(place)))
            except NotReal:
                return float("nan")

        return lambda places: np.array([one(p) for p in np.asarray(places).ravel()])

    def every(places: Array) -> Array:
        found = in_floats(node, {x.name: np.asarray(places, dtype=float)})
        return np.where(np.isfinite(found), found, np.nan) + np.zeros_like(places, dtype=float)

    return every


def places(derivation: Derivation, values: Values, most: int = 3) -> dict[float, int]:
    """Where the loss is not smooth, with the first derivative that jumps there."""
    found: dict[float, int] = {}
    for b in derivation.facts.breaks:
        order = b.order_at(values)
        try:
            place = float(evaluate(b.place, dict(values)))
        except (NotReal, KeyError, TypeError):
            continue
        if order <= min(most, 2 if b.cases or b.unless else 3) and np.isfinite(place):
            found[place] = order
    return found


def length(derivation: Derivation, values: Values) -> float:
    """The scale of the residual at these parameters; 1 where the loss has none."""
    e = derivation.facts.length
    try:
        found = float(evaluate(e, dict(values))) if e is not None else 1.0
    except (NotReal, KeyError):
        return 1.0
    return found if 0 < found < float("inf") else 1.0


def ends(derivation: Derivation, values: Values) -> tuple[float, float]:
    """An interval that shows every kink and the beginning of the tails; of predictions, what their
    domain has of it, without its ends."""
    if derivation.loss.predictions:
        domain = derivation.loss.domain(derivation.loss.residual)
        low, high = max(float(domain.inf), -REACH), min(float(domain.sup), REACH)
        inside = (high - low) / (2 * POINTS)
        return low + inside, high - inside
    marks = [abs(place) for place in places(derivation, values)]
    outermost = max(marks, default=0.0)
    half = BEYOND * outermost if outermost > 0 else REACH * length(derivation, values)
    if outermost > 0:
        half = max(half, min(REACH * length(derivation, values), 4 * outermost))
    minimum = derivation.facts.minimum
    middle = 0.0
    if minimum is not None:
        try:
            middle = float(evaluate(minimum, dict(values)))
        except (NotReal, KeyError):
            middle = 0.0
    middle = 0.0 if abs(middle) < half / 4 else middle
    low, high = (_tail(derivation, values, middle, side * half, outermost) for side in (-1, 1))
    return middle + low, middle + high


def _tail(
    derivation: Derivation, values: Values, middle: float, reach: float, outermost: float
) -> float:
    """How far a side goes: less where the loss shoots up, more where it has hardly risen."""
    expression = at(derivation, "loss", values)
    if expression is None:
        return reach
    value = function(expression, derivation.loss.residual)

    def rise(distance: float) -> float:
        with np.errstate(all="ignore"):
            start, end = value(np.array([middle, middle + distance]))
        return float(end - start)

    def meets(level: float, near: float, far: float) -> float:
        for _ in range(40):
            half_way = (near + far) / 2
            near, far = (half_way, far) if rise(half_way) < level else (near, half_way)
        return float(f"{far:.2g}")

    full = rise(reach)
    if not full <= HIGH and not full <= CUBE * rise(reach / 2):
        nearer = meets(HIGH, 0.0, reach)
        return nearer if abs(nearer) > BEYOND * outermost else reach
    if full < LOW <= rise(FARTHER * reach):
        return meets(LOW, reach, FARTHER * reach)
    return reach


def ends_of_density(
    derivation: Derivation, values: Values, span: tuple[float, float]
) -> tuple[float, float]:
    """Further than an interval over which exp(-loss) has hardly begun to fall."""
    expression = at(derivation, "loss", values)
    if expression is None:
        return span
    value = function(expression, derivation.loss.residual)
    half = (span[1] - span[0]) / 2
    further = half * np.concatenate([[0.0], np.exp2(np.arange(60))])
    found = []
    with np.errstate(all="ignore"):
        least = np.nanmin(value(np.linspace(*span, POINTS)))
        for end, side in zip(span, (-1, 1), strict=True):
            rises = value(end + side * further) - least
            found.append(end + side * further[0 if rises[0] > FALLEN else np.argmax(rises > LOW)])
    return float(found[0]), float(found[1])


def curve(
    derivation: Derivation, quantity: str, values: Values, span: tuple[float, float]
) -> Line | None:
    """A quantity over an interval; None where it does not exist at these parameters."""
    x = derivation.loss.residual
    name = f"d_{x.name}" if quantity == "d_x" else quantity
    expression = at(derivation, name, values)
    if expression is None:
        return None
    first = {"loss": 0, "d_x": 1, "weight": 1}[quantity]
    jumps = {p for p, order in places(derivation, values, first).items() if span[0] < p < span[1]}
    if quantity == "weight" and derivation.weight_at_zero == zoo and span[0] < 0 < span[1]:
        jumps.add(0.0)
    value = function(expression, x)
    marks = [p for p in (*places(derivation, values), 0.0) if span[0] <= p <= span[1]]
    with np.errstate(all="ignore"):
        line = _sampled(value, span, sorted({*marks}), sorted(jumps))
    if quantity == "weight" and 0.0 not in line.jumps:
        line = _without_zero(line, _at_zero(derivation, values))
    return line


def _sampled(
    value: Callable[[Array], Array], span: tuple[float, float], marks: list[float],
    jumps: list[float],
) -> Line:  # fmt: skip
    """Evenly, at and beside every mark, and finer where the line bends."""
    low, high = span
    near = (high - low) * 1e-9
    x = np.linspace(low, high, POINTS)
    around = (high - low) / POINTS * np.array([-0.5, -0.1, 0.1, 0.5])
    extra = [m + step for m in marks for step in around]
    x = np.unique(np.concatenate([x, marks, extra, *([j - near, j + near] for j in jumps)]))
    x = x[(x >= low) & (x <= high)]
    y = value(x)
    for _ in range(ROUNDS):
        height = np.nanmax(np.abs(y)) if np.isfinite(y).any() else 0.0
        bend = np.abs(y[1:-1] - np.interp(x[1:-1], x[::2], y[::2])) if len(x) > 2 else np.array([])
        sharp = np.flatnonzero(bend > BENT * height) + 1
        new = np.unique(
            np.concatenate([(x[sharp] + x[sharp - 1]) / 2, (x[sharp] + x[sharp + 1]) / 2])
        )
        gaps = np.array([np.min(np.abs(x - n)) for n in new]) if len(new) else np.array([])
        new = new[gaps > 10 * near] if len(new) else new
        if not len(new) or len(x) > 3000:
            break
        x = np.concatenate([x, new])
        y = np.concatenate([y, value(new)])
        order = np.argsort(x)
        x, y = x[order], y[order]
    points, real = [], []
    height = np.nanmax(np.abs(y)) if np.isfinite(y).any() else 0.0
    for j in jumps:
        k = int(np.argmin(np.abs(x - j)))
        if abs(y[k + 1] - y[k - 1]) <= SAME * height:
            continue  # the two sides meet at these parameters
        middle = float(y[k - 1] + y[k + 1]) / 2  # of a weight, which is 0/0 there
        points.append((float(x[k]), float(y[k]) if np.isfinite(y[k]) else middle))
        real.append(j)
        y[k] = np.nan
    return Line(x, y, tuple(real), tuple(points))


def _without_zero(line: Line, there: float) -> Line:
    """The weight with its continuation at x = 0."""
    y = line.y.copy()
    y[line.x == 0] = there
    return Line(line.x, y, line.jumps, tuple(p for p in line.points if p[0] != 0))


def _at_zero(derivation: Derivation, values: Values) -> float:
    value = derivation.weight_at_zero.subs(dict(values))
    return float(value) if value.is_finite and value.is_number else float("nan")


@dataclass(frozen=True)
class Density:
    """exp(-loss) over the interval with area 1 over the line, or over the interval where that is
    asked for or there is none over the line; `why` says then why there is none."""

    line: Line
    why: str = ""
    over_interval: bool = False


def density(
    derivation: Derivation, values: Values, span: tuple[float, float], interval: bool = False
) -> Density | None:
    loss = curve(derivation, "loss", values, span)
    if loss is None:
        return None
    why = no_density(derivation, values)
    with np.errstate(all="ignore"):
        known = np.isfinite(loss.y)
        least = float(np.min(loss.y[known]))
        y = np.exp(least - loss.y)
        if why or interval:
            log_z = float(np.log(np.trapezoid(y[known], loss.x[known]))) - least
        else:
            expression = at(derivation, "loss", values)
            assert expression is not None
            log_z = float(log_partition(derivation, expression, values))
        y = np.exp(-loss.y - log_z)
    points = tuple((x, float(np.exp(-v - log_z))) for x, v in loss.points)
    return Density(Line(loss.x, y, loss.jumps, points), why, bool(why) or interval)


def no_density(derivation: Derivation, values: Values) -> str:
    """Why exp(-loss) has no integral at these parameters; empty where it has one."""
    exists = derivation.density.exists
    if exists is None:
        return "not decided whether there is one"
    numbers = {p: evaluate(v, {}) if v not in (oo, -oo) else mp.inf * int(sympy.sign(v))
               for p, v in values.items()}  # fmt: skip
    if truth(exists, numbers):
        return ""
    for d in derivation.density.divergences:
        holds = d.region is None or d.region[1].contains(values[d.region[0]]) == sympy.true
        if holds and any(b.kind == "bounded" for _, b in d.tails):
            return "the loss is bounded"
        if holds:
            return "the loss grows too slowly"
    return "the integral diverges"


def log_partition(derivation: Derivation, expression: Expr, values: Values) -> Any:
    """log Z from its closed form or by quadrature, where there is a density."""
    density = derivation.density
    numbers = {p: evaluate(v, {}) if v not in (oo, -oo) else mp.inf * int(sympy.sign(v))
               for p, v in values.items()}  # fmt: skip
    finite = all(v not in (oo, -oo) for v in values.values())
    with mp.workdps(DIGITS):
        for parameter, value, total in density.special:
            if values.get(parameter) == value:
                return evaluate(total, numbers)
        if density.log_partition is not None and finite:
            return evaluate(density.log_partition, numbers)
        with mp.workdps(15):
            return mp.log(normalizer(expression, derivation.loss.residual, {}))
