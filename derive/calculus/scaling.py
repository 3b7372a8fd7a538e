"""Which parameter of a loss only stretches its residual."""

from __future__ import annotations

from sympy import Symbol

from derive.definitions.loss import Loss


def scale_parameter(loss: Loss) -> Symbol | None:
    """The parameter c > 0 for which loss(c x, …, c) does not depend on c; None if there is none."""
    for c in loss.parameters:
        if c.is_positive and not loss.expression.subs(loss.residual, c * loss.residual).has(c):
            return c
    return None
