"""Losses that adapt themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from table import INF, PARAMETERS, generated

barron = generated("torch", "barron")
Adaptive = barron.AdaptiveBarronLoss


def test_it_is_the_negative_log_likelihood():
    residual = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(2, 3, 4)
    alpha, scale = torch.tensor([0.3, 1.0, 1.9]), torch.tensor([0.5, 1.0, 2.0])
    made = Adaptive(3, channel_dim=1, alpha=alpha, scale=scale, reduction="none").double()
    want = barron.Barron(0.0, alpha.double().reshape(3, 1), scale.double().reshape(3, 1))
    torch.testing.assert_close(made(residual), -want.log_prob(residual), rtol=1e-6, atol=1e-6)
    for reduction in ("mean", "sum"):
        made.reduction = reduction
        value = getattr(-want.log_prob(residual), reduction)()
        torch.testing.assert_close(made(residual), value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (2, 3, 5)])
def test_any_shape_and_dtype(shape, dtype):
    made = Adaptive(5 if shape else 1, reduction="none")
    values = made(torch.ones(shape, dtype=dtype))
    assert values.shape == shape
    assert values.dtype == dtype


def test_what_is_learned_shared_and_fixed():
    def sizes(**kind):
        made = Adaptive(4, **kind)
        assert made(torch.ones(2, 4)).ndim == 0
        return {n: tuple(p.shape) for n, p in made.named_parameters()}

    assert sizes() == {"latent_alpha": (4,), "latent_scale": (4,)}
    assert sizes(share_alpha=True) == {"latent_alpha": (1,), "latent_scale": (4,)}
    assert sizes(learn_alpha=False, share_scale=True) == {"latent_scale": (1,)}
    assert sizes(learn_scale=False) == {"latent_alpha": (4,)}
    fixed = Adaptive(learn_alpha=False, alpha=INF, learn_scale=False, scale=2.0)
    assert float(fixed.alpha) == INF
    assert float(fixed(torch.tensor([1.0]))) == pytest.approx(
        float(-barron.log_density(torch.tensor(1.0), INF, 2.0))
    )


def test_first_values_and_bounds():
    made = Adaptive(2, alpha=torch.tensor([0.4, 1.7]), scale=0.03, dtype=torch.float64)
    np.testing.assert_allclose(made.alpha.detach(), [0.4, 1.7], rtol=1e-6)
    np.testing.assert_allclose(made.scale.detach(), [0.03, 0.03], rtol=1e-9)
    assert float(Adaptive().alpha.detach()) == pytest.approx(1.0)
    with torch.no_grad():
        made.latent_alpha.copy_(torch.tensor([-1e4, 1e4]))
        made.latent_scale.fill_(-1e4)
    np.testing.assert_allclose(made.alpha.detach(), [0.001, 1.999], rtol=1e-12)
    np.testing.assert_allclose(made.scale.detach(), [1e-5, 1e-5], rtol=1e-12)
    assert torch.isfinite(made(torch.ones(3, 2)))


def test_its_state_can_be_kept():
    one = Adaptive(3, alpha=0.7, scale=0.2, learn_scale=False)
    two = Adaptive(3, learn_scale=False)
    two.load_state_dict(one.state_dict())
    residual = torch.linspace(-1, 1, 9).reshape(3, 3)
    torch.testing.assert_close(one(residual), two(residual), rtol=0, atol=0)
    assert one.double().scale.dtype == torch.float64


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"num_channels": 0}, "num_channels must be >= 1"),
        ({"alpha_bounds": (1.0, 0.5)}, "alpha_bounds must be"),
        ({"alpha_bounds": (-1.0, 0.5)}, "alpha_bounds must be"),
        ({"alpha": 2.5}, "alpha must be inside the bounds"),
        ({"alpha": -1.0, "learn_alpha": False}, "alpha must be >= 0"),
        ({"scale": 0.0}, "scale must be > scale_floor"),
        ({"scale_floor": 0.0}, "scale must be > scale_floor > 0"),
        ({"reduction": "most"}, "reduction must be"),
    ],
)
def test_wrong_values_are_named(kind, words):
    with pytest.raises(ValueError, match=words):
        Adaptive(**kind)


def test_the_channels_must_be_there():
    with pytest.raises(ValueError, match="3 channels along dim -1"):
        Adaptive(3)(torch.ones(3, 4))


def test_gradients_of_the_latent_values():
    made = Adaptive(2, alpha=torch.tensor([0.4, 1.7]), dtype=torch.float64)
    residual = torch.tensor([[0.3, -1.0], [2.0, 0.1]], dtype=torch.float64)

    def value(alpha, scale, residual):
        given = {"latent_alpha": alpha, "latent_scale": scale}
        return torch.func.functional_call(made, given, (residual,))

    at = [p.detach().clone().requires_grad_() for p in made.parameters()]
    assert torch.autograd.gradcheck(value, (*at, residual.requires_grad_()))


ADAPTIVE = {
    "barron": "AdaptiveBarronLoss", "student_t": "AdaptiveStudentTLoss",
    "huber": "AdaptiveHuberLoss", "smooth_l1": "AdaptiveSmoothL1Loss",
    "quadratic": "AdaptiveQuadraticLoss", "absolute": "AdaptiveAbsoluteLoss",
    "cauchy": "AdaptiveCauchyLoss", "charbonnier": "AdaptiveCharbonnierLoss",
}  # fmt: skip


@pytest.mark.parametrize("loss", ADAPTIVE)
def test_every_density_can_adapt(loss):
    module = generated("torch", loss)
    made = getattr(module, ADAPTIVE[loss])(3, channel_dim=0, reduction="none", dtype=torch.float64)
    residual = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    names = list(made.bounds)
    assert names == list(PARAMETERS[loss])
    values = [getattr(made, n).reshape(3, 1) for n in names]
    torch.testing.assert_close(made(residual), -module.log_density(residual, *values))
    made(residual).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())
    last = names[-1]
    with pytest.raises(ValueError, match=f"{last} must be > {last}_floor"):
        getattr(module, ADAPTIVE[loss])(**{last: 0.0})
    with pytest.raises(ValueError, match=f"{last} must be > 0"):
        getattr(module, ADAPTIVE[loss])(**{last: -1.0, f"learn_{last}": False})


def test_student_finds_its_own_parameters():
    """Maximum likelihood over draws from the density itself."""
    module = generated("torch", "student_t")
    torch.manual_seed(6)
    residual = module.StudentT(0.0, 2.5, 0.4).sample((20_000,)).double()
    made = module.AdaptiveStudentTLoss(dtype=torch.float64)
    optimizer = torch.optim.LBFGS(made.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        value = made(residual)
        value.backward()
        return value

    optimizer.step(step)
    assert float(made.df.detach()) == pytest.approx(2.5, abs=0.2)
    assert float(made.scale.detach()) == pytest.approx(0.4, abs=0.015)
