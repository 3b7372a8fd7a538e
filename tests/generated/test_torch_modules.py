"""The classes of the PyTorch files keep the conventions of torch.nn."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from table import CLASSES, LOSSES, PARAMETERS, PLAIN, Case, exact, generated

cases = pytest.mark.parametrize("case", PLAIN, ids=str)
INPUT = torch.tensor([[-3.0, 0.5, 2.0], [0.1, -0.2, 8.0]], dtype=torch.float64)
TARGET = torch.tensor([[1.0, 0.75, -1.0], [0.4, 0.3, 2.0]], dtype=torch.float64)


def _class(case: Case):
    return getattr(generated("torch", case.loss), CLASSES[case.loss])


def _module(case: Case, **more):
    return _class(case)(**case.parameters, **more)


def test_the_names_of_the_classes():
    for name in LOSSES:
        assert CLASSES[name] in generated("torch", name).loss_file.__all__


@cases
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_reductions(case, reduction):
    residual = (INPUT - TARGET).reshape(-1).tolist()
    values = torch.tensor([exact(case, "loss", r) for r in residual], dtype=torch.float64)
    want = values.reshape(INPUT.shape)
    want = want if reduction == "none" else getattr(want, reduction)()
    torch.testing.assert_close(
        _module(case, reduction=reduction)(INPUT, TARGET), want, rtol=1e-13, atol=0
    )
    if reduction == "mean":
        torch.testing.assert_close(_module(case)(INPUT, TARGET), want, rtol=1e-13, atol=0)


def test_huber_and_smooth_l1_are_those_of_torch():
    for ours, theirs in (
        (generated("torch", "huber").HuberLoss(1.5), torch.nn.HuberLoss(delta=1.5)),
        (generated("torch", "smooth_l1").SmoothL1Loss(1.5), torch.nn.SmoothL1Loss(beta=1.5)),
    ):
        torch.testing.assert_close(ours(INPUT, TARGET), theirs(INPUT, TARGET))


@cases
def test_gradients_flow_to_input_and_target(case):
    given, wanted = (t.clone().requires_grad_() for t in (INPUT, TARGET))
    _module(case)(given, wanted).backward()
    slopes = torch.tensor(
        [exact(case, "d_x", r) for r in (INPUT - TARGET).reshape(-1).tolist()], dtype=torch.float64
    ).reshape(INPUT.shape)
    torch.testing.assert_close(given.grad, slopes / 6, rtol=1e-12, atol=0)
    torch.testing.assert_close(wanted.grad, -given.grad, rtol=0, atol=0)


@cases
@pytest.mark.parametrize("which", [0, -1])
def test_a_parameter_is_learned(case, which):
    name = PARAMETERS[case.loss][which]
    values = {**case.parameters, name: torch.nn.Parameter(torch.tensor(case.values[which]))}
    module = _class(case)(**values)
    assert [n for n, _ in module.named_parameters()] == [name]
    assert list(module.state_dict()) == [name]
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-2)
    before = float(module(INPUT.float(), TARGET.float()).detach())
    for _ in range(3):
        optimizer.zero_grad()
        module(INPUT.float(), TARGET.float()).backward()
        optimizer.step()
    assert float(module(INPUT.float(), TARGET.float()).detach()) < before


@cases
def test_a_tensor_is_a_buffer_and_moves_along(case):
    values = {n: torch.tensor(v) for n, v in case.parameters.items()}
    module = _class(case)(**values)
    assert not list(module.parameters())
    assert {n for n, _ in module.named_buffers()} == set(case.parameters)
    module.to(torch.float64)
    for name in case.parameters:
        assert getattr(module, name).dtype == torch.float64
    assert module(INPUT, TARGET).dtype == torch.float64
    again = _class(case)(**{n: torch.tensor(0.5) for n in case.parameters}).double()
    again.load_state_dict(module.state_dict())
    torch.testing.assert_close(again(INPUT, TARGET), module(INPUT, TARGET), rtol=0, atol=0)


@cases
def test_numbers_are_no_state(case):
    module = _module(case)
    assert not module.state_dict()
    assert module.to(torch.float16)(INPUT.half(), TARGET.half()).dtype == torch.float16


@cases
@pytest.mark.parametrize("kind", ["number", "buffer", "parameter"])
def test_copies_and_pickles(case, kind):
    wrap = {
        "number": lambda v: v,
        "buffer": torch.tensor,
        "parameter": lambda v: torch.nn.Parameter(torch.tensor(v)),
    }[kind]
    module = _class(case)(**{n: wrap(v) for n, v in case.parameters.items()}, reduction="sum")
    saved = io.BytesIO()
    torch.save(module, saved)
    saved.seek(0)
    for other in (
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        torch.load(saved, weights_only=False),
    ):
        assert other.reduction == "sum"
        torch.testing.assert_close(other(INPUT, TARGET), module(INPUT, TARGET), rtol=0, atol=0)
        assert [n for n, _ in other.named_parameters()] == [n for n, _ in module.named_parameters()]
        for one, two in zip(other.parameters(), module.parameters(), strict=True):
            assert one is not two


@cases
def test_it_says_what_it_is(case):
    text = repr(_module(case, reduction="none"))
    assert text.startswith(CLASSES[case.loss])
    for name, value in case.parameters.items():
        assert f"{name}={value}" in text
    assert "none" in text
    learned = _class(case)(
        **{n: torch.nn.Parameter(torch.tensor(v)) for n, v in case.parameters.items()}
    )
    assert CLASSES[case.loss] in repr(torch.nn.Sequential(learned))


def test_sizes_that_differ_are_broadcast_with_a_warning():
    module = generated("torch", "huber").HuberLoss()
    with pytest.warns(UserWarning, match="size"):
        assert module(torch.zeros(4, 1), torch.zeros(3)).shape == ()
    equal = torch.zeros(4, 3)
    assert module(equal, equal) == 0  # and no warning


def test_half_precision_means_do_not_overflow_early():
    """The mean of float16 values is that of torch.nn: each value is rounded, then averaged."""
    module = generated("torch", "quadratic").QuadraticLoss()
    x = torch.full((4096,), 8.0, dtype=torch.float16)
    assert float(module(x, torch.zeros_like(x))) == 32.0


def test_modules_of_modules():
    case = PLAIN[4]
    model = torch.nn.ModuleDict({"head": torch.nn.Linear(3, 3).double(), "loss": _module(case)})
    value = model["loss"](model["head"](INPUT), TARGET)
    value.backward()
    assert all(torch.all(torch.isfinite(p.grad)) for p in model["head"].parameters())
