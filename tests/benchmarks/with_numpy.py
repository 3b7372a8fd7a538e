"""NumPy: loss, d_x and value_and_grad beside the formulas as one would type them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

Work = Callable[[], object]
Formula = Callable[..., np.ndarray]
SMALL = 10


def _huber_loss(x: np.ndarray, d: float) -> np.ndarray:
    return np.where(np.abs(x) <= d, x**2 / 2, d * (np.abs(x) - d / 2))


def _huber_slope(x: np.ndarray, d: float) -> np.ndarray:
    return np.where(np.abs(x) <= d, x, d * np.sign(x))


def _barron_loss(x: np.ndarray, alpha: float, c: float) -> np.ndarray:
    b = abs(alpha - 2)
    return b / alpha * (((x / c) ** 2 / b + 1) ** (alpha / 2) - 1)


def _barron_slope(x: np.ndarray, alpha: float, c: float) -> np.ndarray:
    return x / c**2 * ((x / c) ** 2 / abs(alpha - 2) + 1) ** (alpha / 2 - 1)


# the parameters, the loss and its derivative in x
TYPED: dict[str, tuple[tuple[float, ...], Formula, Formula]] = {
    "quadratic": ((1.25,), lambda x, c: (x / c) ** 2 / 2, lambda x, c: x / c**2),
    "absolute": ((1.25,), lambda x, c: np.abs(x) / c, lambda x, c: np.sign(x) / c),
    "huber": ((1.25,), _huber_loss, _huber_slope),
    "smooth_l1": (
        (1.25,),
        lambda x, b: np.where(np.abs(x) <= b, x**2 / (2 * b), np.abs(x) - b / 2),
        lambda x, b: np.where(np.abs(x) <= b, x / b, np.sign(x)),
    ),
    "charbonnier": (
        (1.25,),
        lambda x, c: np.sqrt(1 + (x / c) ** 2) - 1,
        lambda x, c: x / c**2 / np.sqrt(1 + (x / c) ** 2),
    ),
    "cauchy": (
        (1.25,),
        lambda x, c: np.log(1 + (x / c) ** 2 / 2),
        lambda x, c: 2 * x / (x**2 + 2 * c**2),
    ),
    "geman_mcclure": (
        (1.25,),
        lambda x, c: 2 * (x / c) ** 2 / ((x / c) ** 2 + 4),
        lambda x, c: 16 * x / c**2 / ((x / c) ** 2 + 4) ** 2,
    ),
    "welsch": (
        (1.25,),
        lambda x, c: 1 - np.exp(-((x / c) ** 2) / 2),
        lambda x, c: x / c**2 * np.exp(-((x / c) ** 2) / 2),
    ),
    "student_t": (
        (3.0, 1.25),
        lambda x, n, c: (n + 1) / 2 * np.log(1 + (x / c) ** 2 / n),
        lambda x, n, c: (n + 1) * x / (n * c**2 + x**2),
    ),
    "barron": ((0.5, 1.25), _barron_loss, _barron_slope),
}


# Of a few operations of arithmetic; the typed formulas of the others call functions, or divide.
POLYNOMIAL = ("quadratic", "absolute", "huber", "smooth_l1")


def _both(loss: Formula, slope: Formula, x: np.ndarray, *parameters: float) -> object:
    return loss(x, *parameters), slope(x, *parameters)


def goal(name: str, dtype: type, size: int) -> str:
    """What a row has to keep: a column of the table, and the most that may stand there."""
    if size == SMALL:
        return "typed 2.50"
    if dtype is np.float32:
        return "float64 1.50"
    return "typed 1.00" if name in POLYNOMIAL else "both 0.77"


def numpy_rows(
    size: int, timed: Callable[[Mapping[str, Work]], dict[str, list[float]]]
) -> Iterator[tuple[str, dict[str, list[float]], str]]:
    """typed: the same quantity; both: the typed value and gradient; float64: ours, in float64."""
    for dtype in (np.float64, np.float32):
        for many in (SMALL, size):
            wide = 3 * np.random.default_rng(0).standard_normal(many)
            x = wide.astype(dtype)
            for name, (parameters, loss, slope) in TYPED.items():
                module = importlib.import_module(f"generated.for_numpy.{name}")
                both = partial(_both, loss, slope)
                formulas: dict[str, Callable[..., object]] = {
                    "loss": loss,
                    "d_x": slope,
                    "value_and_grad": both,
                }
                for quantity, typed in formulas.items():
                    ours = getattr(module, quantity)
                    contenders: dict[str, Work] = {
                        "generated": partial(ours, x, *parameters),
                        "typed": partial(typed, x, *parameters),
                        "both": partial(both, x, *parameters),
                    }
                    if dtype is np.float32:
                        contenders["float64"] = partial(ours, wide, *parameters)
                    label = f"{name}.{quantity} {dtype.__name__} {many:,}"
                    yield label, timed(contenders), goal(name, dtype, many)
