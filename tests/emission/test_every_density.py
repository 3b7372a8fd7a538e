"""Losses of the field and loss files of users: where the integral exists, all that a density has.

Slow: each loss goes the whole way to both targets. log Z and the integral over [-1.3, 2.1] were
computed by mpmath, between kinks and powers of two, out to where nothing is left.
"""

from __future__ import annotations

import importlib.util
import sys
import time

import numpy as np
import pytest
import torch
from losses import own
from scipy import stats

from derive.definitions.find import find
from derive.pipeline import build
from derive.progress import Progress

pytestmark = pytest.mark.slow
INF, F64 = np.inf, torch.float64
# parameters: log Z, and log of the integral over an interval
KNOWN = {
    "asymmetric_laplace": {
        (0.7, 0.5): (0.86750056770472306, None), (0.3, 2.0): (2.2537949288246137, None),
    },
    "box_cox": {(0.5, 0.5**0.5): (0.72607587799943141794, 0.6250710393692498222)},
    "elastic_net": {
        (1.0, 1.0): (0.27106406875535454543, 0.23352181036994631777),
        (1.0, 5e-4): (0.69264780402376890431, 0.47297745629407708167),
        (40.0, 1.0): (-2.9963562999891701154, -2.9963562999891701154),
    },
    "epsilon_insensitive": {(0.1,): (0.78845736036427017451, 0.56728374520745089205)},
    "expectile": {(0.1,): (1.3181923813135586273, 0.77009809800288415416)},
    "fair": {(1.3998,): (1.2660625963372302487, 0.92388565440991495176)},
    "generalized_charbonnier": {
        (0.001, 0.45): (0.74400993783261170585, 0.46150477189159787244),
    },
    "generalized_normal": {(1.5, 1.0): (0.59083234759930449612, 0.51305559490991558617)},
    "linex": {
        (0.5,): (1.6931471805599453094, 1.0693433947849309071),
        (-2.0,): (0.30685281944005469058, 0.29185579955530213736),
        (1e-3,): (7.9077552789821370312, 1.2237748697521765953),
    },
    "log_cosh": {(1.0,): (1.1447298858494001741, 0.86109632858445289565)},
    "pinball": {(0.9,): (2.4079456086518721826, 0.77117211691609444272)},
    "q_gaussian": {(1.5, 1.0): (0.79815629556942751944, 0.64036684518403997048)},
    "quantile_huber": {(0.1, 1.0): (2.4909390363394581623, 0.9470879465275799064)},
    "smooth_quantile": {(0.1, 0.5): (2.3804541830445503238, 0.62940324544305288103)},
    "squared_epsilon_insensitive": {
        (0.1,): (0.67927837721857658666, 0.63595555087246614254),
    },
    "tolerant": {(1.0, 0.5): (0.94359509034606945793, 0.87517730596344337113)},
    "wing": {(10.0, 2.0): (-0.81093024102358660354, -0.81724796869600062661)},
}  # fmt: skip
NONE = ("andrews", "arctan", "dynamic_covariance_scaling", "hampel", "ramsay", "talwar", "tukey")


def _modules(name, folder):
    """The two files of a loss, each with all that it needs, imported."""
    files = build(find(own(name)), ("numpy", "torch"), name, Progress(), joined=True).files
    made = []
    for path, text in files.items():
        place = folder / path.replace("/", "_")
        place.write_text(text)
        spec = importlib.util.spec_from_file_location(place.stem, place)
        module = importlib.util.module_from_spec(spec)
        sys.modules[place.stem] = module
        spec.loader.exec_module(module)
        made.append(module)
    return made


@pytest.fixture(scope="module", params=KNOWN)
def made(request, tmp_path_factory):
    loss = find(own(request.param))
    numpy, tensors = _modules(request.param, tmp_path_factory.mktemp(request.param))
    yield loss, numpy, tensors
    for module in (numpy, tensors):
        sys.modules.pop(module.__name__, None)


def _tensors(*values):
    return [torch.tensor(v, dtype=F64) for v in values]


def _class(loss, tensors, pattern):
    title = "".join(part.capitalize() for part in loss.name.split("_"))
    return getattr(tensors, pattern.format(title))


def test_integrals(made):
    loss, numpy, tensors = made
    for at, (log_z, on) in KNOWN[loss.name].items():
        assert numpy.log_partition(*at) == pytest.approx(log_z, abs=1e-12)
        assert float(tensors.log_partition(*_tensors(*at))) == pytest.approx(log_z, abs=1e-12)
        if on is not None:
            assert numpy.log_partition_on(-1.3, 2.1, *at) == pytest.approx(on, abs=1e-12)
            got = tensors.log_partition_on(*_tensors(-1.3, 2.1, *at))
            assert float(got) == pytest.approx(on, abs=1e-12)


def test_slopes(made):
    """One for each parameter; of both targets the same, and that of differences."""
    loss, numpy, tensors = made
    names = [p.name for p in loss.parameters]
    for at in KNOWN[loss.name]:
        for place, name in enumerate(names):
            step = 1e-4 * at[place]
            low, high = (
                numpy.log_partition(*at[:place], at[place] + s, *at[place + 1 :])
                for s in (-step, step)
            )
            slope = getattr(numpy, f"d_log_partition_{name}")(*at)
            assert slope == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-6)
        for by in (n for n in vars(numpy) if n.startswith(("d_log_part", "d2_log_part"))):
            want = float(getattr(numpy, by)(*at))
            got = float(getattr(tensors, by)(*_tensors(*at)))
            assert got == pytest.approx(want, rel=1e-11, abs=1e-14), by


def test_probabilities(made):
    loss, numpy, tensors = made
    q = np.array([1e-300, 1e-20, 1e-6, 0.1, 0.3, 0.5, 0.6, 0.9])
    ends = [-INF, INF, np.nan]
    for at in KNOWN[loss.name]:
        x = numpy.ppf(q, *at)
        assert np.isfinite(x).all()
        np.testing.assert_allclose(numpy.cdf(x, *at), q, rtol=1e-11)
        far = numpy.ppf(q[:4], *at)
        np.testing.assert_allclose(1 - numpy.sf(far, *at), q[:4], atol=1e-15)
        np.testing.assert_array_equal(numpy.cdf(ends, *at), [0, 1, np.nan])
        np.testing.assert_array_equal(numpy.sf(ends, *at), [1, 0, np.nan])
        d = _class(loss, tensors, "{}")(*_tensors(0.0, *at))
        y = np.array([-30.0, -2.0, -0.1, 0.0, 0.3, 1.0, 5.0, 40.0])
        np.testing.assert_allclose(
            d.cdf(torch.tensor(y)).numpy(), numpy.cdf(y, *at), rtol=1e-11, atol=1e-300
        )
        middle = torch.tensor(q[2:])
        np.testing.assert_allclose(d.icdf(middle).numpy(), x[2:], rtol=1e-9, atol=1e-15)


def test_draws(made):
    loss, numpy, tensors = made
    torch.manual_seed(2)
    for at in KNOWN[loss.name]:
        rng = np.random.default_rng(3)
        draws = numpy.sample(rng, 20_000, *at)
        assert stats.kstest(numpy.cdf(draws, *at), "uniform").pvalue > 1e-3
        took = []
        for _ in range(3):
            start = time.process_time()
            numpy.sample(rng, 200_000, *at)
            took.append(time.process_time() - start)
        assert min(took) < 0.2
        d = _class(loss, tensors, "{}")(*_tensors(0.0, *at))
        draws = d.sample((5000,)).numpy()
        assert stats.kstest(numpy.cdf(draws, *at), "uniform").pvalue > 1e-3


def test_moments_and_entropy(made):
    loss, numpy, tensors = made
    share = (np.arange(20_000) + 0.5) / 20_000
    for at in KNOWN[loss.name]:
        entropy, first, second = (
            numpy.entropy(*at), numpy.moment(1, *at), numpy.moment(2, *at),
        )  # fmt: skip
        mean = -numpy.log_density(numpy.ppf(share, *at), *at).mean()
        assert entropy == pytest.approx(mean, abs=2e-3 * max(1, abs(entropy)))
        d = _class(loss, tensors, "{}")(*_tensors(0.0, *at))
        assert float(d.entropy()) == pytest.approx(entropy, rel=1e-11)
        if np.isfinite(second):
            assert float(d.mean) == pytest.approx(first, rel=1e-11, abs=1e-13)
            assert float(d.variance) == pytest.approx(second - first**2, rel=1e-10)
        else:
            assert not np.isfinite(float(d.variance))


def test_divergence(made):
    loss, numpy, tensors = made
    make = _class(loss, tensors, "{}")
    for at in KNOWN[loss.name]:
        got = numpy.kl_divergence(at, at, 0.3)
        pair = make(*_tensors(0.0, *at)), make(*_tensors(0.3, *at))
        want = float(torch.distributions.kl_divergence(*pair))
        assert got == pytest.approx(want, rel=1e-10)
        assert numpy.kl_divergence(at, at) == 0


def test_scipy_and_the_adaptive_loss(made):
    loss, numpy, tensors = made
    scale = numpy._DENSITY.scale
    for at in KNOWN[loss.name]:
        given = dict(zip((p.name for p in loss.parameters), at, strict=True))
        named = {"scale": given.pop(scale)} if scale else {}
        d = numpy.distribution(stats.rv_continuous)
        assert d.cdf(0.3, *given.values(), **named) == pytest.approx(numpy.cdf(0.3, *at), rel=1e-13)
        assert d.rvs(*given.values(), size=5, **named).shape == (5,)
    adaptive = _class(loss, tensors, "Adaptive{}Loss")(2)
    adaptive(torch.randn(64, 2)).backward()
    assert all(torch.isfinite(p.grad).all() for p in adaptive.parameters())


@pytest.mark.parametrize("name", NONE)
def test_where_the_integral_diverges_there_is_none(name, tmp_path):
    for module in _modules(name, tmp_path):
        assert hasattr(module, "log_partition_on")
        assert not hasattr(module, "log_partition") and not hasattr(module, "density")
        sys.modules.pop(module.__name__, None)


def test_linex_at_0_has_none(tmp_path):
    for module in _modules("linex", tmp_path):
        for call in (lambda m=module: m.log_partition(0.0), lambda m=module: m.density(0.3, 0.0)):
            with pytest.raises(ValueError, match="a must be other than 0 for a density"):
                call()
        sys.modules.pop(module.__name__, None)
