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
    quantities: the very node of the general regime where that holds here too.
    """

    name: str
    meaning: str
    condition: Node | None
    quantities: Mapping[str, Node]


@dataclass(frozen=True)
class MeasuredError:
    """The largest error of the chosen form of a quantity, in ULP of its value beyond kappa.

    worst: at the everyday points, in float64, and `at` which arguments; narrow: there with every
    operation rounded to float32; whole, whole_narrow: the same over the whole range.
    direct: of the raw formula at the everyday points. goal: what a form has to reach.
    rules: what was rewritten.
    """

    quantity: str
    worst: float
    direct: float
    points: int
    at: Mapping[str, float]
    rules: tuple[str, ...]
    narrow: float
    whole: float
    whole_narrow: float
    whole_at: Mapping[str, float]
    goal: float


@dataclass(frozen=True)
class StableForm:
    """A loss in stable form; regimes are tried in order.

    diverging: per parameter, the values at which its derivative is infinite (autograd takes the
    value at the nearest number below).
    proof: how equality with the definition was established.
    """

    loss: Loss
    regimes: tuple[Regime, ...]
    errors: tuple[MeasuredError, ...]
    diverging: Mapping[str, tuple[float, ...]]
    proof: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.regimes[-1].quantities)
