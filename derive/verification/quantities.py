"""The quantities of a loss by name: which derivative each one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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

    found = [Quantity("loss", orders())]
    found += [Quantity("d_x" if k == 0 else f"d_{names[k]}", orders(k)) for k in range(count)]
    found.append(Quantity("weight", orders(0), over_x=True))
    found.append(Quantity("d2_x", orders(0, 0)))
    found += [Quantity(f"d2_x_{names[k]}", orders(0, k)) for k in range(1, count)]
    for k in range(1, count):
        found.append(Quantity(f"d2_{names[k]}", orders(k, k)))
        found += [Quantity(f"d2_{names[k]}_{names[m]}", orders(k, m)) for m in range(k + 1, count)]
    return {q.name: q for q in found}
