"""Every function of every file against the definition, typed anew and evaluated by mpmath."""

from __future__ import annotations

import numpy as np
import pytest
from table import (
    CASES,
    KINKS,
    TARGETS,
    Case,
    array,
    call,
    exact,
    generated,
    numbers,
    quantities,
)

X = (-37.0, -5.0, -1.3, -0.7, -0.11, -1e-3, 1e-9, 2e-5, 0.03, 0.45, 1.1, 2.2, 7.0, 19.0)
# beside kappa, which is added below; float32 arithmetic alone in PyTorch
TOLERANCE = {"float64": 2e-14, "float32": 3e-6, "float16": 1e-3}


def _expected(case: Case, quantity: str, x: np.ndarray) -> np.ndarray:
    return np.array([exact(case, quantity, float(v)) for v in x])


def _points(case: Case, dtype: str) -> np.ndarray:
    x = np.array(X).astype(dtype).astype(np.float64)
    kinks = [case.parameters.get(str(k), k) for k in KINKS.get(case.loss, ())]
    return np.array([v for v in x if all(abs(v) != k for k in kinks)])


def _size_of_terms(case: Case, quantity: str, x: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Second derivatives cross zero: there the terms count, whose size the weight gives."""
    if not quantity.startswith("d2_") or not np.all(np.isfinite(expected)):
        return np.abs(expected)
    length = case.values[-1]
    of_lengths = {"d2_x": 0, "d2_x_scale": 1, "d2_scale": 2, "d2_alpha": None}.get(quantity)
    if quantity == "d2_alpha":
        return np.abs(expected) + np.abs(_expected(case, "d_alpha", x))
    if of_lengths is None:
        return np.abs(expected)
    weight = np.abs(_expected(case, "weight", x))
    return np.maximum(np.abs(expected), weight * np.abs(x / length) ** of_lengths)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_quantity_equals_its_definition(case, target, dtype):
    if target == "torch":  # it computes in the dtype of x, to which a parameter is rounded
        case = Case(case.loss, tuple(float(np.dtype(dtype).type(v)) for v in case.values))
    x = _points(case, dtype)
    worst: dict[str, str] = {}
    for quantity in quantities(case.loss):
        expected = _expected(case, quantity, x)
        got = call(target, case, quantity, x, dtype)
        size = _size_of_terms(case, quantity, x, expected)
        # (x/scale)^2 is rounded: an exponential of it moves by so much
        kappa = 1 + (x / case.values[-1]) ** 2 * _grows_exponentially(case)
        bound = TOLERANCE[dtype] * kappa * size + np.finfo(dtype).tiny
        with np.errstate(invalid="ignore", over="ignore"):
            beyond = np.abs(expected) > np.finfo(dtype).max * (1 - 1e-5 * kappa)
            wrong = ~(
                (np.abs(got - expected) <= bound) | (got == expected) | (beyond & np.isinf(got))
            )
        if np.any(wrong):
            k = int(np.argmax(wrong))
            worst[quantity] = f"at x={x[k]!r}: {got[k]!r}, exact {expected[k]!r}"
    assert not worst


def _grows_exponentially(case: Case) -> bool:
    return case.loss == "welsch" or (case.loss == "barron" and np.isinf(case.values[0]))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_grad_are_loss_and_slope_to_the_bit(case, target):
    x = np.array([*X, 0.0, -0.0, 1e-300, 1e200, -np.inf, np.inf, np.nan])
    for dtype in ("float64", "float32"):
        module = generated(target, case.loss)
        value, slope = module.value_and_grad(array(target, x, dtype), **case.parameters)
        np.testing.assert_array_equal(numbers(value), call(target, case, "loss", x, dtype))
        np.testing.assert_array_equal(numbers(slope), call(target, case, "d_x", x, dtype))
