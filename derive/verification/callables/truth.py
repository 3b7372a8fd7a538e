"""Exact values of ours under somebody else's convention: factor * ours(x; parameters) + offset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.verification.backend import Ball, arb, ctx
from derive.verification.callables.session import Given
from derive.verification.condition import kappa
from derive.verification.enclosure import Enclosure, undefined
from derive.verification.normalizer import Normalizer
from derive.verification.oracle import Oracle

BITS = 64
LOG_DENSITY = "log_density"
GRID = np.array(
    [0.013, -0.037, 0.11, 0.29, -0.61, 0.83, 1.21, -1.7, 2.3, 3.1, -4.7, 7.9, 17.0, -63.0]
)


@dataclass(frozen=True)
class Batch:
    """What goes in at once. settings: their parameters. beside: what stands beside each of x."""

    x: Floats
    settings: Mapping[str, float]
    beside: Mapping[str, Floats] = field(default_factory=dict)

    def part(self, places: Any) -> Batch:
        beside = {n: v[places] for n, v in self.beside.items()}
        return Batch(self.x[places], self.settings, beside)

    def spread(self, shape: tuple[int, ...]) -> Batch:
        """For parameters that are arrays."""
        beside = {n: np.broadcast_to(v, shape) for n, v in self.beside.items()}
        return Batch(np.broadcast_to(self.x, shape), self.settings, beside)

    def alone(self) -> Batch:
        """One input as an array of one."""
        beside = {n: np.atleast_1d(v) for n, v in self.beside.items()}
        return Batch(np.atleast_1d(self.x), self.settings, beside)


@dataclass
class Truth:
    """One quantity of a loss of a residual. Parameters are balls, so that they need not be floats.

    What `roles` has for other losses answers the same questions.
    """

    loss: Loss
    quantity: str
    oracle: Oracle = field(init=False)
    _log_z: dict[tuple[float, ...], Ball] = field(default_factory=dict)
    forms: tuple[str, ...] = ()  # what may stand beside x, the likeliest first
    over_classes = False
    target = ""  # the name of what is one number beside a prediction

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.loss)
        if self.quantity != LOG_DENSITY:
            self.oracle.wanted(self.quantity)

    @property
    def grid(self) -> Floats:
        """The residuals by which a convention is found."""
        return self.inside(GRID)

    def inside(self, x: Floats) -> Floats:
        """What is asked for numbers of any size: here these themselves."""
        return x

    def beside(self, x: Floats) -> Mapping[str, Floats]:
        """What goes in beside x, chosen by x alone."""
        return {}

    def shape(self, x: Floats) -> tuple[int, ...]:
        """Of what comes out for x."""
        return x.shape

    def given(self, batch: Batch, **more: Any) -> Given:
        return Given(batch.x, batch.settings, beside=batch.beside, rows=self.over_classes, **more)

    def question(self, x: Floats, settings: Mapping[str, float], **more: Any) -> Given:
        """To be asked at numbers of any size, brought into the domain."""
        inside = self.inside(x)
        return self.given(Batch(inside, settings, self.beside(inside)), **more)

    def special(self, x: Floats, settings: Mapping[str, float]) -> Given:
        """To be asked at these very numbers, where they are inside the domain."""
        return self.given(Batch(x, settings, self.beside(x)))

    def arguments(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs that were told as what is typed in a call."""
        return dict(told)

    def told_of(self, batch: Batch, k: int) -> dict[str, Any]:
        """The k-th of the inputs."""
        return self.told(batch, k)

    def has_place(self, x: float) -> bool:
        return True

    def exact(
        self, batch: Batch, ours: Mapping[str, Ball], factor: Ball, offset: Ball
    ) -> list[Enclosure | None]:
        """The exact values in the order of what comes out; None for NaN in x."""
        return [
            None if math.isnan(v) else self.under(v, ours, factor, offset)
            for v in batch.x.ravel().tolist()
        ]

    def batches(self, dtype: str, seed: int, fixed: Mapping[str, float] | None) -> Iterator[Batch]:
        """What goes in where that does not follow from the choices of the parameters."""
        yield from ()

    def told(self, batch: Batch, k: int) -> dict[str, Any]:
        """The inputs that belong to one of the values that come out."""
        return {self.names[0]: float(batch.x[k]), **batch.settings}

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

    def floats(self, parameters: Mapping[str, float]) -> Floats:
        """On the grid, rounded to float64, without the constant of a density."""
        x, balls = GRID.tolist(), {name: arb(value) for name, value in parameters.items()}
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

    def kappa(
        self, told: Mapping[str, Any], place: int, parameters: Mapping[str, Ball], value: float,
        factor: float,
    ) -> float:  # fmt: skip
        """The condition of the whole value, in its ULP. place: of the value in its row."""
        point = {n: float(v) for n, v in parameters.items()}
        point[self.names[0]] = told[self.names[0]]
        name = "loss" if self.quantity == LOG_DENSITY else self.quantity
        mine = abs(self.oracle.value(name, point).float64()) * abs(factor)
        size = abs(value)
        own = kappa(self.oracle, name, point, "float64")
        if size == 0 or not np.isfinite(mine):
            return own
        rest = abs(value) + 2 * mine + len(parameters) if self.quantity == LOG_DENSITY else 0.0
        return float((own * mine + rest) / size)
