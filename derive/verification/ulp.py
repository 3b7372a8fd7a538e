"""Errors in units of the last place of a dtype, against an exact value given as high + low."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# an infinity this close below the edge of the range counts as the number that would follow
EDGE = 4096.0


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: digits of the significand, exponents of normal numbers."""

    precision: int
    smallest_exponent: int
    largest_exponent: int

    @property
    def least(self) -> int:
        """The exponent of the smallest subnormal."""
        return self.smallest_exponent - self.precision + 1


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "float64": Format(53, -1022, 1023),
        "float32": Format(24, -126, 127),
        "float16": Format(11, -14, 15),
        "bfloat16": Format(8, -126, 127),
    }
)


def unit_exponent(value: Floats, form: Format) -> NDArray[Any]:
    """The exponent of one unit in the last place at each value."""
    exponent = np.frexp(value)[1].astype(np.int64) - 1
    exponent = np.where(value == 0, form.smallest_exponent, exponent)
    clipped = np.clip(exponent, form.smallest_exponent, form.largest_exponent)
    return np.asarray(clipped - form.precision + 1)


def errors_in_ulp(candidate: Floats, high: Floats, low: Floats, dtype: str) -> Floats:
    """The distance of each candidate from high + low, in ULP of the dtype.

    high: the exact value rounded to float64; low: the rest in ULP of float64 at high (for a high
    of ±inf: the exact value in units of 2^1024). NaN in high: no value, and the error is NaN.
    NaN, an infinity far from the edge of the range, or a finite number where the exact value is
    far beyond the range: an infinite error. NaN where the exact value is NaN never occurs here.
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
        at_edge = np.where(same_sign & (short <= EDGE), short, np.inf)
        error = np.where(infinite & ~beyond, at_edge, error)
        error = np.where(infinite & beyond, np.where(same_sign, 0.0, np.inf), error)
        missing = (size - np.abs(candidate) / top) * 2.0 ** (form.precision - 1)
        missing = np.where(same_sign & (missing <= EDGE), missing, np.inf)
        error = np.where(~infinite & np.isinf(high), missing, error)
        error = np.where(np.isnan(candidate), np.inf, error)
        error = np.where(np.isnan(high), np.nan, error)
    return np.asarray(error, dtype=np.float64)


def error_in_ulp(candidate: float, high: float, low: float, dtype: str) -> float:
    """As errors_in_ulp, for one number."""
    one = errors_in_ulp(np.array([candidate]), np.array([high]), np.array([low]), dtype)
    return float(one[0])


def ordered(value: Any) -> Any:
    """Floats to integers that count the representable numbers in order (-0 and 0 both 0)."""
    array = np.asarray(value)
    integer = np.int64 if array.dtype == np.float64 else np.int32
    bits = array.view(integer).astype(np.int64)
    lowest = np.int64(np.iinfo(integer).min)
    return np.where(bits < 0, lowest - bits, bits)


def from_ordered(count: Any, dtype: str) -> Any:
    """The inverse of `ordered`."""
    count = np.asarray(count, dtype=np.int64)
    integer = np.int64 if dtype == "float64" else np.int32
    lowest = np.int64(np.iinfo(integer).min)
    bits = np.where(count < 0, lowest - count, count).astype(integer)
    return bits.view(np.float64 if dtype == "float64" else np.float32)


def neighbours(value: float, dtype: str, reach: int) -> Floats:
    """The representable numbers within `reach` steps of a value, itself included."""
    kind = np.float64 if dtype == "float64" else np.float32
    middle = int(ordered(np.array([value], dtype=kind))[0])
    limit = int(ordered(np.array([np.inf], dtype=kind))[0])
    steps = np.arange(max(middle - reach, -limit), min(middle + reach, limit) + 1)
    return np.asarray(from_ordered(steps, dtype), dtype=np.float64)


def hexadecimal(value: float) -> str:
    """Exact text of a float, also for inf and NaN."""
    return value.hex() if math.isfinite(value) else repr(value)
