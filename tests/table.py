"""One table for all tests of generated files: losses, parameters, targets, dtypes.

The definitions here were typed from the papers and are evaluated by mpmath; nothing of the
generator is used, so that a test cannot believe what it should check.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from mpmath import mp

INF, NAN = math.inf, math.nan


def _square(x: Any, scale: Any) -> Any:
    return (x / scale) ** 2


def barron(x: Any, alpha: Any, scale: Any) -> Any:
    s = _square(x, scale)
    if alpha == 2:
        return s / 2
    if alpha == 0:
        return mp.log1p(s / 2)
    if alpha == mp.inf:
        return mp.expm1(s / 2)
    if alpha == -mp.inf:
        return -mp.expm1(-s / 2)
    b = abs(alpha - 2)
    return b / alpha * ((1 + s / b) ** (alpha / 2) - 1)


def _huber(x: Any, delta: Any) -> Any:
    return x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2)


def _smooth_l1(x: Any, beta: Any) -> Any:
    return x * x / (2 * beta) if abs(x) <= beta else abs(x) - beta / 2


def _student_t(x: Any, df: Any, scale: Any) -> Any:
    s = _square(x, scale)
    return s / 2 if df == mp.inf else (df + 1) / 2 * mp.log1p(s / df)


DEFINITIONS: dict[str, Callable[..., Any]] = {
    "quadratic": lambda x, scale: _square(x, scale) / 2,
    "absolute": lambda x, scale: abs(x) / scale,
    "huber": _huber,
    "smooth_l1": _smooth_l1,
    "barron": barron,
    "charbonnier": lambda x, scale: mp.sqrt(1 + _square(x, scale)) - 1,
    "cauchy": lambda x, scale: mp.log1p(_square(x, scale) / 2),
    "geman_mcclure": lambda x, scale: 2 * _square(x, scale) / (_square(x, scale) + 4),
    "welsch": lambda x, scale: -mp.expm1(-_square(x, scale) / 2),
    "student_t": _student_t,
}
LOSSES = tuple(DEFINITIONS)
PARAMETERS = {
    name: ("alpha", "scale")
    if name == "barron"
    else ("delta",)
    if name == "huber"
    else ("beta",)
    if name == "smooth_l1"
    else ("df", "scale")
    if name == "student_t"
    else ("scale",)
    for name in LOSSES
}
TARGETS = ("numpy", "torch")
DTYPES = ("float64", "float32", "float16")
CLASSES = {name: "".join(p.capitalize() for p in name.split("_")) + "Loss" for name in LOSSES}
CLASSES["smooth_l1"] = "SmoothL1Loss"
# Where the loss has a kink: mpmath cannot differentiate there.
KINKS = {"absolute": (0.0,), "huber": ("delta",), "smooth_l1": ("beta",)}

ABOVE_TWO, BELOW_TWO = math.nextafter(2.0, 3.0), math.nextafter(2.0, 1.0)
_ALPHAS = (
    2.0, 1.0, 0.0, -2.0, -INF, INF, ABOVE_TWO, BELOW_TWO, 1e-8, -1e-8, 0.5, 1.75, 2.25, 3.5, -7.25,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A loss at some parameter values."""

    loss: str
    values: tuple[float, ...]

    @property
    def parameters(self) -> dict[str, float]:
        return dict(zip(PARAMETERS[self.loss], self.values, strict=True))

    @property
    def id(self) -> str:
        return "-".join([self.loss, *(f"{k}={v!r}" for k, v in self.parameters.items())])

    def __str__(self) -> str:
        return self.id


def _cases() -> tuple[Case, ...]:
    found = []
    for name in LOSSES:
        if name == "barron":
            scales = (1.0, 2.5, 0.75)
            found += [Case(name, (a, scales[i % 3])) for i, a in enumerate(_ALPHAS)]
        elif name == "student_t":
            shapes = (1.0, 2.5, 0.125, 4.0, 0.001, 1e9, INF)
            found += [Case(name, (df, (1.0, 2.5, 0.75)[i % 3])) for i, df in enumerate(shapes)]
        else:
            found += [Case(name, (v,)) for v in (1.0, 2.5, 0.125)]
    return tuple(found)


CASES = _cases()
# One of each: for tests of what does not depend on the parameters' values.
PLAIN = tuple(Case(n, (1.25, 2.5)[: len(PARAMETERS[n])]) for n in LOSSES)


def quantities(loss: str) -> tuple[str, ...]:
    """Every function of the residual in a file."""
    names = ("x", *PARAMETERS[loss])
    second = [
        f"d2_{a}" if a == b else f"d2_{a}_{b}" for i, a in enumerate(names) for b in names[i:]
    ]
    return ("loss", *(f"d_{v}" for v in names), *second, "weight")


@cache
class Files:
    """The file of a loss and that of its density, as one."""

    def __init__(self, package: str, loss: str) -> None:
        self.loss_file = importlib.import_module(f"{package}.{loss}")
        self.density_file = importlib.import_module(f"{package}.densities.{loss}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        offered = hasattr(self.loss_file, name)
        return getattr(self.loss_file if offered else self.density_file, name)


@cache
def generated(target: str, loss: str) -> Any:
    """The files of the checkout."""
    return Files(f"generated.for_{target}", loss)


def array(target: str, values: Any, dtype: str = "float64") -> Any:
    """An array of the target's own kind."""
    if target == "torch":
        return torch.as_tensor(np.asarray(values, dtype=np.float64)).to(getattr(torch, dtype))
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(dtype)


def numbers(result: Any) -> np.ndarray:
    """Any result as float64 in NumPy."""
    if isinstance(result, torch.Tensor):
        return result.detach().to(torch.float64).numpy(force=True)
    return np.asarray(result, dtype=np.float64)


def call(target: str, case: Case, quantity: str, x: Any, dtype: str = "float64") -> np.ndarray:
    function = getattr(generated(target, case.loss), quantity)
    return numbers(function(array(target, x, dtype), **case.parameters))


def _orders(loss: str, quantity: str) -> tuple[int, ...]:
    names = ("x", *PARAMETERS[loss])
    if quantity in ("loss", "weight"):
        return tuple(int(quantity == "weight" and n == "x") for n in names)
    kind, _, rest = quantity.partition("_")
    parts = [rest] if rest in names else rest.split("_")
    times = 2 if kind == "d2" and len(parts) == 1 else 1
    return tuple(times * parts.count(n) for n in names)


@cache
def exact(case: Case, quantity: str, x: float) -> float:
    """The value of a quantity by mpmath, away from kinks; derivatives by differences of the
    definition at hundreds of digits."""
    orders = _orders(case.loss, quantity)
    function = DEFINITIONS[case.loss]
    values = list(case.values)
    if case.loss == "barron" and orders[1]:
        alpha = values[0]
        if alpha in (INF, -INF):
            return 0.0
        if alpha == 2:
            return (0.0 if x == 0 else INF * (math.copysign(1, x) if orders[0] == 1 else 1)) * (
                -1 if orders[2] else 1
            )
        if alpha == 0:
            values[0] = mp.mpf(10) ** -60
    if case.loss == "student_t" and case.values[0] == INF and orders[1]:
        return 0.0
    with mp.workdps(700):
        if quantity == "weight" and x == 0:
            return exact(case, "d2_x", x)
        point = [mp.mpf(v) for v in (x, *values)]
        if abs(values[0]) == INF:
            alpha = point[1]
            rest = (orders[0], orders[2])
            value = _slope(lambda r, c: function(r, alpha, c), (point[0], point[2]), rest)
        else:
            value = _slope(function, tuple(point), orders)
        return float(value / point[0] if quantity == "weight" else value)


def _slope(function: Callable[..., Any], point: tuple[Any, ...], orders: tuple[int, ...]) -> Any:
    """Central differences with a step far below the precision that is asked for."""
    for position, order in enumerate(orders):
        if order:
            rest = tuple(o - (i == position) for i, o in enumerate(orders))
            step = mp.mpf(10) ** -130
            up = (*point[:position], point[position] + step, *point[position + 1 :])
            down = (*point[:position], point[position] - step, *point[position + 1 :])
            return (_slope(function, up, rest) - _slope(function, down, rest)) / (2 * step)
    return function(*point)
