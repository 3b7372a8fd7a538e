"""Errors in ULP: the unit, subnormals, the edge of the range, NaN."""

import math

import numpy as np
import pytest

from derive.definitions.floats import from_ordered, neighbours, ordered
from derive.verification.ulp import error_in_ulp

INF = math.inf
MAX = float(np.finfo(np.float64).max)


@pytest.mark.parametrize(
    ("candidate", "high", "low", "dtype", "error"),
    [
        (1.0, 1.0, 0.0, "float64", 0.0),
        (1.0 + 2**-52, 1.0, 0.25, "float64", 0.75),
        (1.0, 1.0, 0.25, "float64", 0.25),
        (1.0 + 2**-23, 1.0, 0.0, "float32", 1.0),
        (1.0 + 2**-10, 1.0, 0.0, "float16", 1.0),
        (1.0 + 2**-7, 1.0, 0.0, "bfloat16", 1.0),
        (5e-324, 0.0, 0.0, "float64", 1.0),
        (1e-323, 5e-324, 0.5, "float64", 0.5),
        (2.0**-149, 2.0**-150, 0.0, "float32", 0.5),
        (-1.0, 1.0, 0.0, "float64", 2.0**53),
        (math.nan, 1.0, 0.0, "float64", INF),
        (INF, 1.0, 0.0, "float64", INF),
        (INF, MAX, 0.0, "float64", 1.0),
        (-INF, MAX, 0.0, "float64", INF),
        (INF, INF, 1.5, "float64", 0.0),
        (INF, INF, INF, "float64", 0.0),
        (-INF, INF, INF, "float64", INF),
        (MAX, INF, 1.0, "float64", 1.0),
        (MAX, INF, 2.0, "float64", INF),
        (MAX, INF, INF, "float64", INF),
        (math.nan, INF, INF, "float64", INF),
        (INF, 2.0**128, 0.0, "float32", 0.0),
        (INF, 1e39, 0.0, "float32", 0.0),
        (INF, 2.0**127, 0.0, "float32", INF),
        (2.0**127, 2.0**128, 0.0, "float32", 2.0**23),
    ],
)
def test_error(candidate, high, low, dtype, error):
    assert error_in_ulp(candidate, high, low, dtype) == error


def test_a_value_that_does_not_exist_is_not_judged():
    assert math.isnan(error_in_ulp(1.0, math.nan, 0.0, "float64"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ordered_counts_the_representable_numbers(dtype):
    kind = np.dtype(dtype).type
    values = np.array([-np.inf, -1.0, -0.0, 0.0, 1e-40, 1.0, 3.5, np.inf], dtype=kind)
    counts = ordered(values)
    assert np.all(np.diff(counts) >= 0)
    assert counts[2] == counts[3] == 0
    assert np.array_equal(from_ordered(counts, dtype), values)
    near = neighbours(0.0, dtype, 1)
    assert near[2] == np.nextafter(kind(0), kind(1)) == -near[0]
