"""Exact values of ours under somebody else's convention: factor * ours(x; parameters) + offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.verification.backend import Ball, arb, ctx
from derive.verification.condition import kappa
from derive.verification.enclosure import Enclosure, undefined
from derive.verification.normalizer import Normalizer
from derive.verification.oracle import Oracle

BITS = 64
LOG_DENSITY = "log_density"


@dataclass
class Truth:
    """One quantity of a loss. Parameters are balls, so that they need not be floats."""

    loss: Loss
    quantity: str
    oracle: Oracle = field(init=False)
    _log_z: dict[tuple[float, ...], Ball] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.loss)
        if self.quantity != LOG_DENSITY:
            self.oracle.wanted(self.quantity)

    @property
    def names(self) -> tuple[str, ...]:
        return self.oracle.names

    def value(self, x: float, parameters: Mapping[str, Ball]) -> Enclosure:
        """The exact value at one residual."""
        name = "loss" if self.quantity == LOG_DENSITY else self.quantity
        point = [arb(x), *(parameters[n] for n in self.names[1:])]
        found = self.oracle.enclose(self.oracle.wanted(name), point, BITS, -1200)
        if self.quantity != LOG_DENSITY or not found.defined:
            return found
        if found.ball is None:
            return Enclosure(None, infinite=-found.infinite)
        log_z = self.log_z(parameters)
        ctx.prec = 4 * BITS
        return Enclosure(-found.ball - log_z)

    def log_z(self, parameters: Mapping[str, Ball]) -> Ball:
        key = tuple(float(parameters[n]) for n in self.names[1:])
        if key not in self._log_z:
            named = dict(zip(self.names[1:], key, strict=True))
            self._log_z[key] = Normalizer(self.loss).log_partition(named)
        return self._log_z[key]

    def floats(self, x: Sequence[float], parameters: Mapping[str, float]) -> Floats:
        """Rounded to float64, without the constant of a density."""
        balls = {name: arb(value) for name, value in parameters.items()}
        if self.quantity == LOG_DENSITY:
            loss = self.oracle.wanted("loss")
            values = (
                self.oracle.enclose(
                    loss, [arb(v), *(balls[n] for n in self.names[1:])], BITS, -1200
                )
                for v in x
            )
            return -np.array([v.float64() for v in values])
        return np.array([self.value(v, balls).float64() for v in x])

    def under(
        self, x: float, parameters: Mapping[str, Ball], factor: Ball, offset: Ball
    ) -> Enclosure:
        """factor * value + offset."""
        found = self.value(x, parameters)
        ctx.prec = 4 * BITS
        if found.ball is not None:
            return Enclosure(factor * found.ball + offset)
        if found.infinite:
            return Enclosure(None, infinite=found.infinite * (1 if factor > 0 else -1))
        return undefined(found.reason)

    def kappa(self, x: float, parameters: Mapping[str, Ball], value: float, factor: float) -> float:
        """The condition of the whole value, in its ULP."""
        point = {self.names[0]: x, **{n: float(v) for n, v in parameters.items()}}
        name = "loss" if self.quantity == LOG_DENSITY else self.quantity
        mine = abs(self.oracle.value(name, point).float64()) * abs(factor)
        size = abs(value)
        own = kappa(self.oracle, name, point, "float64")
        if size == 0 or not np.isfinite(mine):
            return own
        rest = abs(value) + 2 * mine + len(parameters) if self.quantity == LOG_DENSITY else 0.0
        return float((own * mine + rest) / size)
