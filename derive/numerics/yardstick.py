"""What the forms of a quantity are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from mpmath import mp
from sympy import Symbol

from derive.calculus.derivation import Derivation
from derive.definitions.loss import Loss
from derive.numerics import measure
from derive.numerics.forms import Reach
from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Node


@dataclass(frozen=True)
class Yardstick:
    """Points, exact values, kappa, floors, and what the raw formula reaches.

    special: the same points at the special values of each parameter.
    """

    derivation: Derivation
    quantity: str
    sample: measure.Sample
    exact: Sequence[Any]
    kappa: np.ndarray
    floor: Sequence[Any] | None
    direct: float
    special: tuple[measure.Sample, ...] = ()

    def errors(self, form: Node) -> np.ndarray:
        """ULP beyond kappa at every point."""
        got = measure.evaluate_nodes(form, self.sample)
        return self._excess(got)

    def _excess(self, got: np.ndarray) -> np.ndarray:
        excess = measure.ulps(got, self.exact, self.floor) - self.kappa
        return np.asarray(np.maximum(excess, 0.0))

    def lost(self, form: Node) -> np.ndarray:
        """Where the form is no number at a special value of a parameter."""
        found = np.zeros(len(self.sample), dtype=bool)
        for sample in self.special:
            found |= np.isnan(measure.evaluate_nodes(form, sample))
        return found

    def bare(self, form: Node) -> float:
        """The worst error in ULP of the value itself, where the target allows more."""
        return float(np.max(replace(self, floor=None).errors(form)))

    def reach(self, form: Node, rules: tuple[str, ...]) -> Reach:
        errors = self.errors(form)
        worst = int(np.argmax(errors))
        columns = self.sample.columns
        at = {v.name: float(columns[v.name][worst]) for v in self.derivation.loss.variables}
        count = sum(value is not None for value in self.exact)
        return Reach(self.quantity, float(errors[worst]), self.direct, count, at, rules)


def yardstick(
    derivation: Derivation,
    quantity: str,
    sample: measure.Sample,
    special: tuple[measure.Sample, ...] = (),
) -> Yardstick:
    raw = derivation.quantities[quantity]
    exact = measure.reference(derivation.loss, raw, sample)
    kappa = measure.conditioning(derivation.loss, raw, sample, exact)
    floor = _floor(derivation, quantity, sample, exact)
    stick = Yardstick(derivation, quantity, sample, exact, kappa, floor, np.inf, special)
    try:
        return replace(stick, direct=float(np.max(stick.errors(lower(raw)))))
    except CannotLower:
        return stick


def _floor(
    derivation: Derivation, name: str, sample: measure.Sample, exact: Sequence[Any]
) -> list[Any] | None:
    """For second derivatives, what their terms amount to: f_u/v and f_v/u. For the slope in a
    positive shape parameter p: x f_x/p."""
    loss = derivation.loss
    floors: list[Any] = [None if value is None else abs(value) for value in exact]
    shape = next((p for p in loss.special if p.is_extended_positive and name == f"d_{p}"), None)
    if shape is not None:
        slopes = measure.reference(loss, derivation.quantities["d_x"] / shape, sample)
        for i, slope in enumerate(slopes):
            if slope is not None and floors[i] is not None:
                floors[i] = max(floors[i], abs(slope * sample.columns[loss.residual.name][i]))
        return floors
    if not name.startswith("d2_"):
        return None
    u, v = variables(loss, name)
    for first, second in {(u, v), (v, u)}:
        if not (second.is_positive or second == loss.residual):
            continue
        slopes = measure.reference(loss, derivation.quantities[f"d_{first.name}"], sample)
        column = sample.columns[second.name]
        for i, slope in enumerate(slopes):
            if slope is not None and floors[i] is not None and column[i] != 0:
                floors[i] = max(floors[i], abs(slope / mp.mpf(float(column[i]))))
    return floors


def variables(loss: Loss, name: str) -> tuple[Symbol, Symbol]:
    """The two variables of a second derivative."""
    for v, w in combinations_with_replacement(loss.variables, 2):
        if name in (f"d2_{v.name}_{w.name}", f"d2_{v.name}" if v == w else ""):
            return v, w
    raise KeyError(name)
