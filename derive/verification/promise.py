"""What is promised of every emitted function, in ULP of its dtype."""

from __future__ import annotations

from dataclasses import dataclass

from derive.definitions.floats import FORMATS
from derive.definitions.loss import Loss
from derive.verification.quantities import Quantity


@dataclass(frozen=True)
class Promise:
    """An error of at most `ulp` + `kappa` times the condition of the value (see `condition`)."""

    ulp: float
    kappa: float


# by the kind of quantity: computed in the dtype itself, and in a wider one
SMOOTH = (4.0, 1.0)
SHAPE = (8.0, 2.0)
MIXED = (16.0, 16.0)
# narrow types: the correctly rounded value of a computation whose unit is smaller
NARROW = 0.51


def promise(loss: Loss, quantity: Quantity, dtype: str, computed: str) -> Promise:
    """The promise for a quantity; a shape parameter is one with special points of its own.

    computed: the dtype of the arithmetic; inputs are exact in it, so kappa counts its units.
    """
    finer = 2.0 ** (FORMATS[dtype].precision - FORMATS[computed].precision)
    if FORMATS[dtype].precision < FORMATS["float32"].precision:
        return Promise(NARROW, finer)
    return Promise(_kind(loss, quantity)[finer < 1], finer)


def _kind(loss: Loss, quantity: Quantity) -> tuple[float, float]:
    touched = [v for v, n in zip(loss.variables, quantity.orders, strict=True) if n]
    if quantity.order == 2 and touched != [loss.residual]:
        return MIXED
    if quantity.order == 1 and loss.special.get(touched[0]):
        return SHAPE
    return SMOOTH
