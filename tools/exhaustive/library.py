"""The arithmetic of an exhaustive run: NumPy, or PyTorch on a device; the same few operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from derive.errors import BadInput
from tools.exhaustive.task import Task

MASK = 0x7FF0000000000000  # the exponent of a float64: a power of two
SMALLEST, LARGEST = 2.0**-126, 2.0**127

Array = Any


class Arrays:
    """NumPy on this processor."""

    def residuals(self, first: int, count: int) -> Array:
        """float32 numbers with consecutive bit patterns."""
        bits = np.arange(first, first + count, dtype=np.uint64).astype(np.uint32)
        return bits.view(np.float32)

    def call(self, function: Callable[..., Any], x: Array, numbers: Sequence[float]) -> Array:
        return np.asarray(function(x, *numbers))

    def wide(self, values: Array) -> Array:
        with np.errstate(invalid="ignore"):  # signalling NaN
            return values.astype(np.float64)

    def empty(self, count: int) -> Array:
        return np.full(count, np.nan)

    def units(self, values: Array) -> Array:
        """One unit in the last place of float32 at each value, without the factor 2^-23."""
        power = (np.abs(values).view(np.int64) & MASK).view(np.float64)
        return np.clip(power, SMALLEST, LARGEST)

    def size(self, values: Array) -> Array:
        return np.abs(values)

    def same(self, values: Array, one: Array, other: Array) -> Array:
        """values, but 0 where one equals other (infinities too)."""
        return np.where(one == other, 0.0, values)

    def where(self, condition: Array) -> Any:
        """Indices, as a NumPy array."""
        return np.flatnonzero(condition)

    def finite(self, values: Array) -> Array:
        return np.isfinite(values)

    def numpy(self, values: Array) -> Any:
        return values

    def put(self, values: Array, at: Any, new: Any) -> None:
        values[at] = new


class Tensors:
    """PyTorch on a device."""

    def __init__(self, device: str) -> None:
        self.torch = import_module("torch")
        if device == "cpu":
            self.torch.set_num_threads(1)
        self.device = device

    def residuals(self, first: int, count: int) -> Array:
        bits = self.torch.arange(first, first + count, dtype=self.torch.int64, device=self.device)
        return bits.to(self.torch.int32).view(self.torch.float32)

    def call(self, function: Callable[..., Any], x: Array, numbers: Sequence[float]) -> Array:
        with self.torch.no_grad():
            return function(x, *numbers)

    def wide(self, values: Array) -> Array:
        return values.to(self.torch.float64)

    def empty(self, count: int) -> Array:
        kind = self.torch.float64
        return self.torch.full((count,), float("nan"), dtype=kind, device=self.device)

    def units(self, values: Array) -> Array:
        power = (values.abs().view(self.torch.int64) & MASK).view(self.torch.float64)
        return power.clamp_(SMALLEST, LARGEST)

    def size(self, values: Array) -> Array:
        return values.abs()

    def same(self, values: Array, one: Array, other: Array) -> Array:
        return self.torch.where(one == other, 0.0, values)

    def where(self, condition: Array) -> Any:
        return self.torch.nonzero(condition).flatten().cpu().numpy()

    def finite(self, values: Array) -> Array:
        return self.torch.isfinite(values)

    def numpy(self, values: Array) -> Any:
        return values.cpu().numpy()

    def put(self, values: Array, at: Any, new: Any) -> None:
        index = self.torch.from_numpy(at).to(self.device)
        values[index] = self.torch.from_numpy(new).to(self.device)


def library(task: Task) -> Arrays | Tensors:
    return Arrays() if task.target == "numpy" else Tensors(task.device)


def load_file(path: Path) -> Any:
    """The module at a path."""
    spec = spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: not a Python file")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
