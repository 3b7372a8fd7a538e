"""NumPy: value_and_grad beside the formulas of value and gradient as one would type them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

Work = Callable[[], object]
Pair = tuple[np.ndarray, np.ndarray]


def _quadratic(x: np.ndarray) -> Pair:
    return x**2 / 2, x


def _absolute(x: np.ndarray) -> Pair:
    return np.abs(x), np.sign(x)


def _huber(x: np.ndarray) -> Pair:
    near = np.abs(x) <= 1
    return np.where(near, x**2 / 2, np.abs(x) - 0.5), np.where(near, x, np.sign(x))


def _charbonnier(x: np.ndarray) -> Pair:
    root = np.sqrt(1 + x**2)
    return root - 1, x / root


def _cauchy(x: np.ndarray) -> Pair:
    return np.log(1 + x**2 / 2), 2 * x / (x**2 + 2)


def _geman_mcclure(x: np.ndarray) -> Pair:
    return 2 * x**2 / (x**2 + 4), 16 * x / (x**2 + 4) ** 2


def _welsch(x: np.ndarray) -> Pair:
    decay = np.exp(-(x**2) / 2)
    return 1 - decay, x * decay


def _barron(x: np.ndarray) -> Pair:
    alpha, b = 0.5, 1.5
    base = x**2 / b + 1
    return b / alpha * (base ** (alpha / 2) - 1), x * base ** (alpha / 2 - 1)


def _copies(x: np.ndarray) -> Pair:
    return x.copy(), x.copy()


TYPED: dict[str, tuple[Mapping[str, float], Callable[[np.ndarray], Pair]]] = {
    "quadratic": ({}, _quadratic),
    "absolute": ({}, _absolute),
    "huber": ({}, _huber),
    "smooth_l1": ({}, _huber),
    "charbonnier": ({}, _charbonnier),
    "cauchy": ({}, _cauchy),
    "geman_mcclure": ({}, _geman_mcclure),
    "welsch": ({}, _welsch),
    "barron": ({"alpha": 0.5}, _barron),
}


def numpy_rows(
    sizes: tuple[int, ...], timed: Callable[[Mapping[str, Work]], dict[str, list[float]]]
) -> Iterator[tuple[str, dict[str, list[float]]]]:
    for dtype in (np.float32, np.float64):
        for size in sizes:
            x = (3 * np.random.default_rng(0).standard_normal(size)).astype(dtype)
            for name, (parameters, typed) in TYPED.items():
                module = importlib.import_module(f"generated.for_numpy.{name}")
                contenders: dict[str, Work] = {
                    "generated": partial(module.value_and_grad, x, **parameters),
                    "typed": partial(typed, x),
                    "copies": partial(_copies, x),
                }
                label = f"{name} {np.dtype(dtype).name} {size:.0e}"
                yield label.replace("e+0", "e"), timed(contenders)
