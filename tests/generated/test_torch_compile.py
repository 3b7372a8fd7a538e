"""torch.compile(fullgraph=True) in training: the compiled step equals the eager one."""

from __future__ import annotations

import contextlib
import importlib
import shutil

import pytest
import torch
from table import PLAIN, Case, generated

needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("g++", "clang++", "c++")), reason="no C++ compiler"
)
quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
BY_LOSS = {c.loss: c for c in PLAIN}


def _check(case: Case, tensors: bool, backend: str, dtype=torch.float32) -> None:
    torch._dynamo.reset()
    module = generated("torch", case.loss)

    def fresh():
        x = torch.linspace(-5.0, 6.0, 64, dtype=dtype).requires_grad_()
        if not tensors:
            return x, list(case.values)
        return x, [torch.tensor(v, dtype=dtype, requires_grad=True) for v in case.values]

    def step(x, *arguments):
        return module.loss(x, *arguments).sum()

    compiled = torch.compile(step, fullgraph=True, backend=backend)
    found = []
    for run in (step, compiled):
        x, arguments = fresh()
        value = run(x, *arguments)
        value.backward()
        grads = [x.grad, *(a.grad for a in arguments if isinstance(a, torch.Tensor))]
        found.append((value.detach(), grads))
    (value, grads), (other, others) = found
    torch.testing.assert_close(other, value, rtol=1e-5, atol=1e-6)
    for one, two in zip(grads, others, strict=True):
        torch.testing.assert_close(two, one, rtol=2e-5, atol=1e-6)


SLOW = pytest.mark.slow


@quiet
@pytest.mark.parametrize(
    ("loss", "tensors"),
    [
        pytest.param(
            loss, tensors, id=f"{loss}-{'tensors' if tensors else 'numbers'}",
            # tracing every regime of the exponent takes a while
            marks=[SLOW] if (loss, tensors) == ("barron", True) else [],
        )
        for loss in BY_LOSS
        for tensors in (False, True)
    ],
)  # fmt: skip
def test_the_whole_step_is_one_graph(loss, tensors):
    """Traced in full, forward and backward, without machine code."""
    _check(BY_LOSS[loss], tensors, "aot_eager")


@quiet
@needs_compiler
@pytest.mark.parametrize(("loss", "tensors"), [("huber", True)])
def test_compiled_training(loss, tensors):
    _check(BY_LOSS[loss], tensors, "inductor")


@quiet
@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
@pytest.mark.parametrize("loss", list(BY_LOSS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_compiled_training_of_every_loss(loss, tensors, dtype):
    _check(BY_LOSS[loss], tensors, "inductor", dtype)


@quiet
@pytest.mark.parametrize(
    ("alpha", "tensors"),
    [
        (0.0, False), (float("inf"), False),  # a limit, and one far away
        *(pytest.param(a, False, marks=SLOW) for a in (2.0, float("-inf"))),
        *(pytest.param(a, True, marks=SLOW) for a in (2.0, 0.0, float("inf"), float("-inf"))),
    ],
)  # fmt: skip
def test_special_exponents_in_one_graph(alpha, tensors):
    _check(Case("barron", (alpha, 1.25)), tensors, "aot_eager", torch.float64)


@quiet
def test_a_module_is_compiled_with_what_it_learns():
    torch._dynamo.reset()
    module = generated("torch", "cauchy").CauchyLoss(torch.nn.Parameter(torch.tensor(1.5)))
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    x = torch.linspace(-2, 2, 16)
    eager = module(x, torch.zeros(16))
    torch.testing.assert_close(compiled(x, torch.zeros(16)), eager)
    compiled(x, torch.zeros(16)).backward()
    first = module.scale.grad.clone()
    module.scale.grad = None
    module(x, torch.zeros(16)).backward()
    torch.testing.assert_close(module.scale.grad, first)


@quiet
@pytest.mark.parametrize("loss", ["huber", "cauchy"])
@pytest.mark.parametrize("parameter", ["number", "tensor", "learned, but without gradients"])
def test_a_compiled_evaluation_without_gradients(loss, parameter):
    """Validation, inference: nothing asks for a gradient, and it is still one graph."""
    torch._dynamo.reset()
    module = generated("torch", loss)
    learned = parameter.startswith("learned")
    value = 1.5 if parameter == "number" else torch.tensor(1.5, requires_grad=learned)
    x = torch.linspace(-2, 2, 16)
    with torch.no_grad() if learned else contextlib.nullcontext():
        for name in ("loss", "d_x", "d2_x", "weight", "value_and_grad"):
            f = getattr(module, name)
            compiled = torch.compile(
                lambda v, f=f: f(v, value), fullgraph=True, backend="aot_eager"
            )
            torch.testing.assert_close(compiled(x), f(x, value))


BOTH = ["softmax_cross_entropy", "label_smoothed_cross_entropy"]


@quiet
@pytest.mark.parametrize("soft", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize(
    ("loss", "backend"),
    [
        *((loss, "aot_eager") for loss in [*BOTH, "focal_multiclass", "multi_margin"]),
        *(pytest.param(loss, "inductor", marks=[needs_compiler, SLOW]) for loss in BOTH),
    ],
)
def test_a_module_over_classes_is_one_graph(loss, backend, soft):
    """In training and without gradients; equal within rounding."""
    torch._dynamo.reset()
    file = importlib.import_module(f"generated.for_torch.{loss}")
    module = getattr(file, next(n for n in file.__all__ if n.endswith("Loss")))()
    made = torch.Generator().manual_seed(3)
    z = 4 * torch.randn(32, 10, generator=made)
    t = torch.randint(0, 10, (32,), generator=made)
    if soft:
        if "_mixed" not in dir(module):
            pytest.skip("its targets are classes")
        t = torch.softmax(torch.randn(32, 10, generator=made), 1)
    compiled = torch.compile(module, fullgraph=True, backend=backend)
    x, y = (z.clone().requires_grad_() for _ in range(2))
    one, other = module(x, t), compiled(y, t)
    one.backward()
    other.backward()
    torch.testing.assert_close(other, one, rtol=1e-6, atol=0)
    torch.testing.assert_close(y.grad, x.grad, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(compiled(z, t), module(z, t), rtol=1e-6, atol=0)
