"""kappa, the condition of a value: how far rounding each input once would move it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sympy import Symbol

from derive.definitions.floats import FORMATS
from derive.definitions.labels import share
from derive.definitions.loss import Loss
from derive.verification.backend import Ball, arb, ctx
from derive.verification.oracle import DOUBLE_BITS, Oracle

NOTHING = -(1 << 14)  # a value below 2^NOTHING is 0 in every dtype, and so is what moves it
NEGLIGIBLE = 50  # a term of 2^-NEGLIGIBLE of the value adds nothing


def kappa(oracle: Oracle, name: str, point: Mapping[str, float], dtype: str) -> float:
    """The sum of |v/f df/dv| over the residual and the parameters, in ULP of the value f.

    An input that is 0 or infinite, and a parameter that is exactly at its default or at one of
    its special values, adds nothing: there the number itself is meant. Nor does an input in
    which the derivative is infinite: that would excuse everything. Where f is 0, the sum of
    |v df/dv| in units of the dtype's smallest number. A prediction and a target count by their
    distance from what they lie close to (`definitions.labels.share`).
    """
    wanted = oracle.wanted(name)
    inputs = [arb(float(point[n])) for n in oracle.names]
    shares = _shares(oracle, point, inputs)
    value = oracle.enclose(wanted, inputs, DOUBLE_BITS, NOTHING).ball
    if value is None or not shares:
        return 0.0
    least = _exponent(value) - max(_exponent(inputs[k]) for k in shares) - NEGLIGIBLE
    slopes = oracle.slopes(wanted, inputs, tuple(shares), DOUBLE_BITS, least)
    total = arb(0)
    for (k, counts), slope in zip(shares.items(), slopes, strict=True):
        if slope.ball is None:
            continue
        ctx.prec = 2 * DOUBLE_BITS
        moved = inputs[k] * slope.ball * arb(counts)
        total += abs(moved - value if wanted.over_x and k == 0 else moved)
    ctx.prec = 2 * DOUBLE_BITS
    if value.is_zero():
        form = FORMATS[dtype]
        size = float(total.mid() * arb((1, 1 - form.precision - form.least)))
    else:
        size = float((total / abs(value)).mid())
    return size if math.isfinite(size) else 0.0


def _shares(oracle: Oracle, point: Mapping[str, float], inputs: Sequence[Ball]) -> dict[int, float]:
    """The places of the inputs whose rounding counts, and how much it does."""
    loss = oracle.loss
    roles = loss.variables if loss.predictions else ()
    found = {}
    for k, (symbol, here) in enumerate(zip(loss.variables, inputs, strict=True)):
        if here.is_zero() or not here.is_finite() or is_meant(loss, symbol, here):
            continue
        counts = share(loss, symbol, point, oracle.met) if symbol in roles else 1.0
        if counts:
            found[k] = counts
    return found


def is_meant(loss: Loss, parameter: Symbol, here: Ball) -> bool:
    """Whether a parameter is at its default or at one of its special values."""
    if parameter not in loss.parameters:
        return False
    named = [loss.default(parameter), *map(float, loss.special.get(parameter, ()))]
    return any(arb(value) == here for value in named)


def _exponent(value: Ball) -> int:
    """The power of two of a number; of 0, that of what is as good as 0."""
    if value.is_zero() or value.contains(0):
        return NOTHING
    mantissa, exponent = value.mid().man_exp()
    return int(exponent) + int(mantissa).bit_length()
