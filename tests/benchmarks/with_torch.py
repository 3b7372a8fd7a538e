"""PyTorch: the generated losses, torch.nn.functional, and the formulas as one would type them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping

import torch
from torch.nn import functional

Work = Callable[[], object]
Elementwise = Callable[[torch.Tensor], torch.Tensor]


def _typed_barron(x: torch.Tensor) -> torch.Tensor:
    alpha = 0.5
    b = abs(alpha - 2)
    return b / alpha * ((x**2 / b + 1) ** (alpha / 2) - 1)


def _typed_huber(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x.abs() <= 1, 0.5 * x**2, x.abs() - 0.5)


# Loss, parameters -> the formula as typed, and torch's own where there is one.
LOSSES: dict[str, tuple[Mapping[str, float], Elementwise, Elementwise | None]] = {
    "quadratic": (
        {},
        lambda x: 0.5 * x**2,
        lambda x: 0.5 * functional.mse_loss(x, _zero(x), reduction="none"),
    ),
    "absolute": ({}, torch.abs, lambda x: functional.l1_loss(x, _zero(x), reduction="none")),
    "huber": ({}, _typed_huber, lambda x: functional.huber_loss(x, _zero(x), reduction="none")),
    "smooth_l1": (
        {},
        _typed_huber,
        lambda x: functional.smooth_l1_loss(x, _zero(x), reduction="none"),
    ),
    "charbonnier": ({}, lambda x: torch.sqrt(1 + x**2) - 1, None),
    "cauchy": ({}, lambda x: torch.log(1 + x**2 / 2), None),
    "geman_mcclure": ({}, lambda x: 2 * x**2 / (x**2 + 4), None),
    "welsch": ({}, lambda x: 1 - torch.exp(-(x**2) / 2), None),
    "barron": ({"alpha": 0.5}, _typed_barron, None),
}
_ZEROS: dict[tuple[torch.dtype, int], torch.Tensor] = {}


def _zero(x: torch.Tensor) -> torch.Tensor:
    """The target that torch's losses ask for, made once."""
    key = (x.dtype, x.numel())
    if key not in _ZEROS:
        _ZEROS[key] = torch.zeros_like(x, requires_grad=False)
    return _ZEROS[key]


def _training(loss: Elementwise, x: torch.Tensor) -> Work:
    """The loss of every element and its gradient in x, as in a training step."""
    seed = torch.ones_like(x)

    def step() -> None:
        x.grad = None
        loss(x).backward(seed)

    return step


def torch_rows(
    sizes: tuple[int, ...],
    compiled: bool,
    timed: Callable[[Mapping[str, Work]], dict[str, list[float]]],
) -> Iterator[tuple[str, dict[str, list[float]]]]:
    torch.set_num_threads(1)
    for dtype in (torch.float32, torch.float64):
        for size in sizes:
            generator = torch.Generator().manual_seed(0)
            start = 3 * torch.randn(size, dtype=dtype, generator=generator)
            for name, (parameters, typed, own) in LOSSES.items():
                module = importlib.import_module(f"generated.for_torch.{name}")

                def ours(x, function=module.loss, values=parameters):
                    return function(x, **values)

                rivals = {"generated": ours, "typed": typed} | ({"torch.nn": own} if own else {})
                torch.compiler.reset()
                contenders = {
                    who: _training(
                        torch.compile(rival, fullgraph=True) if compiled else rival,
                        start.clone().requires_grad_(),
                    )
                    for who, rival in rivals.items()
                }
                contenders["copies"] = lambda start=start: (start.clone(), start.clone())
                label = f"{name} {str(dtype).removeprefix('torch.')} {size:.0e}"
                yield label.replace("e+0", "e"), timed(contenders)
