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
from ._quadrature import Function

_INF = math.inf
# Channels of so many elements are worth a pass of their own over the memory.
_WORTH = 4096


class AdaptiveLoss(torch.nn.Module):
    """The mean of -log_density(residual), its parameters learned from the residuals.

    Every channel (entry along `channel_dim`) has its own parameters, or all share one (share_...).
    A parameter that is learned stays between its bounds (..._bounds), through a sigmoid, or above
    its floor (..._floor), through a softplus; one that is not (learn_...=False) stays at its first
    value. Parameters are tensors and not checked again: nothing waits for a device.

    Args:
        num_channels: how many channels there are.
        channel_dim: along which axis of the residuals they lie.
        dimension: the residuals are vectors of so many numbers along the last axis, and the density
            is that of their norm; `channel_dim` counts the axes before it.
        reduction: "mean", "sum" or "none".
    Shape: residuals of any shape with `num_channels` along `channel_dim`; a scalar, or that shape.
    Examples:
        Give the parameters to the optimizer, too: they are learned like the model's.

        >>> criterion = AdaptiveNameLoss(5)  # of the density's name
        >>> optimizer = torch.optim.Adam([*model.parameters(), *criterion.parameters()])
        >>> criterion(model(input) - target).backward()
    """

    law: ClassVar[Density]
    total: ClassVar[tuple[Function, Function] | None] = None
    parameters_of: ClassVar[dict[str, Parameter]]
    signature: ClassVar[inspect.Signature]
    channel_dim: int = -1
    dimension: int | None = None
    reduction: str = "mean"

    def __init_subclass__(
        cls, law: Density | None = None, total: tuple[Function, Function] | None = None, **more: Any
    ) -> None:
        super().__init_subclass__(**more)
        if law is None:
            return
        cls.law, cls.total = law, total
        taken = ("num_channels", "device", "dtype", "training")
        cls.parameters_of = {apart(n, AdaptiveLoss, taken): p for n, p in law.parameters.items()}
        options: dict[str, Any] = {"num_channels": 1, "channel_dim": -1, "dimension": None}
        for name, p in cls.parameters_of.items():
            options |= {name: None, f"learn_{name}": True, f"share_{name}": False}
            if _kind(p) != "free":
                options[f"{name}_{_kind(p)}"] = {
                    "bounds": p.learned, "floor": p.learned[0], "ceiling": p.learned[1]
                }[_kind(p)]  # fmt: skip
            setattr(cls, name, _value_of(name))
        cls.signature = signature_of(
            {**options, "reduction": "mean", "device": None, "dtype": None}
        )

    def __init__(self, num_channels: int = 1, **options: Any) -> None:
        super().__init__()
        bound = self.signature.bind(num_channels, **options)
        bound.apply_defaults()
        given, reduction = bound.arguments, bound.arguments["reduction"]
        if num_channels < 1:
            raise ValueError(f"num_channels must be >= 1, got {num_channels}")
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.num_channels, self.reduction = num_channels, reduction
        self.channel_dim, self.dimension = given["channel_dim"], given["dimension"]
        if self.dimension is not None and not self.law.even:
            raise ValueError(f"dimension: the density of {self.law.name} is not even")
        kind = {"device": given["device"], "dtype": given["dtype"] or torch.get_default_dtype()}
        self.first: dict[str, tuple[list[float], tuple[float, float]]] = {}
        for name, p in self.parameters_of.items():
            learn, size = given[f"learn_{name}"], 1 if given[f"share_{name}"] else num_channels
            low, high = _range(name, p, given)
            values = _numbers(p.default if given[name] is None else given[name])
            if given[name] is None and learn and not low < p.default < high:
                values = [(low + high) / 2 if high - low < _INF else low + 1.0]
            if len(values) not in (1, size):
                raise ValueError(f"{name} must hold 1 or {size} numbers, got {len(values)}")
            if learn and not all(low < v < high for v in values):
                raise ValueError(f"{name} must be {_inside(name, p, low, high)}, got {values}")
            self.first[name] = values * (size // len(values)), (low, high)
            if learn:
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

    def reset_parameters(self) -> None:
        """The first values again; for use after construction on the meta device, too."""
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
        found: Tensor = getattr(self, f"fixed_{name}", None)  # type: ignore[assignment]
        if found is not None:
            return found
        found = getattr(self, f"latent_{name}")
        low, high = getattr(self, f"range_{name}")
        kind = _kind(self.parameters_of[name])
        if kind == "bounds":
            return low + (high - low) * torch.sigmoid(found)
        if kind == "free":
            return found
        return low + softplus(found) if kind == "floor" else high - softplus(found)

    def forward(self, residual: Tensor) -> Tensor:
        size = self.dimension
        if size is not None and residual.shape[-1:] != (size,):
            told = f"{size} numbers along its last axis, got shape {tuple(residual.shape)}"
            raise ValueError(f"residual must hold vectors of {told}")
        places = residual if size is None else residual[..., 0]
        values = [self.value(name) for name in self.parameters_of]
        along = [
            self._along(name, v, places) for name, v in zip(self.parameters_of, values, strict=True)
        ]
        fused = self._fused(residual, values) if size is None and self.reduction != "none" else None
        if fused is not None:
            return fused
        density = self.law.log_density if size is None else self.law.log_density_norm
        found = -density(residual, *along)
        if self.reduction == "none":
            return found
        return found.mean() if self.reduction == "mean" else found.sum()

    def _fused(self, residual: Tensor, values: list[Tensor]) -> Tensor | None:
        """The mean or the sum in one pass over the memory a channel; None where that cannot be."""
        count = max(v.numel() for v in values)
        if self.total is None or residual.numel() < _WORTH * count:
            return None
        fits, total = self.total
        rows = residual.reshape(1, -1)
        if count > 1:
            rows = residual.movedim(self.channel_dim, 0).reshape(count, -1).contiguous()
        parts = []
        for k, row in enumerate(rows.unbind(0)):
            at = [v[k % v.numel()] for v in values]
            if not fits(row, row, *at):
                return None
            zero = row.new_zeros(()).expand(row.shape)
            parts.append(total(row, zero, self.reduction == "mean", *at))
        log_z, losses = self.law.log_partition(*values), torch.stack(parts)
        if self.reduction == "mean":
            return losses.mean() + log_z.mean()
        return losses.sum() + log_z.mean() * residual.numel()

    def _along(self, name: str, value: Tensor, places: Tensor) -> Tensor:
        """The value of a parameter in a shape that broadcasts with the residuals."""
        dim = self.channel_dim
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


def _kind(p: Parameter) -> str:
    """How a parameter is kept in the range in which it is learned."""
    low, high = (math.isfinite(v) for v in p.learned)
    return {(True, True): "bounds", (True, False): "floor", (False, True): "ceiling"}.get(
        (low, high), "free"
    )


def _range(name: str, p: Parameter, given: dict[str, Any]) -> tuple[float, float]:
    """The range that was asked for; ValueError where it is none, or leaves the domain."""
    kind = _kind(p)
    word = f"{name}_{kind}"
    if kind == "free":
        return -_INF, _INF
    asked = given[word]
    low, high = {"bounds": asked, "floor": (asked, _INF), "ceiling": (-_INF, asked)}[kind]
    ends = torch.tensor(
        [v for v in (low, high) if abs(v) < _INF], dtype=torch.float64, device="cpu"
    )
    check: Any = p.domain.check
    finite = len(ends) == (2 if kind == "bounds" else 1)
    if not (finite and low < high and bool(check(ends).all())):
        raise ValueError(f"{word} must lie in the domain of {name}, {p.domain}, got {asked}")
    return low, high


def _inside(name: str, p: Parameter, low: float, high: float) -> str:
    return {
        "bounds": f"inside the bounds {low, high}",
        "floor": f"> {name}_floor = {low} and finite",
        "ceiling": f"< {name}_ceiling = {high} and finite",
        "free": "finite",
    }[_kind(p)]


def _value_of(name: str) -> property:
    def value(self: AdaptiveLoss) -> Tensor:
        return self.value(name)

    return property(value, doc=f"The present {name}: one value a channel, or one for all.")


def _numbers(value: Any) -> list[float]:
    """Numbers, or a tensor of them, as a list."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().flatten().tolist()
    return [float(v) for v in value] if isinstance(value, Sequence) else [float(value)]


def _unbounded(value: float, low: float, high: float) -> float:
    """The latent value: by logit between two bounds, by the inverse of softplus above a floor."""
    if high - low < _INF:
        return math.log((value - low) / (high - value))
    above = value - low if low > -_INF else high - value
    return above + math.log(-math.expm1(-above)) if above < _INF else value
