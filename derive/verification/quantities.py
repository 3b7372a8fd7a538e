"""The quantities of a loss by name: which derivative each one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

from sympy import FiniteSet

from derive.definitions.loss import Loss


@dataclass(frozen=True)
class Quantity:
    """A derivative of the loss (`orders`, one for each variable), divided by x for the weight."""

    name: str
    orders: tuple[int, ...]
    over_x: bool = False

    @property
    def order(self) -> int:
        return sum(self.orders)

    @property
    def changes_sign(self) -> bool:
        return self.order == 2


def quantities(loss: Loss) -> Mapping[str, Quantity]:
    """Every quantity of the loss, in the order of the generated file."""
    names = [v.name for v in loss.variables]
    count = len(names)

    def orders(*positions: int) -> tuple[int, ...]:
        return tuple(sum(p == k for p in positions) for k in range(count))

    if loss.predictions:
        return _with_roles(loss)
    found = [Quantity("loss", orders())]
    found += [Quantity("d_x" if k == 0 else f"d_{names[k]}", orders(k)) for k in range(count)]
    found.append(Quantity("weight", orders(0), over_x=True))
    found.append(Quantity("d2_x", orders(0, 0)))
    found += [Quantity(f"d2_x_{names[k]}", orders(0, k)) for k in range(1, count)]
    for k in range(1, count):
        found.append(Quantity(f"d2_{names[k]}", orders(k, k)))
        found += [Quantity(f"d2_{names[k]}_{names[m]}", orders(k, m)) for m in range(k + 1, count)]
    return {q.name: q for q in found}


def _with_roles(loss: Loss) -> Mapping[str, Quantity]:
    """First derivatives in everything but a label, second ones in a prediction at least."""
    count = len(loss.variables)
    moving = [k for k, v in enumerate(loss.variables) if not isinstance(loss.domain(v), FiniteSet)]
    found = [Quantity("loss", (0,) * count)]
    for k in moving:
        found.append(_derivative(loss, (k,)))
    for k, m in combinations_with_replacement(moving, 2):
        if loss.variables[k] in loss.predictions:
            found.append(_derivative(loss, (k, m)))
    return {q.name: q for q in found}


def _derivative(loss: Loss, places: tuple[int, ...]) -> Quantity:
    letters = "_".join(dict.fromkeys(loss.variables[k].name for k in places))
    orders = tuple(places.count(k) for k in range(len(loss.variables)))
    return Quantity(f"d{len(places) if len(places) > 1 else ''}_{letters}", orders)
