"""PyTorch: forward and backward of the mean over input and target, beside what one would use.

For the losses that torch has, torch.nn.functional; for Barron's, the formula of its reference
implementation, written anew; for the others the formula as one types it. "learned" has tensor
parameters that ask for gradients. The rival of a compiled row is compiled too, but for torch's
own, whose fused kernels are measured as they are.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Work = Callable[[], object]


def _safe(value: Any, least: float) -> Any:
    """A parameter kept away from 0, its sign kept."""
    return torch.where(value >= 0, 1.0, -1.0) * torch.clamp(torch.abs(value), min=least)


def reference(x: torch.Tensor, alpha: Any, scale: Any) -> torch.Tensor:
    """Barron's loss with every special case evaluated and chosen element by element."""
    least = torch.finfo(torch.float32).eps
    square = (x / scale) ** 2
    b = torch.clamp(torch.abs(alpha - 2), min=least)
    usual = b / _safe(alpha, least) * ((square / b + 1) ** (0.5 * alpha) - 1)
    special = {
        2.0: 0.5 * square,
        0.0: torch.log1p(torch.clamp(0.5 * square, max=33e37)),
        -math.inf: -torch.expm1(-0.5 * square),
        math.inf: torch.expm1(torch.clamp(0.5 * square, max=87.5)),
    }
    for value, limit in special.items():
        usual = torch.where(alpha == value, limit, usual)
    return usual


def _typed_huber(x: torch.Tensor, d: Any) -> torch.Tensor:
    return torch.where(x.abs() <= d, 0.5 * x**2, d * (x.abs() - 0.5 * d))


CLASSES = ((4096, 10), (4096, 1000))


@dataclass(frozen=True)
class Contest:
    """own: torch's, of (input, target, **parameters); typed: of the residual and parameters."""

    values: tuple[float, ...]
    typed: Callable[..., torch.Tensor]
    own: Callable[..., torch.Tensor] | None = None


CONTESTS = {
    "quadratic": Contest((1.0,), lambda x, c: 0.5 * (x / c) ** 2, functional.mse_loss),
    "absolute": Contest((1.0,), lambda x, c: torch.abs(x) / c, functional.l1_loss),
    "huber": Contest((1.0,), _typed_huber, functional.huber_loss),
    "smooth_l1": Contest((1.0,), _typed_huber, functional.smooth_l1_loss),
    "charbonnier": Contest((1.3,), lambda x, c: torch.sqrt((x / c) ** 2 + 1) - 1),
    "cauchy": Contest((1.3,), lambda x, c: torch.log(0.5 * (x / c) ** 2 + 1)),
    "geman_mcclure": Contest((1.3,), lambda x, c: 2 * (x / c) ** 2 / ((x / c) ** 2 + 4)),
    "welsch": Contest((1.3,), lambda x, c: 1 - torch.exp(-0.5 * (x / c) ** 2)),
    "student_t": Contest((3.0, 1.3), lambda x, n, c: (n + 1) / 2 * torch.log((x / c) ** 2 / n + 1)),
    "barron": Contest((0.5, 1.3), reference),
}


def _step(work: Callable[[], torch.Tensor], leaves: list[torch.Tensor]) -> Work:
    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        work().backward()

    return step


def _contenders(name: str, size: int, learned: bool, compiled: bool) -> dict[str, Work]:
    contest = CONTESTS[name]
    generator = torch.Generator().manual_seed(0)
    x = (3 * torch.randn(size, generator=generator)).requires_grad_()
    y = torch.randn(size, generator=generator)
    parameters: list[Any] = list(contest.values)
    if learned:
        parameters = [torch.nn.Parameter(torch.tensor(v)) for v in parameters]
    file = importlib.import_module(f"generated.for_torch.{name}")
    kind = next(n for n in file.__all__ if n.endswith("Loss"))
    module = getattr(file, kind)(*parameters)
    tensors = parameters if learned else [torch.tensor(v) for v in parameters]
    given = tensors if name == "barron" else parameters

    def typed(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return contest.typed(a - b, *given).mean()

    leaves = [x, *(p for p in parameters if learned)]
    works = {"generated": module, "typed": typed}
    if compiled:
        torch.compiler.reset()
        works = {who: torch.compile(work, fullgraph=True) for who, work in works.items()}
    if contest.own is not None:
        works["torch.nn"] = contest.own
    steps = {
        who: _step(lambda work=work: work(x, y), leaves)  # type: ignore[misc]
        for who, work in works.items()
    }
    start = x.detach()
    steps["copies"] = lambda: (start.clone(), start.clone())
    return steps


def torch_rows(
    sizes: tuple[int, ...],
    compiled: bool,
    timed: Callable[[Mapping[str, Work]], dict[str, list[float]]],
) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """float32, one thread."""
    torch.set_num_threads(1)
    for size in sizes:
        for name, contest in CONTESTS.items():
            for learned in (False, True) if contest.own is None else (False,):
                label = f"{name}{', learned' if learned else ''} {size:,}"
                yield label, timed(_contenders(name, size, learned, compiled))
        for shape in CLASSES if size == max(sizes) else ():
            label = f"softmax_cross_entropy {shape}"
            yield label, timed(_over_classes(shape, compiled))


def _over_classes(shape: tuple[int, int], compiled: bool) -> dict[str, Work]:
    """Cross-entropy of logits and classes; torch's own is the rival, eager as it stands."""
    file = importlib.import_module("generated.for_torch.softmax_cross_entropy")
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(shape, generator=generator).requires_grad_()
    t = torch.randint(0, shape[1], shape[:1], generator=generator)
    module = file.SoftmaxCrossEntropyLoss()
    if compiled:
        torch.compiler.reset()
        module = torch.compile(module, fullgraph=True)
    start = z.detach()
    return {
        "generated": _step(lambda: module(z, t), [z]),
        "torch.nn": _step(lambda: functional.cross_entropy(z, t), [z]),
        "copies": lambda: (start.clone(), start.clone()),
    }
