"""Floating-point formats: their ranges, units in the last place, and numbers counted in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
