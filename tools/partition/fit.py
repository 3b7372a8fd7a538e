"""From proved enclosures of log Z to the stored polynomials.

Everything is exact or a ball until a coefficient is rounded to a double; running it again gives
the same numbers. The centre is not fitted: its series is the expansion that `form` states.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from math import inf, isinf, log
from typing import TypeAlias, TypeVar

import numpy as np
from flint import arb, arb_poly, arb_series, ctx

from tools.partition.form import (
    SQUEEZE,
    Centre,
    PartitionForm,
    Piece,
    Variable,
)
from tools.partition.ratios import Ball
from tools.partition.rigorous import log_partition

Progress: TypeAlias = Callable[[str], None]
Made = TypeVar("Made")

PRECISION = 320
VALUE_BITS = 200
NODES = 48
GRID = 160
# Breaks in alpha. The centre reaches |l| = 2^-12; each piece spans 4 to 6 octaves of |l|.
BREAKS = (0.0, 0.125, 1.1875, 1.96875, 2 - 2.0**-11, 2 + 2.0**-11, 2.03125, inf)
# G is kept up to |l|^(11/2), w counting as half a power: 11 halves.
CENTRE_HALVES = 11
# What a polynomial, before rounding, may differ from one of degree NODES - 1: the value absolutely,
# the slope relatively, the curvature as a part of the larger of itself and 0.01.
VALUE_LEFT, SLOPE_LEFT, CURVATURE_LEFT = 2e-18, 3e-15, 3e-13


def at_precision(compute: Callable[..., Made]) -> Callable[..., Made]:
    """Run with the working precision of the fit, whatever the caller's is."""

    @wraps(compute)
    def run(*arguments: float) -> Made:
        before, ctx.prec = ctx.prec, PRECISION
        try:
            return compute(*arguments)
        finally:
            ctx.prec = before

    return run


def fit(progress: Progress) -> PartitionForm:
    """The form, from nothing but the integral and, around 2, Gamma functions."""
    pieces = []
    for start, stop in pairwise(BREAKS):
        if start < 2 < stop < inf:
            progress("expanding log Z around 2")
            centre = around_two(start, stop)
        else:
            pieces.append(piece(start, stop))
            progress(f"log Z on [{start}, {stop}): degree {len(pieces[-1].coefficients)}")
    return PartitionForm(tuple(pieces), centre)


@at_precision
def piece(start: float, stop: float) -> Piece:
    """Interpolation at Chebyshev points, cut off where what is left out no longer matters."""
    variable: Variable = "squeezed" if start == 0 else "log_ratio"
    low, high = sorted(_variable(end, variable) for end in (start, stop))
    middle = float(np.float32((low + high) / 2))
    reach = min(high - middle, middle - low)
    rate = float(np.nextafter(np.float32(1 / reach), np.float32(inf)))

    def alpha(z: Ball) -> Ball:
        v = middle + z / rate
        if variable == "squeezed":
            return SQUEEZE * v / (1 - v)
        return 2 / (1 + v.exp()) if stop <= 2 else 2 / (1 - v.exp())

    nodes = _points(NODES)
    series = _chebyshev([log_partition(alpha(z), 0, VALUE_BITS)[0] for z in nodes])
    whole = _polynomial(series, NODES)
    where = [(z, *_chain(alpha(z), variable, rate)) for z in _points(GRID)]
    for length in range(8, NODES - 4):
        kept = _polynomial(series, length)
        if all(_close(kept, whole, *point) for point in where):
            break
    else:
        raise ArithmeticError(f"no polynomial comes close to log Z on [{start}, {stop})")
    constant, *rest = kept.coeffs()
    value = float(constant.mid())
    return Piece(
        start=start,
        stop=stop,
        variable=variable,
        middle=middle,
        rate=rate,
        value=value,
        rest=float((constant - value).mid()),
        coefficients=tuple(float(coefficient.mid()) for coefficient in rest),
    )


def _variable(alpha: float, variable: Variable) -> float:
    if variable == "squeezed":
        return alpha / (alpha + SQUEEZE)
    return 0.0 if isinf(alpha) else log(abs(alpha - 2) / alpha)


def _chain(alpha: Ball, variable: Variable, rate: float) -> tuple[Ball, Ball]:
    """dz/d alpha and d2z/d alpha2."""
    if variable == "squeezed":
        first = rate * SQUEEZE / (alpha + SQUEEZE) ** 2
        return first, -2 * first / (alpha + SQUEEZE)
    first = 2 / (alpha * (alpha - 2))
    return rate * first, -rate * first * (1 / alpha + 1 / (alpha - 2))


def _close(kept: Ball, whole: Ball, z: Ball, z1: Ball, z2: Ball) -> bool:
    """Whether value, slope and curvature of the two polynomials agree well enough at z."""
    left = whole - kept
    first, second = whole.derivative(), whole.derivative().derivative()
    left1, left2 = left.derivative(), left.derivative().derivative()
    curvature = abs(second(z) * z1 * z1 + first(z) * z2)
    return bool(
        abs(left(z)) < VALUE_LEFT
        and abs(left1(z)) < SLOPE_LEFT * abs(first(z))
        and abs(left2(z) * z1 * z1 + left1(z) * z2) < CURVATURE_LEFT * curvature.max(arb(0.01))
    )


def _points(count: int) -> list[Ball]:
    """The Chebyshev points of (-1, 1)."""
    return [(arb.pi() * (2 * k + 1) / (2 * count)).cos() for k in range(count)]


def _chebyshev(samples: list[Ball]) -> list[Ball]:
    """Coefficients of the interpolant in the Chebyshev polynomials."""
    found = []
    for j in range(NODES):
        angles = [arb.pi() * (j * (2 * k + 1)) / (2 * NODES) for k in range(NODES)]
        total = sum((s * angle.cos() for s, angle in zip(samples, angles, strict=True)), arb(0))
        found.append(total * (1 if j == 0 else 2) / NODES)
    return found


def _polynomial(series: list[Ball], length: int) -> Ball:
    """The first terms of a Chebyshev series in powers of z."""
    z, before, this = arb_poly([0, 1]), arb_poly([1]), arb_poly([0, 1])
    total = before * series[0]
    for coefficient in series[1:length]:
        total = total + this * coefficient
        before, this = this, 2 * z * this - before
    return total


@at_precision
def around_two(start: float, stop: float) -> Centre:
    """The expansion of log Z in l and w: see `form`."""
    half_log = (2 * arb.pi()).log() / 2
    value = float(half_log.mid())
    below, above = (_rows(sign) for sign in (1, -1))
    return Centre(start, stop, value, float((half_log - value).mid()), below, above)


def _rows(sign: int) -> tuple[tuple[float, ...], ...]:
    """G as rows[j][k], the coefficient of w^j l^k with j/2 + k within the order; m = sign l."""
    terms = CENTRE_HALVES // 2 + 2
    ell, half = arb_series([0, 1], terms), arb(1) / 2

    def g(j: int) -> Ball:
        return ((half - j) * (1 + ell)).gamma() / (half - j).gamma()

    def h(n: int) -> Ball:
        y = n / (1 + ell)
        return (-y - half).gamma() * (-y).rgamma() / (1 + ell)

    inner = [arb_series([0], terms)] * (CENTRE_HALVES + 1)
    for j in range(1, CENTRE_HALVES // 2 + 1):
        inner[2 * j] = g(j) / g(0) * (arb(-1) ** j / arb.fac_ui(j))
    for n in range(1, terms):
        inner[1] = inner[1] + h(n) / g(0) * ell**n * (arb(-sign) ** n / arb.fac_ui(n))

    # k L_k = k c_k - sum of j L_j c_(k-j), for the logarithm L of 1 + c_1 w + c_2 w^2 + ...
    found = [(1 + ell).log() / 2 + g(0).log()]
    for k in range(1, CENTRE_HALVES + 1):
        total = k * inner[k]
        for j in range(1, k):
            total = total - j * found[j] * inner[k - j]
        found.append(total / k)
    rows = [
        tuple(_rounded(found[j], k) for k in range((CENTRE_HALVES - j) // 2 + 1))
        for j in range(CENTRE_HALVES + 1)
    ]
    while not any(rows[-1]):
        rows.pop()
    return tuple(rows)


def _rounded(series: Ball, k: int) -> float:
    """A coefficient as a double; one that is 0 within its ball is 0."""
    coefficient = series[k]
    return 0.0 if coefficient.contains(0) else float(coefficient.mid())
