"""What is promised of every emitted function, in ULP of its dtype."""

from __future__ import annotations

from dataclasses import dataclass

from derive.definitions.loss import Loss
from derive.verification.quantities import Quantity


@dataclass(frozen=True)
class Promise:
    """At most `ulp` + `kappa` |d log f/d log x|: the latter is what rounding x/scale costs."""

    ulp: float
    kappa: float


# by the kind of quantity: (float64, float32 in NumPy, float32 in PyTorch)
SMOOTH = (4.0, 1.0, 4.0)
SHAPE = (8.0, 2.0, 8.0)
MIXED = (16.0, 16.0, 16.0)
# narrow types: the correctly rounded value of a float32 computation, whose unit is smaller
NARROW = 0.51
FINER = {"float16": 2.0**-13, "bfloat16": 2.0**-16}



def promise(
    loss: Loss, quantity: Quantity, target: str, dtype: str, own: bool = False
) -> Promise:
    """The promise for a quantity; a shape parameter is one with special points of its own.

    own: of a user's loss, whose forms no person has looked at: float32 as in PyTorch, and every
    second derivative as a mixed one.
    """
    kind = _kind(loss, quantity, own)
    if dtype in FINER:
        more = kind[0] * FINER[dtype] if own else 0.0
        return Promise(NARROW + more, FINER[dtype])
    if dtype == "float64":
        return Promise(kind[0], 1.0)
    if target == "numpy" and not own:
        return Promise(kind[1], float(kind is MIXED))
    return Promise(kind[2], 1.0)


def _kind(loss: Loss, quantity: Quantity, own: bool) -> tuple[float, float, float]:
    touched = [v for v, n in zip(loss.variables, quantity.orders, strict=True) if n]
    if quantity.order == 2 and (own or touched != [loss.residual]):
        return MIXED
    if quantity.order == 1 and loss.special.get(touched[0]):
        return SHAPE
    return SMOOTH
