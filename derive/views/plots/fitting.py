"""A line through data with outliers: by a loss at fixed parameters, and by the density of the loss,
whose parameters then adapt to the data. Plain NumPy, Adam as the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, Symbol, oo

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import NotReal, truth
from derive.errors import BadInput
from derive.numerics.evaluate import evaluate as in_floats
from derive.numerics.lower import lower
from derive.views.plots.values import at, function

SLOPE, SHIFT, NOISE, OUTLIERS, COUNT = 0.7, 0.15, 0.025, 0.1, 120
STEPS, RATE, FIXED_SCALE = 1500, 0.01, 0.1
SHAPES = 33

Numbers = dict[Symbol, float]


@dataclass(frozen=True)
class Step:
    slope: float
    shift: float
    parameters: Mapping[Symbol, float]


def data() -> tuple[Any, Any, Any]:
    """x, y and which of them are outliers; the same ones every time."""
    chance = np.random.default_rng(3)
    x = chance.uniform(size=COUNT)
    y = SLOPE * x + SHIFT + chance.normal(scale=NOISE, size=COUNT)
    flipped = chance.uniform(size=COUNT) < OUTLIERS
    return x, np.where(flipped, 0.05 + 0.4 * (1 - np.sign(y - 0.5)), y), flipped


class _Adam:
    def __init__(self, size: int) -> None:
        self.mean, self.square, self.count = np.zeros(size), np.zeros(size), 0

    def step(self, gradient: Any) -> Any:
        self.count += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        mean = self.mean / (1 - 0.9**self.count)
        return RATE * mean / (np.sqrt(self.square / (1 - 0.999**self.count)) + 1e-8)


def fixed(derivation: Derivation, values: Mapping[Symbol, Any]) -> Step:
    """The line at fixed parameters."""
    residual = derivation.loss.residual
    expression = at(derivation, f"d_{residual.name}", values)
    if expression is None:
        raise BadInput(f"{derivation.loss.name}: no gradient at these parameters")
    psi = function(expression, residual)
    x, y, _ = data()
    line, adam = np.zeros(2), _Adam(2)
    for _ in range(STEPS):
        slope = psi(line[0] * x + line[1] - y)
        line -= adam.step(np.array([np.mean(slope * x), np.mean(slope)]))
    return Step(float(line[0]), float(line[1]), {p: float(v) for p, v in values.items()})


def adaptive(derivation: Derivation) -> list[Step]:
    """Every step of the line and the parameters together, by the likelihood of the residuals.

    Raises BadInput for a loss without a density, or with more than one parameter of shape.
    """
    loss = derivation.loss
    ways = {p: _way(derivation, p) for p in loss.parameters}
    slopes = {v: lower(derivation.quantities[f"d_{v.name}"]) for v in loss.variables}
    of_z = _slopes_of_log_z(derivation, ways)
    x, y, _ = data()
    names = loss.parameters
    inner = np.array([0.0, 0.0, *(way.start for way in ways.values())])
    adam, found = _Adam(len(inner)), []
    for _ in range(STEPS):
        at_now = {p: ways[p].outer(inner[2 + k]) for k, p in enumerate(names)}
        found.append(Step(float(inner[0]), float(inner[1]), at_now))
        numbers: dict[str, Any] = {p.name: np.float64(v) for p, v in at_now.items()}
        numbers[loss.residual.name] = inner[0] * x + inner[1] - y
        psi = in_floats(slopes[loss.residual], numbers) + np.zeros_like(x)
        gradient = [np.mean(psi * x), np.mean(psi)]
        for k, p in enumerate(names):
            slope = np.mean(in_floats(slopes[p], numbers) + np.zeros_like(x)) + of_z[p](at_now)
            gradient.append(slope * ways[p].stretch(inner[2 + k]))
        inner = inner - adam.step(np.nan_to_num(np.array(gradient)))
    return found


@dataclass(frozen=True)
class Way:
    """A parameter by a number without bounds: its bounds, and where to begin."""

    low: float
    high: float
    start: float

    def outer(self, inner: float) -> float:
        if self.high == np.inf:
            return float(self.low + np.exp(inner))
        return float(self.low + (self.high - self.low) / (1 + np.exp(-inner)))

    def stretch(self, inner: float) -> float:
        """The derivative of `outer`."""
        if self.high == np.inf:
            return float(np.exp(inner))
        share = 1 / (1 + np.exp(-inner))
        return float((self.high - self.low) * share * (1 - share))


def _way(derivation: Derivation, p: Symbol) -> Way:
    loss, exists = derivation.loss, derivation.density.exists
    if exists is None or exists == sympy.false:
        raise BadInput(f"{loss.name} has no density, so its parameters cannot adapt")
    domain = loss.domain(p)
    low, high = domain.inf, domain.sup
    if low == 0 and high == oo and not exists.has(p):
        return Way(0.0, np.inf, float(np.log(loss.default(p))))
    default = float(loss.default(p))
    start = default if abs(default) < np.inf else 1.0
    near = np.linspace(start - 4, start + 4, 161)
    inside = [float(v) for v in near if _allowed(derivation, p, float(v))]
    if not inside:
        raise BadInput(f"{loss.name}: no density near {p.name} = {start:g}")
    margin = 0.01 * (max(inside) - min(inside)) + 1e-3
    return Way(min(inside) + margin, min(max(inside), start + 2) - margin, 0.0)


def _allowed(derivation: Derivation, p: Symbol, value: float) -> bool:
    loss = derivation.loss
    if loss.domain(p).contains(sympy.Float(value)) != sympy.true:
        return False
    numbers = {q: mp.mpf(loss.default(q)) for q in loss.parameters} | {p: mp.mpf(value)}
    try:
        return truth(derivation.density.exists, numbers)
    except NotReal:
        return False


Slope = Callable[[Mapping[Symbol, float]], float]


def _slopes_of_log_z(derivation: Derivation, ways: Mapping[Symbol, Way]) -> dict[Symbol, Slope]:
    """d log Z/dp for every parameter: from the formula, from the scale, or from a table."""
    loss, known = derivation.loss, derivation.density
    if known.log_partition is not None:
        return {p: _by_formula(known.derivatives.get((p,), sympy.S.Zero)) for p in loss.parameters}
    stretch = derivation.facts.stretch
    shapes = [p for p in loss.parameters if p != stretch]
    if len(shapes) > 1 or (shapes and len(shapes) < len(loss.parameters) and stretch is None):
        raise BadInput(f"{loss.name}: log Z has no formula, so its parameters cannot adapt")
    found: dict[Symbol, Slope] = {p: _table(derivation, p, ways[p]) for p in shapes}
    if stretch is not None:
        found[stretch] = lambda at: 1 / at[stretch]
    return found


def _by_formula(slope: Expr) -> Slope:
    node = lower(slope)
    return lambda at: float(in_floats(node, {q.name: np.float64(v) for q, v in at.items()}))


def _table(derivation: Derivation, p: Symbol, way: Way) -> Slope:
    """d log Z/dp by quadrature, at scale 1."""
    loss = derivation.loss
    node = lower(loss.expression)
    high = way.high if way.high < np.inf else way.low + 8.0
    shapes = np.linspace(way.low, high, SHAPES)
    t = np.linspace(-30, 30, 3001)
    numbers: dict[str, Any] = {q.name: np.float64(1.0) for q in loss.parameters}
    numbers[loss.residual.name] = np.sinh(t)[None, :]
    numbers[p.name] = shapes[:, None]
    with np.errstate(all="ignore"):
        inside = np.nan_to_num(np.exp(-in_floats(node, numbers)) * np.cosh(t)[None, :])
    log_z = np.log(np.trapezoid(inside, t, axis=1))
    slopes = np.gradient(log_z, shapes)
    return lambda at: float(np.interp(at[p], shapes, slopes))
