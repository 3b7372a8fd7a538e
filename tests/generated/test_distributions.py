"""torch.distributions: values against SciPy's and against each other, and the conventions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mpmath import mp
from scipy import stats
from scipy.special import kv
from table import INF, generated

F64 = torch.float64
NAMES = {
    "quadratic": "Quadratic", "absolute": "Absolute", "huber": "Huber", "smooth_l1": "SmoothL1",
    "cauchy": "Cauchy", "charbonnier": "Charbonnier", "barron": "Barron",
    "student_t": "StudentT",
}  # fmt: skip
ALL = [*((n, (1.4,)) for n in NAMES if n not in ("barron", "student_t")), ("huber", (0.3,)), ("smooth_l1", (0.3,))]
ALL += [("barron", (a, 1.4)) for a in (0.0, 0.3, 1.0, 1.7, 1.9999, 2.0, 2.5, 30.0, INF)]
ALL += [("student_t", (df, 1.4)) for df in (0.2, 0.9, 1.0, 2.5, 40.0, 1e9, INF)]
every = pytest.mark.parametrize(("loss", "parameters"), ALL)


def _made(loss, parameters, loc=0.5, **more):
    values = [torch.tensor(v, dtype=F64) for v in (loc, *parameters)]
    return getattr(generated("torch", loss), NAMES[loss])(*values, **more)


KNOWN = [
    ("quadratic", (2.0,), stats.norm(0.5, 2)),
    ("absolute", (2.0,), stats.laplace(0.5, 2)),
    ("cauchy", (2.0,), stats.cauchy(0.5, 2 * np.sqrt(2))),
    ("barron", (0.0, 2.0), stats.cauchy(0.5, 2 * np.sqrt(2))),
    ("barron", (2.0, 2.0), stats.norm(0.5, 2)),
    ("student_t", (1.0, 2.0), stats.cauchy(0.5, 2)),
    ("student_t", (0.3, 2.0), stats.t(0.3, 0.5, 2)),
    ("student_t", (3.7, 2.0), stats.t(3.7, 0.5, 2)),
    ("student_t", (INF, 2.0), stats.norm(0.5, 2)),
]


@pytest.mark.parametrize(("loss", "parameters", "known"), KNOWN)
def test_known_distributions(loss, parameters, known):
    d = _made(loss, parameters)
    x = torch.tensor([-40.0, -8.0, -1.0, 0.499, 0.5, 0.7, 3.0, 50.0], dtype=F64)
    np.testing.assert_allclose(d.cdf(x), known.cdf(x), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(d.log_prob(x), known.logpdf(x), rtol=1e-13)
    q = torch.tensor([1e-14, 1e-6, 0.2, 0.5, 0.51, 0.999], dtype=F64)
    np.testing.assert_allclose(d.icdf(q), known.ppf(q), rtol=1e-12)
    assert float(d.entropy()) == pytest.approx(known.entropy(), rel=1e-13)
    heavy = known.dist.name == "cauchy" or loss == "student_t" and parameters[0] <= 1
    assert np.isnan(float(d.mean)) if heavy else float(d.mean) == 0.5
    # SciPy gives NaN where not even the mean exists, PyTorch's Cauchy inf, its Student NaN
    variance = np.inf if heavy and loss != "student_t" else known.var()
    assert float(d.variance) == pytest.approx(variance, rel=1e-13, nan_ok=True)


def test_variance_and_tails_of_students_density():
    assert float(_made("student_t", (1.5, 2.0)).variance) == INF
    assert float(_made("student_t", (2.0 + 1e-9, 2.0)).variance) == pytest.approx(8e9, rel=1e-6)
    # far beyond the panels of the quadrature, where the tail is a power
    d, n = _made("student_t", (0.01, 2.0)), mp.mpf(0.01)
    x = torch.tensor([1e30, 1e40, 1e200, 1e300], dtype=F64)
    w = [n / (n + (mp.mpf(v) / 2) ** 2) for v in x.tolist()]
    want = [float(mp.betainc(n / 2, 0.5, 0, v, regularized=True) / 2) for v in w]
    np.testing.assert_allclose(d.cdf(-x), want, rtol=1e-12)
    np.testing.assert_allclose(d.icdf(d.cdf(-x)), -x, rtol=1e-9)
    df = torch.tensor(0.01, dtype=F64, requires_grad=True)
    make = generated("torch", "student_t").StudentT
    assert torch.autograd.gradcheck(lambda v: make(0.5, v, 2.0).cdf(-x), (df,))


@every
def test_cdf_icdf_and_log_prob_belong_together(loss, parameters):
    d = _made(loss, parameters)
    q = torch.tensor([0.0, 1e-13, 1e-4, 0.3, 0.5, 0.8, 1.0], dtype=F64)
    x = d.icdf(q)
    assert x[0] == -INF
    assert x[-1] == INF
    np.testing.assert_allclose(d.cdf(x), q, rtol=2e-12)
    assert torch.isnan(d.icdf(torch.tensor([-0.1, 1.1, np.nan], dtype=F64))).all()
    # 0.5 is the place, 1.9 a multiple of the length: edges of the quadrature
    y = torch.tensor([-2.2, -0.4, 0.5, 0.6, 1.9, 2.7], dtype=F64, requires_grad=True)
    (slope,) = torch.autograd.grad(d.cdf(y).sum(), y)
    np.testing.assert_allclose(slope, d.log_prob(y).detach().exp(), rtol=1e-10)
    q = torch.tensor([0.0, 0.3, 0.5, 0.8], dtype=F64, requires_grad=True)
    x = d.icdf(q)
    (slope,) = torch.autograd.grad(x[1:].sum(), q)
    np.testing.assert_allclose(slope[1:], d.log_prob(x[1:]).detach().neg().exp(), rtol=1e-10)
    assert slope[0] == 0


@every
def test_draws_and_moments(loss, parameters):
    torch.manual_seed(11)
    d = _made(loss, parameters)
    x = d.sample((20_000,))
    assert x.dtype == F64
    assert stats.kstest(d.cdf(x).numpy(), "uniform").pvalue > 1e-3
    surprise = -d.log_prob(x)
    spread = float(surprise.std()) / np.sqrt(len(x))
    assert abs(float(surprise.mean() - d.entropy())) < 4.5 * spread
    if torch.isfinite(d.variance) and not (loss == "barron" and parameters[0] < 1):
        squares = (x - 0.5) ** 2
        spread = float(squares.std()) / np.sqrt(len(x))
        assert abs(float(squares.mean() - d.variance)) < 4.5 * spread


def test_variance_of_barrons_density():
    """E[x^2] at alpha = 1 is K2(1)/K1(1); near 0 it is huge and finite, at 0 infinite."""
    assert float(_made("barron", (1.0, 1.0)).variance) == pytest.approx(kv(2, 1) / kv(1, 1))
    assert 1e90 < float(_made("barron", (1e-3, 1.0)).variance) < 1e100
    assert float(_made("barron", (0.0, 1.0)).variance) == INF


@pytest.mark.parametrize(
    ("loss", "parameters"),
    [("barron", (1.3, 0.8)), ("student_t", (2.7, 0.8)), ("huber", (0.7,)), ("smooth_l1", (1.2,)), ("charbonnier", (0.7,))],
)  # fmt: skip
def test_quantiles_and_probabilities_are_differentiable_in_all_parameters(loss, parameters):
    make = getattr(generated("torch", loss), NAMES[loss])
    at = [torch.tensor(v, dtype=F64, requires_grad=True) for v in (0.1, *parameters)]
    q = torch.tensor([0.05, 0.9], dtype=F64, requires_grad=True)
    x = torch.tensor([-2.0, 0.3], dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q, *p: make(*p).icdf(q), (q, *at))
    assert torch.autograd.gradcheck(lambda x, *p: make(*p).cdf(x), (x, *at))
    assert torch.autograd.gradcheck(lambda *p: make(*p).entropy(), at)


def test_rsample_follows_its_parameters():
    make = generated("torch", "barron").Barron
    at = [torch.tensor(v, dtype=F64, requires_grad=True) for v in (0.3, 1.4, 2.0)]
    torch.manual_seed(4)
    x = make(*at).rsample((6,))
    u = make(*(p.detach() for p in at)).cdf(x.detach())
    want = torch.autograd.grad(make(*at).icdf(u).sum(), at)
    got = torch.autograd.grad(x.sum(), at)
    np.testing.assert_allclose(got, want, rtol=1e-8)
    # the scale only stretches, the place only moves
    assert float(got[0]) == 6.0
    assert float(got[2]) == pytest.approx(float((x.detach() - 0.3).sum() / 2.0), rel=1e-9)
    assert not make(*at).sample((6,)).requires_grad


@pytest.mark.parametrize("loss", NAMES)
def test_conventions(loss):
    make = getattr(generated("torch", loss), NAMES[loss])
    d = make(torch.zeros(2, 1), torch.ones(3))
    assert d.batch_shape == (2, 3)
    assert d.event_shape == ()
    assert d.sample((2, 5)).shape == (2, 5, 2, 3)
    for result in (d.mean, d.variance, d.stddev, d.entropy(), d.mode):
        assert result.shape == (2, 3)
    for result in (d.log_prob(torch.zeros(3)), d.cdf(torch.tensor(0.3)), d.icdf(torch.tensor(0.3))):
        assert result.shape == (2, 3)
        assert result.dtype == torch.float32
    wide = d.expand((4, 2, 3))
    assert wide.batch_shape == (4, 2, 3)
    assert isinstance(wide, make)
    assert wide.log_prob(torch.zeros(())).shape == (4, 2, 3)
    assert make().sample().shape == ()
    assert repr(make()).startswith(NAMES[loss])
    length = list(make.arg_constraints)[-1]
    with pytest.raises(ValueError, match=length):
        make(**{length: torch.tensor(-1.0)})
    with pytest.raises(ValueError, match="support"):
        make().log_prob(torch.tensor(float("nan")))
    make(**{length: torch.tensor(-1.0)}, validate_args=False)


def test_a_negative_alpha_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        generated("torch", "barron").Barron(alpha=-0.5)
    independent = torch.distributions.Independent(
        generated("torch", "barron").Barron(torch.zeros(5), 1.5), 1
    )
    assert independent.log_prob(torch.zeros(5)).shape == ()
