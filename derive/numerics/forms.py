"""The value that this room hands on: what is evaluated where, and why it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.definitions.loss import Loss
from derive.numerics.nodes import Node


@dataclass(frozen=True)
class Regime:
    """A set of parameter values and the nodes that hold there.

    condition: on the parameters alone; None for all values that no regime before this one took.
    meaning: the condition in the paper's letters.
    """

    name: str
    meaning: str
    condition: Node | None
    quantities: Mapping[str, Node]


@dataclass(frozen=True)
class Reach:
    """How far a quantity got in float64, on the points that chose its form.

    worst: ULP beyond what the rounding of x/scale alone costs; direct: the same for the raw
    formula; at: the arguments of the worst point; rules: what was rewritten.
    """

    quantity: str
    worst: float
    direct: float
    points: int
    at: Mapping[str, float]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class StableForm:
    """A loss in stable form; regimes are tried in order.

    diverging: per parameter, the values at which its derivative is infinite (autograd takes the
    value at the nearest number below).
    proof: how equality with the definition was established.
    """

    loss: Loss
    regimes: tuple[Regime, ...]
    reach: tuple[Reach, ...]
    diverging: Mapping[str, tuple[float, ...]]
    proof: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.regimes[-1].quantities)
