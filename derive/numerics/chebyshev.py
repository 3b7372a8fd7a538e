"""Chebyshev interpolants at high precision, as coefficients for Horner's scheme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp

MOST_TERMS = 34
# What an interpolant may leave, against the largest value: a small part of a rounding.
LEFT = 2.0**-58


def interpolant(
    f: Callable[[Any], Any], low: Any, high: Any, centre: Any, terms: int = MOST_TERMS
) -> tuple[float, ...] | None:
    """Coefficients of a polynomial in (z - centre), lowest first; None where `terms` are too few.

    f is evaluated at mpmath's present precision at `terms` points of [low, high].
    """
    half, middle = (mp.mpf(high) - low) / 2, (mp.mpf(high) + low) / 2
    angles = [mp.pi * (2 * k + 1) / (2 * terms) for k in range(terms)]
    values = [f(middle + half * mp.cos(angle)) for angle in angles]
    series = [
        2 * mp.fsum(v * mp.cos(n * angle) for v, angle in zip(values, angles, strict=True)) / terms
        for n in range(terms)
    ]
    series[0] /= 2
    allowed = max(abs(v) for v in values) * LEFT
    # The last two must be small by themselves: what was not looked at is smaller still.
    if abs(series[-1]) + abs(series[-2]) > allowed:
        return None
    while len(series) > 2 and mp.fsum(abs(c) for c in series[len(series) - 1 :]) < allowed / 8:
        series.pop()
    return tuple(float(c) for c in _monomials(series, middle, half, centre))


def _monomials(series: list[Any], middle: Any, half: Any, centre: Any) -> list[Any]:
    """The coefficients in powers of z - centre, where T_n has the argument (z - middle)/half."""
    shift = [(mp.mpf(centre) - middle) / half, 1 / half]  # the argument as a polynomial
    before, present = [mp.mpf(1)], list(shift)
    total = [mp.mpf(0)] * len(series)
    _accumulate(total, before, series[0])
    _accumulate(total, present, series[1])
    for c in series[2:]:
        doubled = [2 * v for v in _product(shift, present)]
        following = [v - (before[k] if k < len(before) else 0) for k, v in enumerate(doubled)]
        before, present = present, following
        _accumulate(total, present, c)
    return total


def _accumulate(total: list[Any], polynomial: list[Any], factor: Any) -> None:
    for k, v in enumerate(polynomial):
        total[k] += factor * v


def _product(line: list[Any], polynomial: list[Any]) -> list[Any]:
    found = [mp.mpf(0)] * (len(polynomial) + 1)
    for k, v in enumerate(polynomial):
        found[k] += line[0] * v
        found[k + 1] += line[1] * v
    return found
