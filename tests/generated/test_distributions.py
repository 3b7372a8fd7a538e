"""PyTorch's distributions: the runtime on losses typed by hand, then the generated files."""

from __future__ import annotations

import copy
import io
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from mpmath import mp
from scipy import stats
from table import generated
from torch.utils._python_dispatch import TorchDispatchMode
from typed_torch import (
    ALL,
    DENSITIES,
    F64,
    INF,
    Absolute,
    Barron,
    Cauchy,
    Clashing,
    EpsilonInsensitive,
    ExponentialFamily,
    GeneralizedNormal,
    HostReads,
    Huber,
    HuberByQuadrature,
    Linex,
    Pinball,
    Quadratic,
    Searched,
    StudentT,
    tensors,
)

# torch's own forward mode still uses what it deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
every = pytest.mark.parametrize(("make", "at"), ALL)
# Which operations are called does not depend on the parameters.
kinds = pytest.mark.parametrize(("make", "at"), {make: (make, at) for make, at in ALL}.values())


def _known(make, at):
    """SciPy's distribution with loc 0.5."""
    if make is Quadratic:
        return stats.norm(0.5, at[0])
    if make is Absolute:
        return stats.laplace(0.5, at[0])
    if make is Cauchy:
        return stats.cauchy(0.5, at[0] * np.sqrt(2))
    if make is StudentT:
        return stats.t(at[0], 0.5, at[1])
    if make is GeneralizedNormal:
        return stats.gennorm(at[1], 0.5, at[0])
    if make is Pinball:
        kappa = np.sqrt(at[0] / (1 - at[0]))
        return stats.laplace_asymmetric(kappa, 0.5, at[1] / np.sqrt(at[0] * (1 - at[0])))
    return None


@every
def test_scipy_has_the_same(make, at):
    known = _known(make, at)
    if known is None:
        pytest.skip("not in SciPy")
    d = make(*tensors(0.5, *at))
    x = torch.tensor([-40.0, -8.0, -1.0, 0.499, 0.5, 0.7, 3.0, 50.0], dtype=F64)
    # SciPy's own Student t with df = 1e9 is good to 1e-10
    digits = 1e-9 if at[0] == 1e9 else 2e-12
    np.testing.assert_allclose(d.cdf(x), known.cdf(x), rtol=digits, atol=1e-300)
    np.testing.assert_allclose(d.log_prob(x), known.logpdf(x), rtol=1e-12, atol=1e-12)
    q = torch.tensor([1e-14, 1e-6, 0.2, 0.51, 0.999], dtype=F64)
    np.testing.assert_allclose(d.icdf(q), known.ppf(q), rtol=max(digits, 1e-11))
    assert float(d.entropy()) == pytest.approx(known.entropy(), rel=1e-10)
    if (make is StudentT and at[0] <= 1) or make is Cauchy:
        assert np.isnan(float(d.mean)) and float(d.variance) == INF
    else:
        assert float(d.mean) == pytest.approx(known.mean(), rel=1e-12)
        assert float(d.variance) == pytest.approx(known.var(), rel=1e-11)


def test_torch_has_the_same():
    x = torch.tensor([-3.0, 0.2, 0.5, 4.0], dtype=F64)
    loc, c = tensors(0.5, 1.4)
    own = torch.distributions
    for ours, theirs in (
        (Quadratic(loc, c), own.Normal(loc, c)),
        (Absolute(loc, c), own.Laplace(loc, c)),
        (Cauchy(loc, c), own.Cauchy(loc, c * 2**0.5)),
        (StudentT(loc, 3.0, c), own.StudentT(3.0, loc, c)),
    ):
        torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x), rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(
            ours.variance, theirs.variance, rtol=1e-12, atol=0, equal_nan=True
        )
        torch.testing.assert_close(ours.entropy(), theirs.entropy(), rtol=1e-12, atol=0)
        if not isinstance(ours, StudentT):
            torch.testing.assert_close(ours.cdf(x), theirs.cdf(x), rtol=1e-13, atol=0)


@every
def test_cdf_icdf_and_log_prob_belong_together(make, at):
    d = make(*tensors(0.5, *at))
    q = torch.tensor([0.0, 1e-13, 1e-4, 0.3, 0.5, 0.8, 1.0], dtype=F64)
    x = d.icdf(q)
    assert x[0] == -INF and x[-1] == INF
    # a steep wall beside a wide flat: the place of x itself is known to 1e-16 of the flat
    digits = 1e-9 if make is EpsilonInsensitive else 2e-12
    np.testing.assert_allclose(d.cdf(x), q, rtol=digits)
    if d.law.even:
        assert x[4] == 0.5
    assert torch.isnan(d.icdf(torch.tensor([-0.1, 1.1, np.nan], dtype=F64))).all()
    y = torch.tensor([-2.2, -0.4, 0.5, 0.6, 1.9, 2.7], dtype=F64, requires_grad=True)
    (slope,) = torch.autograd.grad(d.cdf(y).sum(), y)
    np.testing.assert_allclose(slope, d.log_prob(y).detach().exp(), rtol=1e-9, atol=1e-300)
    q = torch.tensor([0.0, 0.31, 0.5, 0.8], dtype=F64, requires_grad=True)
    x = d.icdf(q)
    (slope,) = torch.autograd.grad(x[1:].sum(), q)
    np.testing.assert_allclose(slope[1:], d.log_prob(x[1:]).detach().neg().exp(), rtol=1e-9)
    assert slope[0] == 0


@every
def test_the_integral_is_1(make, at):
    """By Simpson's rule in s, x = ±sinh(s), over the panels of nobody."""
    d = make(*tensors(0.0, *at))
    if (make is EpsilonInsensitive and at[1] < 1e-3) or at == (1.2, 0.6):
        pytest.skip("too steep for a plain rule")
    s = torch.linspace(-250, 250, 2_000_001, dtype=F64)
    x = torch.sinh(s)
    values = torch.exp(d.log_prob(x) + torch.log(torch.cosh(s)))
    assert float(torch.trapezoid(values, s)) == pytest.approx(1, abs=2e-8)


@every
def test_draws_and_moments(make, at):
    torch.manual_seed(11)
    d = make(*tensors(0.5, *at))
    x = d.sample((20_000,))
    assert x.dtype == F64
    assert stats.kstest(d.cdf(x).numpy(), "uniform").pvalue > 1e-3
    surprise = -d.log_prob(x)
    spread = float(surprise.std()) / np.sqrt(len(x))
    assert abs(float(surprise.mean() - d.entropy())) < 4.5 * spread
    # a fourth moment, without which the mean of the squares says little
    heavy = make in (Barron, Cauchy, Clashing) or (make is StudentT and at[0] < 5)
    if not heavy:
        squares = (x - d.mean) ** 2
        spread = float(squares.std()) / np.sqrt(len(x))
        assert abs(float(squares.mean() - d.variance)) < 4.5 * spread


@pytest.mark.parametrize(
    ("make", "at"),
    [  # one of each kind; of some kinds there are more on demand, for each takes seconds
        (Huber, (0.7,)), (HuberByQuadrature, (0.7,)), (StudentT, (2.7, 0.8)),
        (Pinball, (0.3, 0.8)), (Searched, (2.0,)),
        *(
            pytest.param(*law, marks=pytest.mark.slow)
            for law in (
                (Barron, (1.3, 0.8)), (Linex, (1.2,)), (EpsilonInsensitive, (0.6, 0.5)),
                (ExponentialFamily, (2.0,)), (GeneralizedNormal, (1.2, 1.7)),
            )
        ),
    ],
)  # fmt: skip
def test_everything_is_differentiable_twice(make, at):
    at = tensors(0.1, *at, grad=True)
    q = torch.tensor([0.05, 0.37, 0.9], dtype=F64, requires_grad=True)
    x = torch.tensor([-2.0, 0.33, 1.7], dtype=F64, requires_grad=True)
    # fast: the slopes along a random direction, in place of one after the other
    check = partial(torch.autograd.gradcheck, rtol=1e-4, atol=1e-6, fast_mode=True)
    again = partial(torch.autograd.gradgradcheck, rtol=1e-3, atol=1e-5, fast_mode=True)
    for f, inputs in (
        (lambda q, *p: make(*p).icdf(q), (q, *at)),
        (lambda x, *p: make(*p).cdf(x), (x, *at)),
        (lambda x, *p: make(*p).log_prob(x), (x, *at)),
        (lambda *p: make(*p).entropy(), at),
        (lambda *p: make(*p).variance, at),
    ):
        assert check(f, inputs)
        assert again(f, inputs)
    assert check(lambda q, *p: make(*p).icdf(q), (q, *at), check_forward_ad=True)


@pytest.mark.parametrize(
    ("make", "at"), [(StudentT, (2.7, 0.8)), (Pinball, (0.3, 0.8)), (Huber, (0.7,))]
)
def test_rsample_follows_its_parameters(make, at):
    """It moves as the quantile does, at the probability of the draw."""
    at = tensors(0.3, *at, grad=True)
    torch.manual_seed(4)
    x = make(*at).rsample((6,))
    u = make(*(p.detach() for p in at)).cdf(x.detach())
    want = torch.autograd.grad(make(*at).icdf(u).sum(), at)
    got = torch.autograd.grad(x.sum(), at, create_graph=True)
    np.testing.assert_allclose([g.detach() for g in got], want, rtol=1e-7)
    assert float(got[0]) == 6.0
    torch.autograd.grad(got[-1], at, allow_unused=True)
    assert not make(*at).sample((6,)).requires_grad


def test_tails_beyond_the_panels():
    d, n = StudentT(*tensors(0.0, 0.01, 2.0)), mp.mpf(0.01)
    x = torch.tensor([1e30, 1e40, 1e200, 1e300], dtype=F64)
    w = [n / (n + (mp.mpf(v) / 2) ** 2) for v in x.tolist()]
    want = [float(mp.betainc(n / 2, 0.5, 0, v, regularized=True) / 2) for v in w]
    np.testing.assert_allclose(d.cdf(-x), want, rtol=1e-12)
    np.testing.assert_allclose(d.icdf(d.cdf(-x)), -x, rtol=1e-9)
    assert float(StudentT(*tensors(0.0, 1.5, 2.0)).variance) == INF
    assert float(StudentT(*tensors(0.0, 2.0 + 1e-9, 2.0)).variance) == pytest.approx(8e9, rel=1e-6)
    assert 1e90 < float(Barron(*tensors(0.0, 1e-3, 1.0)).variance) < 1e100


@kinds
def test_nothing_waits_for_a_device(make, at):
    at = tensors(0.0, *at, grad=True, dtype=torch.float32)
    x = torch.linspace(-2, 2, 7)
    with HostReads() as reads:
        d = make(*at, validate_args=False)
        d.log_prob(x).sum().backward()
        (d.cdf(x).sum() + d.icdf(torch.tensor([0.2, 0.7])).sum() + d.rsample((5,)).sum()).backward()
        (d.entropy() + d.variance + torch.distributions.kl_divergence(d, d)).sum()
        assert all(
            v.dtype == torch.float32 for v in (d.cdf(x), d.sample((3,)), d.entropy(), d.mean)
        )
    assert reads.count == 0


class NoDouble(TorchDispatchMode):
    """A device without float64."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        tree = torch.utils._pytree.tree_leaves
        narrow = any(isinstance(t, torch.Tensor) and t.dtype == torch.float32 for t in tree(args))
        assert not (
            narrow and any(isinstance(t, torch.Tensor) and t.dtype == F64 for t in tree(out))
        )
        return out


@every
def test_no_float64_is_made_from_float32(make, at):
    at = tensors(0.0, *at, grad=True, dtype=torch.float32)
    x, exact = torch.linspace(-2, 2, 7), make(*(p.detach().double() for p in at))
    with NoDouble():
        d = make(*at)
        value = d.log_prob(x)
        value.sum().backward()
        (d.cdf(x).sum() + d.rsample((3,)).sum() + d.icdf(torch.tensor([0.3])).sum()).backward()
    np.testing.assert_allclose(value.detach(), exact.log_prob(x.double()), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(d.cdf(x).detach(), exact.cdf(x.double()), rtol=2e-5, atol=1e-6)


def test_validation_is_obeyed(monkeypatch):
    # torch.compile, once used, switches PyTorch's default off.
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)
    with pytest.raises(ValueError, match="scale"):
        Quadratic(0.0, -1.0)
    with pytest.raises(ValueError, match="support"):
        Quadratic().log_prob(torch.tensor(float("nan")))
    with pytest.raises(ValueError, match="alpha"):
        Barron(alpha=-0.5)
    wrong = Barron(*tensors(0.0, -0.5, 1.0), validate_args=False)
    assert torch.isnan(wrong.log_prob(torch.tensor(1.0, dtype=F64)))
    assert torch.isnan(wrong.log_prob(torch.tensor(float("nan"), dtype=F64)))
    with pytest.raises(TypeError, match="beta"):
        Quadratic(beta=1.0)
    with pytest.raises(TypeError, match="multiple values"):
        Quadratic(0.0, 1.0, scale=2.0)


@every
def test_conventions(make, at):
    count = len(make.law.parameters)
    d = make(torch.zeros(2, 1), *(torch.full((3,), float(v)) for v in at))
    assert d.batch_shape == (2, 3) and d.event_shape == ()
    assert d.sample((2, 5)).shape == (2, 5, 2, 3)
    for result in (d.mean, d.variance, d.stddev, d.entropy(), d.mode):
        assert result.shape == (2, 3)
    for result in (d.log_prob(torch.zeros(3)), d.cdf(torch.tensor(0.3)), d.icdf(torch.tensor(0.3))):
        assert result.shape == (2, 3) and result.dtype == torch.float32
    wide = d.expand((4, 2, 3))
    assert wide.batch_shape == (4, 2, 3) and isinstance(wide, make)
    assert wide.log_prob(torch.zeros(())).shape == wide.sample().shape == (4, 2, 3)
    assert wide.expand((5, 4, 2, 3)).cdf(torch.zeros(())).shape == (5, 4, 2, 3)
    assert next(iter(make.arg_constraints)) == "loc" and len(make.arg_constraints) == count + 1
    assert make().sample().shape == () and repr(make()).startswith(make.__name__)
    assert d.support is torch.distributions.constraints.real and not d.has_enumerate_support


def test_in_the_company_of_other_distributions():
    own = torch.distributions
    d = StudentT(torch.zeros(5), torch.full((5,), 3.0))
    assert own.Independent(d, 1).log_prob(torch.zeros(5)).shape == ()
    moved = own.TransformedDistribution(d, [own.AffineTransform(1.0, 2.0)])
    torch.testing.assert_close(moved.cdf(torch.full((5,), 1.0)), torch.full((5,), 0.5))
    assert moved.rsample((2,)).shape == (2, 5)
    mixture = own.MixtureSameFamily(own.Categorical(torch.ones(5)), d)
    assert mixture.sample((3,)).shape == (3,) and mixture.cdf(torch.tensor(0.0)) == pytest.approx(
        0.5
    )
    for twin in (pickle.loads(pickle.dumps(d)), copy.deepcopy(d)):
        torch.testing.assert_close(twin.log_prob(torch.ones(5)), d.log_prob(torch.ones(5)))
    kept = io.BytesIO()
    torch.save(d, kept)
    kept.seek(0)
    assert torch.load(kept, weights_only=False).df.shape == (5,)


def test_names_that_mean_something_else():
    d = Clashing(0.5, loc_=1.3, value=2.5, a=torch.tensor(0.7))
    assert float(d.loc) == 0.5 and float(d.loc_) == pytest.approx(1.3)
    law = DENSITIES["clashing"]
    want = law.log_density(0.25, 1.3, 2.5, 0.7)
    torch.testing.assert_close(d.log_prob(torch.tensor(0.75)), want)
    torch.testing.assert_close(law.log_density(0.25, a=0.7, loc=1.3, value=2.5), want)
    for given, named in (((1.0,) * 4, {}), ((1.0,), {"loc": 1.0}), ((), {"b": 1.0})):
        with pytest.raises(TypeError, match="clashing takes loc, value, a, each once"):
            law.log_partition(*given, **named)


@pytest.mark.parametrize("make", [HuberByQuadrature, StudentT, Pinball])
def test_transforms_and_compilation(make):
    x = torch.linspace(-2, 2, 5, dtype=F64)
    at = tensors(*(0.1, 0.7, 1.3)[: len(make.law.parameters) + 1])
    pairs = [torch.stack([p, p + 0.1]) for p in at]
    functions = (
        lambda *p: make(*p, validate_args=False).log_prob(x),
        lambda *p: make(*p, validate_args=False).cdf(x),
        lambda *p: make(*p, validate_args=False).entropy(),
        lambda *p: make(*p, validate_args=False).icdf(torch.sigmoid(x)),
    )
    for f in functions:
        together = torch.func.vmap(f)(*pairs)
        alone = torch.stack([f(*(p[k] for p in pairs)) for k in (0, 1)])
        torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
        slope = torch.func.grad(lambda v, f=f: f(*at[:-1], v).sum())
        last = at[-1].clone().requires_grad_()
        (want,) = torch.autograd.grad(f(*at[:-1], last).sum(), last)
        torch.testing.assert_close(slope(at[-1]), want)
        _, forward = torch.func.jvp(
            lambda v, f=f: f(*at[:-1], v).sum(), (at[-1],), (torch.ones_like(at[-1]),)
        )
        torch.testing.assert_close(forward, want, rtol=1e-9, atol=1e-12)
    draw = torch.func.vmap(
        lambda *p: make(*p, validate_args=False).sample((4,)), randomness="different"
    )
    assert draw(*pairs).shape == (2, 4)
    compiled = torch.compile(functions[0], fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*at), functions[0](*at))


@pytest.mark.parametrize("loss", ["quadratic", "absolute", "huber", "smooth_l1", "cauchy"])
def test_the_generated_ones(loss):
    module = generated("torch", loss)
    make = getattr(module, "".join(part.capitalize() for part in loss.split("_")))
    d = make(*tensors(0.5, 1.4))
    x = torch.tensor([-2.0, 0.4, 3.0], dtype=F64)
    torch.testing.assert_close(d.log_prob(x), module.log_density(x - 0.5, 1.4))
    torch.testing.assert_close(d.cdf(d.icdf(torch.tensor([1e-9, 0.7], dtype=F64))),
                               torch.tensor([1e-9, 0.7], dtype=F64), rtol=1e-9, atol=0)  # fmt: skip
    assert pickle.loads(pickle.dumps(d)).variance == d.variance
    with pytest.raises(ValueError, match="must be > 0"):
        module.log_partition(-1.0)
