"""Probabilities by ball arithmetic: the reference for cdf, sf and ppf."""

from __future__ import annotations

import math

from flint import acb, arb, ctx

BITS = 120


def _loss(alpha: float, t: acb, analytic: bool) -> acb:
    """Barron's loss at scale 1."""
    s = t * t
    if alpha == 0:
        return (1 + s / 2).log()
    if alpha == 2:
        return s / 2
    if alpha == math.inf:
        return (s / 2).exp() - 1
    a, b = arb(alpha), abs(arb(alpha) - 2)
    return ((((1 + s / b).log(analytic=analytic) * (a / 2)).exp()) - 1) * b / a


def upper(alpha: float, y: float) -> arb:
    """The integral of exp(-loss) beyond y >= 0, in steps over which the loss rises a little."""
    with ctx.workprec(BITS):
        if alpha == 0:
            return arb(2).sqrt() * arb.atan2(arb(2).sqrt(), arb(y))
        low, step, total = arb(y), arb(1) / 64, acb(0)
        height = lambda t: float(_loss(alpha, acb(t), False).real.mid())  # noqa: E731
        first = height(low)
        while height(low) - first < 90:
            while height(low + step) - height(low) > 8:
                step /= 2
            total += acb.integral(
                lambda t, analytic: (-_loss(alpha, t, analytic)).exp(),
                acb(low), acb(low + step), rel_tol=arb(2) ** -80, abs_tol=arb(2) ** -3000,
            )  # fmt: skip
            low, step = low + step, step * 2
        return total.real


def tail(alpha: float, y: float) -> arb:
    """The probability beyond y >= 0."""
    with ctx.workprec(BITS):
        return upper(alpha, y) / upper(alpha, 0.0) / 2
