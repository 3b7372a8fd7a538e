"""Losses that adapt themselves: the runtime on losses typed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from typed_torch import (
    DENSITIES,
    F64,
    INF,
    AdaptiveBarronLoss,
    AdaptiveClashingLoss,
    AdaptiveHuberLoss,
    AdaptiveLinexLoss,
    AdaptivePinballLoss,
    AdaptiveStudentTLoss,
    HostReads,
    StudentT,
)

barron = DENSITIES["barron"]
every = pytest.mark.parametrize(
    "make",
    [AdaptiveBarronLoss, AdaptiveClashingLoss, AdaptiveHuberLoss, AdaptiveLinexLoss,
     AdaptivePinballLoss, AdaptiveStudentTLoss],
)  # fmt: skip


def test_it_is_the_negative_log_likelihood():
    residual = torch.linspace(-3, 3, 24, dtype=F64).reshape(2, 3, 4)
    alpha, scale = torch.tensor([0.3, 1.0, 1.9]), torch.tensor([0.5, 1.0, 2.0])
    made = AdaptiveBarronLoss(3, channel_dim=1, alpha=alpha, scale=scale, reduction="none").double()
    want = -barron.log_density(residual, alpha.double().reshape(3, 1), scale.double().reshape(3, 1))
    torch.testing.assert_close(made(residual), want, rtol=1e-6, atol=1e-6)
    for reduction in ("mean", "sum"):
        made.reduction = reduction
        torch.testing.assert_close(made(residual), getattr(want, reduction)(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (2, 3, 5)])
def test_any_shape_and_dtype(shape, dtype):
    made = AdaptiveHuberLoss(5 if shape else 1, reduction="none")
    values = made(torch.ones(shape, dtype=dtype))
    assert values.shape == shape
    assert values.dtype == dtype


def test_what_is_learned_shared_and_fixed():
    def sizes(**kind):
        made = AdaptiveBarronLoss(4, **kind)
        assert made(torch.ones(2, 4)).ndim == 0
        return {n: tuple(p.shape) for n, p in made.named_parameters()}

    assert sizes() == {"latent_alpha": (4,), "latent_scale": (4,)}
    assert sizes(share_alpha=True) == {"latent_alpha": (1,), "latent_scale": (4,)}
    assert sizes(learn_alpha=False, share_scale=True) == {"latent_scale": (1,)}
    fixed = AdaptiveBarronLoss(learn_alpha=False, alpha=INF, learn_scale=False, scale=2.0)
    assert float(fixed.alpha) == INF
    want = float(-barron.log_density(torch.tensor(1.0), INF, 2.0))
    assert float(fixed(torch.tensor([1.0]))) == pytest.approx(want, rel=1e-5)


def test_first_values_and_bounds():
    made = AdaptiveBarronLoss(2, alpha=torch.tensor([0.4, 1.7]), scale=0.03, dtype=F64)
    np.testing.assert_allclose(made.alpha.detach(), [0.4, 1.7], rtol=1e-6)
    np.testing.assert_allclose(made.scale.detach(), [0.03, 0.03], rtol=1e-9)
    with torch.no_grad():
        made.latent_alpha.copy_(torch.tensor([-1e4, 1e4]))
        made.latent_scale.fill_(-1e4)
    np.testing.assert_allclose(made.alpha.detach(), [0.001, 1.999], rtol=1e-12)
    np.testing.assert_allclose(made.scale.detach(), [1e-5, 1e-5], rtol=1e-12)
    assert torch.isfinite(made(torch.ones(3, 2)))


def test_its_state_holds_the_bounds():
    one = AdaptiveBarronLoss(3, alpha=[0.5, 1.5, 2.5], alpha_bounds=(0.0, 3.0), scale=0.2)
    two = AdaptiveBarronLoss(3)
    two.load_state_dict(one.state_dict())
    np.testing.assert_allclose(two.alpha.detach(), [0.5, 1.5, 2.5], rtol=1e-6)
    residual = torch.linspace(-1, 1, 9).reshape(3, 3)
    torch.testing.assert_close(one(residual), two(residual), rtol=0, atol=0)
    assert one.double().scale.dtype == F64


@every
def test_it_can_be_made_on_the_meta_device(make):
    with torch.device("meta"):
        made = make(4)
    assert all(p.is_meta for p in made.parameters())
    made = made.to_empty(device="cpu")
    made.reset_parameters()
    for key, value in make(4).state_dict().items():
        torch.testing.assert_close(made.state_dict()[key], value, rtol=0, atol=0)


@every
def test_nothing_waits_for_a_device(make):
    made, residual = make(4), torch.linspace(-2, 2, 12).reshape(3, 4).requires_grad_()
    with HostReads() as reads:
        made(residual).backward()
    assert reads.count == 0
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ({"num_channels": 0}, ValueError, "num_channels must be >= 1"),
        ({"alpha_bounds": (1.0, 0.5)}, ValueError, "alpha_bounds must lie in the domain"),
        ({"alpha_bounds": (-1.0, 0.5)}, ValueError, "alpha_bounds must lie in the domain"),
        ({"alpha": 2.5}, ValueError, "alpha must be inside the bounds"),
        ({"alpha": float("nan")}, ValueError, "alpha must be inside the bounds"),
        ({"alpha": -1.0, "learn_alpha": False}, ValueError, "alpha must be >= 0"),
        ({"scale": 0.0}, ValueError, "scale must be > scale_floor"),
        ({"scale_floor": 0.0}, ValueError, "scale_floor must lie in the domain"),
        ({"alpha": [1.0, 1.0], "num_channels": 3}, ValueError, "alpha must hold 1 or 3 numbers"),
        ({"reduction": "most"}, ValueError, "reduction must be"),
        ({"beta": 1.0}, TypeError, "beta"),
    ],
)
def test_wrong_values_are_named(kind, error, words):
    with pytest.raises(error, match=words):
        AdaptiveBarronLoss(**kind)


def test_the_channels_must_be_there():
    with pytest.raises(ValueError, match="3 channels along dim -1"):
        AdaptiveBarronLoss(3)(torch.ones(3, 4))


def test_gradients_of_the_latent_values():
    made = AdaptiveBarronLoss(2, alpha=torch.tensor([0.4, 1.7]), dtype=F64)
    residual = torch.tensor([[0.3, -1.0], [2.0, 0.1]], dtype=F64)

    def value(alpha, scale, residual):
        given = {"latent_alpha": alpha, "latent_scale": scale}
        return torch.func.functional_call(made, given, (residual,))

    at = [p.detach().clone().requires_grad_() for p in made.parameters()]
    assert torch.autograd.gradcheck(value, (*at, residual.requires_grad_()))


def test_vectors():
    torch.manual_seed(3)
    residual = torch.randn(5, 2, 3, dtype=F64)
    made = AdaptiveStudentTLoss(2, dimension=3, df=5.0, dtype=F64, reduction="none")
    want = -DENSITIES["student_t"].log_density_norm(residual, made.df, made.scale)
    torch.testing.assert_close(made(residual), want)
    with pytest.raises(ValueError, match="vectors of 3 numbers along its last axis"):
        made(residual[..., :2])
    with pytest.raises(ValueError, match="df must be > dimension - 1"):
        AdaptiveStudentTLoss(dimension=3, df=2.0)
    with pytest.raises(ValueError, match="not even"):
        AdaptivePinballLoss(dimension=3)


def test_one_pass_a_channel_gives_the_same():
    """With the loss file's fused mean, here a plain one."""
    calls = []

    def total(x, target, mean, alpha, scale):
        calls.append(x.shape)
        values = barron.loss(x - target, alpha, scale)
        return values.mean() if mean else values.sum()

    class Fused(AdaptiveBarronLoss):
        law = barron

    Fused.total = (lambda *given: True), total
    residual = torch.randn(5000, 2, dtype=F64, generator=torch.Generator().manual_seed(1))
    for reduction in ("mean", "sum"):
        plain = AdaptiveBarronLoss(2, alpha=[0.5, 1.5], reduction=reduction, dtype=F64)
        fused = Fused(2, alpha=[0.5, 1.5], reduction=reduction, dtype=F64)
        results = []
        for made in (plain, fused):
            x = residual.clone().requires_grad_()
            made(x).backward()
            results.append([made(residual).detach(), x.grad, *(p.grad for p in made.parameters())])
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
    assert calls[0] == (5000,)


def test_student_finds_its_own_parameters():
    """Maximum likelihood over draws from the density itself."""
    torch.manual_seed(6)
    residual = StudentT(0.0, 2.5, 0.4).sample((5_000,)).double()
    made = AdaptiveStudentTLoss(dtype=F64)
    optimizer = torch.optim.LBFGS(made.parameters(), max_iter=40, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        value = made(residual)
        value.backward()
        return value

    optimizer.step(step)
    assert float(made.df.detach()) == pytest.approx(2.5, abs=0.4)
    assert float(made.scale.detach()) == pytest.approx(0.4, abs=0.03)
