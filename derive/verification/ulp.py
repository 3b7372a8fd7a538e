"""Errors in units of the last place of a dtype, against an exact value given as high + low."""

from __future__ import annotations

import math

import numpy as np

from derive.definitions.floats import FORMATS, Floats, unit_exponent

NEAR = 2.0**-10  # of the largest number: an infinity farther below the edge is no rounding


def errors_in_ulp(candidate: Floats, high: Floats, low: Floats, dtype: str) -> Floats:
    """The distance of each candidate from high + low, in ULP of the dtype.

    high: the exact value rounded to float64; low: the rest in ULP of float64 at high (for a high
    of ±inf: the exact value in units of 2^1024). NaN in high: no value, and the error is NaN.
    An infinity counts as the number that would follow the largest one, where the exact value is
    near that. Infinite errors: NaN, and other infinities and finite numbers beside each other.
    """
    form = FORMATS[dtype]
    candidate, high, low = (np.asarray(a, dtype=np.float64) for a in (candidate, high, low))
    top = np.float64(2.0**form.largest_exponent)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        unit = unit_exponent(high, form)
        reference_unit = unit_exponent(high, FORMATS["float64"])
        distance = np.ldexp(candidate - high, (-unit).astype(np.intc))
        rest = np.ldexp(low, (reference_unit - unit).astype(np.intc))
        error = np.abs(distance - rest)
        # the exact value in units of top, beyond the range where >= 2
        size = np.where(np.isinf(high), np.abs(low) * (2.0**1023 / top) * 2, np.abs(high) / top)
        same_sign = np.signbit(candidate) == np.signbit(high)
        short = np.abs((2.0 - size) * 2.0 ** (form.precision - 1))
        infinite = np.isinf(candidate)
        beyond = size >= 2.0 - 2.0**-form.precision
        edge = NEAR * 2.0**form.precision
        at_edge = np.where(same_sign & (short <= edge), short, np.inf)
        error = np.where(infinite & ~beyond, at_edge, error)
        error = np.where(infinite & beyond, np.where(same_sign, 0.0, np.inf), error)
        missing = (size - np.abs(candidate) / top) * 2.0 ** (form.precision - 1)
        missing = np.where(same_sign & (missing <= edge), missing, np.inf)
        error = np.where(~infinite & np.isinf(high), missing, error)
        error = np.where(np.isnan(candidate), np.inf, error)
        error = np.where(np.isnan(high), np.nan, error)
    return np.asarray(error, dtype=np.float64)


def error_in_ulp(candidate: float, high: float, low: float, dtype: str) -> float:
    """As errors_in_ulp, for one number."""
    one = errors_in_ulp(np.array([candidate]), np.array([high]), np.array([low]), dtype)
    return float(one[0])


def hexadecimal(value: float) -> str:
    """Exact text of a float, also for inf and NaN."""
    return value.hex() if math.isfinite(value) else repr(value)
