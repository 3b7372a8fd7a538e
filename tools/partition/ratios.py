"""(e^y - 1)/y and ln(1 + y)/y with two derivatives, as balls, also where y is tiny or 0."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

from flint import acb, arb, arb_poly, ctx, fmpq

Ball: TypeAlias = Any  # an arb or acb: python-flint has no types
Jet: TypeAlias = tuple[Ball, Ball, Ball]  # a value with its first and second derivative

SERIES_REACH = fmpq(1, 4)  # below this modulus the power series, with its remainder, is used


def exponential_ratio(y: Ball) -> Jet:
    """(e^y - 1)/y and its derivatives; entire."""
    if abs(y) < SERIES_REACH:
        return _series(*_reciprocal_factorials(ctx.prec), y)
    e, r = y.exp(), 1 / y
    return (
        (e - 1) * r,
        (e * (y - 1) + 1) * r * r,
        (e * (y * y - 2 * y + 2) - 2) * r * r * r,
    )


def logarithm_ratio(y: Ball, analytic: bool) -> Jet:
    """ln(1 + y)/y and its derivatives, on the principal branch."""
    if abs(y) < SERIES_REACH:
        return _series(*_reciprocal_integers(ctx.prec), y)
    s = 1 + y
    logarithm, r, d = s.log(analytic=analytic), 1 / y, 1 / s
    first = (d - logarithm * r) * r
    return logarithm * r, first, (-d * d - 2 * first) * r


@cache
def _reciprocal_factorials(precision: int) -> Jet:
    return _with_derivatives([1 / arb.fac_ui(k + 1) for k in range(precision // 2 + 12)])


@cache
def _reciprocal_integers(precision: int) -> Jet:
    return _with_derivatives([arb((-1) ** k) / (k + 1) for k in range(precision // 2 + 12)])


def _with_derivatives(coefficients: list[Ball]) -> Jet:
    polynomial = arb_poly(coefficients)
    return polynomial, polynomial.derivative(), polynomial.derivative().derivative()


def _series(polynomial: Ball, first: Ball, second: Ball, y: Ball) -> Jet:
    """A power series with coefficients of modulus <= 1 and its derivatives, |y| <= 1/4."""
    n, size = polynomial.length(), arb(abs(y).upper())
    # the remainder of the k-th derivative is at most sum over j >= n of j^k size^(j - k); its
    # terms fall at least by half (n > 2), so twice the first one bounds it
    jet = []
    for k, truncated in enumerate((polynomial, first, second)):
        bound = (2 * arb(n) ** k * size ** (n - k)).upper()
        jet.append(truncated(y) + acb(arb(0, bound), arb(0, bound)))
    return jet[0], jet[1], jet[2]
