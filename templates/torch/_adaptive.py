"""Losses that adapt themselves: -log density(residual), its parameters learned, in PyTorch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ._density import Density, Parameter
from ._distribution import apart, signature_of

_INF = math.inf


class AdaptiveLoss(torch.nn.Module):
    """The mean of -log_density(residual), its parameters learned from the residuals.

    Every channel (entry along `channel_dim`) has its own parameters, or all share one (share_…).
    A parameter that is learned stays between its bounds (…_bounds), through a sigmoid, or above its
    floor (…_floor), through a softplus; one that is not (learn_…=False) stays at its first value.
    dimension: the residuals are vectors of so many numbers along the last axis, and the density is
    that of their norm; `channel_dim` counts the axes before it. reduction: "mean", "sum", "none".
    """

    law: ClassVar[Density]
    signature: ClassVar[inspect.Signature]
    channel_dim, dimension, reduction = -1, None, "mean"

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        taken = ("num_channels", "device", "dtype", "training")
        cls.own = {apart(n, AdaptiveLoss, taken): p for n, p in cls.law.parameters.items()}
        options: dict[str, Any] = {"num_channels": 1, "channel_dim": -1, "dimension": None}
        for name, p in cls.own.items():
            options |= {name: None, f"learn_{name}": True, f"share_{name}": False}
            low, high = p.learned
            if high < _INF:
                options[f"{name}_bounds"] = p.learned
            elif low > -_INF:
                options[f"{name}_floor"] = low
            setattr(cls, name, property(lambda self, name=name: self.value(name)))
        cls.signature = signature_of(
            {**options, "reduction": "mean", "device": None, "dtype": None}
        )

    own: ClassVar[dict[str, Parameter]]

    def __init__(self, num_channels: int = 1, **options: Any) -> None:
        super().__init__()
        bound = self.signature.bind(num_channels, **options)
        bound.apply_defaults()
        given = bound.arguments
        if num_channels < 1:
            raise ValueError(f"num_channels must be >= 1, got {num_channels}")
        if given["reduction"] not in ("mean", "sum", "none"):
            told = f"got {given['reduction']!r}"
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', {told}")
        self.num_channels, self.channel_dim = num_channels, given["channel_dim"]
        self.dimension, self.reduction = given["dimension"], given["reduction"]
        kind = {"device": given["device"], "dtype": given["dtype"] or torch.get_default_dtype()}
        self.first: dict[str, tuple[list[float], tuple[float, float]]] = {}
        for name, p in self.own.items():
            low, high = given.get(
                f"{name}_bounds", (given.get(f"{name}_floor", p.learned[0]), _INF)
            )
            size = 1 if given[f"share_{name}"] else num_channels
            values = _numbers(p.default if given[name] is None else given[name])
            if given[name] is None and not low < p.default < high:
                values = [(low + high) / 2 if high < _INF else low + 1.0]
            if len(values) not in (1, size):
                raise ValueError(f"{name} must hold 1 or {size} numbers, got {len(values)}")
            self.first[name] = values * (size // len(values)), (low, high)
            if given[f"learn_{name}"]:
                self._check_range(name, p, low, high, values)
                setattr(self, f"latent_{name}", torch.nn.Parameter(torch.empty(size, **kind)))
                self.register_buffer(f"range_{name}", torch.empty(2, **kind))
            else:
                self.register_buffer(f"fixed_{name}", torch.empty(size, **kind))
        for k in range(num_channels):
            at = [values[k % len(values)] for values, _ in self.first.values()]
            self.law.checked(at, {})
            if self.dimension is not None:
                self.law.log_partition_norm(self.dimension, *at)
        self.reset_parameters()

    @staticmethod
    def _check_range(name: str, p: Parameter, low: float, high: float, values: list[float]) -> None:
        two, edge = (
            p.learned[1] < _INF,
            torch.tensor([low, high], dtype=torch.float64, device="cpu"),
        )
        inside = [bool(b) for b in p.domain.check(edge)] if p.learned[0] > -_INF else [True, True]
        word = f"{name}_bounds" if two else f"{name}_floor"
        if not (inside[0] and low < high) or (two and not (inside[1] and high < _INF)):
            got = (low, high) if two else low
            raise ValueError(f"{word} must lie in the domain of {name}, {p.domain}, got {got}")
        if not all(low < v < high for v in values):
            where = f"inside the bounds {low, high}" if two else f"> {word} = {low} and finite"
            raise ValueError(f"{name} must be {where}, got {values}")

    def reset_parameters(self) -> None:
        """The first values again; also after construction on the meta device."""
        for name, (values, (low, high)) in self.first.items():
            made = [(f"fixed_{name}", values)]
            if hasattr(self, f"latent_{name}"):
                latent = [_unbounded(v, low, high) for v in values]
                made = [(f"latent_{name}", latent), (f"range_{name}", [low, high])]
            with torch.no_grad():
                for place, numbers in made:
                    tensor = getattr(self, place)
                    tensor.copy_(torch.tensor(numbers, dtype=tensor.dtype, device=tensor.device))

    def value(self, name: str) -> Tensor:
        """The present value of a parameter: one a channel, or one for all."""
        if hasattr(self, f"fixed_{name}"):
            fixed: Tensor = getattr(self, f"fixed_{name}")
            return fixed
        latent: Tensor = getattr(self, f"latent_{name}")
        low, high = getattr(self, f"range_{name}")
        if self.own[name].learned[1] < _INF:
            return low + (high - low) * torch.sigmoid(latent)
        return latent if self.own[name].learned[0] == -_INF else low + softplus(latent)

    def forward(self, residual: Tensor) -> Tensor:
        law, size = self.law, self.dimension
        if size is not None and residual.shape[-1:] != (size,):
            told = f"got shape {tuple(residual.shape)}"
            raise ValueError(f"residual must hold vectors of {size} numbers, {told}")
        places = residual if size is None else residual[..., 0]
        values = [self._along(name, places) for name in self.own]
        density = law.log_density if size is None else law.log_density_norm
        found = -density(residual, *values)
        return found if self.reduction == "none" else getattr(found, self.reduction)()

    def _along(self, name: str, places: Tensor) -> Tensor:
        """The value of a parameter in a shape that broadcasts with the residuals."""
        value, dim = self.value(name), self.channel_dim
        if value.numel() == 1:
            return value.reshape(())
        if not -places.dim() <= dim < places.dim() or places.shape[dim] != value.numel():
            told = f"{value.numel()} channels along dim {dim}, got shape {tuple(places.shape)}"
            raise ValueError(f"residual must have {told}")
        shape = [1] * places.dim()
        shape[dim] = value.numel()
        return value.reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.num_channels}, channel_dim={self.channel_dim}, reduction={self.reduction!r}"


def _numbers(value: Any) -> list[float]:
    """Numbers, or a tensor of them, as a list."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().flatten().tolist()
    return [float(v) for v in value] if isinstance(value, Sequence) else [float(value)]


def _unbounded(value: float, low: float, high: float) -> float:
    """The latent value: by logit between two bounds, by the inverse of softplus above a floor."""
    if high < _INF:
        return math.log((value - low) / (high - value))
    return value if low == -_INF else value - low + math.log(-math.expm1(low - value))
