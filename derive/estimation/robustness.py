"""How robust and how efficient the location estimate of a loss is.

With psi = d loss/dx and the normal density phi of standard deviation 1: the influence function is
psi(x)/E[psi'], the gross-error sensitivity its largest magnitude, and the asymptotic efficiency
E[psi']^2/E[psi^2]. E[psi'] is computed as E[x psi], which is the same and needs no derivative at
kinks. (Hampel et al., Robust Statistics, 1986, chapter 2.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from mpmath import mp
from sympy import Symbol

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import NotReal, along, evaluate
from derive.definitions.relations import refuse
from derive.errors import BadInput
from derive.numerics.evaluate import evaluate as rough
from derive.numerics.lower import lower

DIGITS = 30
# The normal density beyond this many standard deviations is below 1e-31 of its peak.
FARTHEST = 12
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
DECADES = range(-6, 9)
STEPS = 12
# Powers of ten, the nearer ones where exponentials would be out of reach.
_FAR_OUT = ((20, 40, 80), (2, 3, 4))


@dataclass(frozen=True)
class Robustness:
    """At one choice of parameters.

    convex: the loss, as far as it was looked at (the judge proves it: `convex(loss, x)`);
    redescending: the slope returns to 0 far out; bounded: the loss; lipschitz: the slope is
    bounded, by `steepest`. gross_error_sensitivity: inf where the slope is not bounded.
    efficiency: at the normal distribution of standard deviation 1, between 0 and 1.
    """

    convex: bool
    redescending: bool
    bounded: bool
    lipschitz: bool
    steepest: float
    gross_error_sensitivity: float
    efficiency: float


def robustness(derivation: Derivation, **settings: float) -> Robustness:
    """What the loss's location estimate is like."""
    with mp.workdps(DIGITS):
        study = _Study(derivation, _parameters(derivation, settings))
        first, second = study.moments()
        ends = [study.far(sign) for sign in (1, -1)]
        steepest = max(mp.inf if slope is None else slope for _, slope, _ in ends)
        steepest = max(steepest, study.steepest())
        sensitivity = steepest / first if first else mp.inf
        return Robustness(
            convex=study.convex(),
            redescending=all(slope == 0 or fades for _, slope, fades in ends),
            bounded=all(bounded for bounded, _, _ in ends),
            lipschitz=bool(mp.isfinite(steepest)),
            steepest=float(steepest),
            gross_error_sensitivity=float(sensitivity),
            efficiency=float(first**2 / second) if second else 0.0,
        )


def tuning_constant(
    derivation: Derivation, efficiency: float = 0.95, parameter: str = "", **settings: float
) -> float:
    """The value of the loss's length (or of another parameter) at which the estimate has this
    asymptotic efficiency at the normal distribution: 1.345 for the quadratic loss with a clipped
    slope, at 0.95.

    BadInput where the loss has no length, or no value of it gives that efficiency.
    """
    loss = derivation.loss
    name = parameter or length_name(derivation)
    symbol = next(p for p in loss.parameters if p.name == name)
    with mp.workdps(DIGITS):
        at = _parameters(derivation, settings)

        def missing(value: float) -> float:
            first, second = _Study(derivation, {**at, symbol: mp.mpf(value)}).moments()
            return first / second * first - efficiency if second else -1.0  # no overflow

        values = [2.0 ** (k / 2) for k in range(-8, 13)]
        found = [missing(v) for v in values]
        for low, high, a, b in zip(values, values[1:], found, found[1:], strict=False):
            if a * b <= 0:
                return _crossing(missing, low, high)
    raise BadInput(f"{loss.name}: no {name} gives an efficiency of {efficiency:g} at the normal")


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function changes its sign, by halves, to the last digit."""
    at_low = function(low)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) * at_low > 0 else (low, middle)
    return (low + high) / 2


def length_name(derivation: Derivation) -> str:
    """The parameter that is the loss's length. BadInput where there is none."""
    length = derivation.facts.length
    free = sorted(length.free_symbols, key=str) if length is not None else []
    if len(free) != 1:
        raise BadInput(f"{derivation.loss.name}: has no length to choose; name a parameter")
    return str(free[0])


def _parameters(derivation: Derivation, settings: Mapping[str, float]) -> dict[Symbol, Any]:
    loss = derivation.loss
    known = {p.name: p for p in loss.parameters}
    for name in settings:
        if name not in known:
            raise BadInput(f"{loss.name} has no parameter {name!r}; it has {', '.join(known)}")
    found = {p: mp.mpf(settings.get(p.name, loss.default(p))) for p in loss.parameters}
    refuse(loss, found)
    return found


class _Study:
    """The loss and its slope as functions of x alone."""

    def __init__(self, derivation: Derivation, at: Mapping[Symbol, Any]) -> None:
        x = derivation.loss.residual
        slope = derivation.quantities[f"d_{x.name}"]
        self.loss, self.slope = (along(e, x, at) for e in (derivation.loss.expression, slope))
        self.rough, self.x = lower(slope), x.name
        self.numbers = {p.name: np.float64(v) for p, v in at.items()}
        self.breaks = sorted({evaluate(b.place, at) for b in derivation.facts.breaks} | {mp.mpf(0)})

    def moments(self) -> tuple[float, float]:
        """E[x psi] and E[psi^2] at the normal distribution, to about 1e-14."""
        inside = [float(b) for b in self.breaks if abs(b) < FARTHEST]
        edges = np.unique([*inside, *np.linspace(-FARTHEST, FARTHEST, 4 * FARTHEST + 1)])
        half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
        x = (middle + half * NODES).ravel()
        mass = (half * WEIGHTS).ravel() * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
        psi = np.broadcast_to(rough(self.rough, {self.x: x, **self.numbers}), x.shape)
        with np.errstate(over="ignore"):  # an influence without bound: infinite, and told so
            return float(np.sum(mass * x * psi)), float(np.sum(mass * psi * psi))

    def _places(self) -> list[Any]:
        sizes = [mp.mpf(10) ** (k + mp.mpf(j) / STEPS) for k in DECADES for j in range(STEPS)]
        around = [b * (1 + s) for b in self.breaks for s in (-(mp.mpf(10) ** -9), mp.mpf(10) ** -9)]
        return sorted({*sizes, *(-s for s in sizes), *around, *self.breaks})

    def convex(self) -> bool:
        """Whether the slope never falls from one place to the next."""
        slopes = [self.slope(t) for t in self._places()]
        allowed = mp.mpf(10) ** (5 - DIGITS)
        return all(b - a >= -allowed * (abs(a) + abs(b)) for a, b in pairwise(slopes))

    def steepest(self) -> Any:
        """The largest slope, from the best place by shrinking steps."""
        places = self._places()
        slopes = [abs(self.slope(t)) for t in places]
        best = max(range(len(places)), key=slopes.__getitem__)
        low, high = places[max(best - 1, 0)], places[min(best + 1, len(places) - 1)]
        top = slopes[best]
        for _ in range(120):
            one, other = low + (high - low) / 3, high - (high - low) / 3
            a, b = abs(self.slope(one)), abs(self.slope(other))
            top = max(top, a, b)
            low, high = (one, high) if a < b else (low, other)
        return top

    def far(self, sign: int) -> tuple[bool, Any, bool]:
        """Far out: whether the loss stays bounded; the size that the slope tends to (None where it
        grows); whether it fades to 0."""
        for powers in _FAR_OUT:
            places = [sign * mp.mpf(10) ** power for power in powers]
            try:
                losses, slopes = ([abs(f(t)) for t in places] for f in (self.loss, self.slope))
            except NotReal:  # exponentials out of reach
                continue
            return self._read(losses, slopes)
        return False, None, False

    @staticmethod
    def _read(losses: Sequence[Any], slopes: Sequence[Any]) -> tuple[bool, Any, bool]:
        grows = slopes[2] > slopes[1] * (1 + mp.mpf(10) ** -6)
        fades = slopes[2] < slopes[1] * (1 - mp.mpf(10) ** -6) or slopes[2] == 0
        steps = abs(losses[2] - losses[1]), abs(losses[1] - losses[0])
        rounding = losses[1] * mp.mpf(10) ** (5 - DIGITS)
        bounded = steps[0] <= max(steps[1], rounding) and losses[2] <= losses[1] * (
            1 + mp.mpf(10) ** -6
        )
        return bounded, None if grows else slopes[2], fades
