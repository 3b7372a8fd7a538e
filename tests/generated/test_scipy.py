"""The density as a SciPy distribution, by the checks that SciPy runs on its own distributions."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import IntegrationWarning
from table import INF, generated

with warnings.catch_warnings():
    # SciPy's tests carry marks that only its own settings know.
    warnings.simplefilter("ignore")
    from scipy.stats.tests import common_tests as common
    from scipy.stats.tests import test_continuous_basic as basic

NO_SHAPE = ("quadratic", "absolute", "cauchy", "charbonnier")
ALPHAS = (0.0, 1e-8, 0.5, 1.0, 1.5, 2 - 1e-9, 2.0, 4.0, 1e6, INF)
# Not between 2 and 4, where a sample says little of the variance: SciPy would bootstrap it.
DFS = (0.5, 1.0, 2.0, 5.0, 40.0, 1e9, INF)
CASES = [
    *((name, ()) for name in NO_SHAPE),
    *((name, (v,)) for name in ("huber", "smooth_l1") for v in (0.3, 1.0, 4.0)),
    *(("barron", (a,)) for a in ALPHAS),
    *(("student_t", (df,)) for df in DFS),
]
cases = pytest.mark.parametrize(("loss", "shapes"), CASES)
# SciPy's own quadrature takes seconds a case: always a few exponents, on demand all.
QUICK = {(), (1.0,), (0.5,), (2 - 1e-9,), (INF,), (5.0,)}
QUADRATURE = [
    case if case[1] in QUICK else pytest.param(*case, marks=pytest.mark.slow) for case in CASES
]


def _made(loss):
    return generated("numpy", loss).distribution(stats.rv_continuous)


@pytest.fixture
def named(monkeypatch):
    """A distribution under a name that SciPy's checks find."""

    def add(loss):
        for place in (stats, stats.distributions):
            monkeypatch.setattr(place, f"our_{loss}", _made(loss), raising=False)
        # Complex arguments, for differences along the imaginary axis, are no part of a loss.
        monkeypatch.setattr(basic, "fails_cmplx", {f"our_{loss}"})
        # Fits are checked below; by moments there is none where these are infinite.
        for skipped in ("skip_fit_test", "skip_fit_fix_test"):
            monkeypatch.setattr(basic, skipped, {"MLE": [], "MM": [f"our_{loss}"]}, raising=False)
        return f"our_{loss}"

    return add


def _run(check, *arguments, **more):
    """SciPy's checks differ in their arguments from version to version."""
    wanted = inspect.signature(check).parameters
    given = {k: v for k, v in more.items() if k in wanted}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        check(*arguments, **given)


@cases
def test_scipys_basic_checks(named, loss, shapes):
    more = {"num_parallel_threads": 1, "n_fit_samples": 200}
    _run(basic.test_cont_basic, named(loss), shapes, 500, **more)


@pytest.mark.parametrize(("loss", "shapes"), QUADRATURE)
def test_scipys_checks_of_moments(named, loss, shapes):
    """Where SciPy's own quadrature reaches: not with the tails of alpha near 0."""
    heavy = loss == "cauchy" or (loss == "barron" and shapes[0] < 0.1)
    heavy = heavy or (loss == "student_t" and shapes[0] < 4)
    _run(basic.test_moments, named(loss), shapes, not heavy, not heavy, True, is_xfailing=False)


@cases
def test_draws_broadcast_as_scipy_asks(loss, shapes):
    made = _made(loss)
    arrays = [np.full((4, 1, 1), v) for v in shapes]
    shape = [4, 3, 2] if shapes else [3, 2]
    common.check_rvs_broadcast(
        made, loss, [*arrays, np.zeros(2), np.ones((3, 1))], shape, True, "d"
    )


@cases
def test_methods_take_lists(loss, shapes):
    made, at = _made(loss), [0.1, 0.5, 0.9]
    for name in ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"):
        method = getattr(made, name)
        got = method(at, *([v] * 3 for v in shapes), loc=[0.0] * 3, scale=[2.0] * 3)
        np.testing.assert_allclose(got, [method(q, *shapes, loc=0.0, scale=2.0) for q in at])


@pytest.mark.parametrize(
    ("loss", "shapes", "method"),
    [
        ("absolute", (), "MM"), ("huber", (1.0,), "MLE"), ("barron", (1.5,), "MLE"),
        pytest.param("huber", (1.0,), "MM", marks=pytest.mark.slow),
        pytest.param("barron", (1.5,), "MM", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_scipys_checks_of_fits(loss, shapes, method):
    made = _made(loss)
    data = made.rvs(*shapes, loc=0.3, scale=2.0, size=200, random_state=np.random.default_rng(6))
    _run(basic.check_fit_args, made, shapes, data, method)
    _run(basic.check_fit_args_fix, made, shapes, data, method)


@pytest.mark.parametrize(
    ("loss", "known"),
    [
        ("quadratic", stats.norm()),
        ("absolute", stats.laplace()),
        ("cauchy", stats.cauchy(0, 2**0.5)),
    ],
)
def test_the_known_ones_are_known(loss, known):
    made = _made(loss)
    x = np.array([-1e200, -300.0, -35.0, -3.0, -1e-9, 0.0, 0.1, 2.0, 36.0, np.inf])
    q = np.array([1e-300, 1e-20, 0.2, 0.3, 0.4999, 0.5, 0.6, 1.0])
    with np.errstate(under="ignore", over="ignore"):
        for name in ("cdf", "sf", "pdf"):
            want = getattr(known, name)(x)
            np.testing.assert_allclose(getattr(made, name)(x), want, rtol=2e-13, atol=1e-307)
        np.testing.assert_allclose(made.ppf(q), known.ppf(q), rtol=2e-12, atol=1e-300)
        np.testing.assert_allclose(made.isf(q), known.isf(q), rtol=2e-12, atol=1e-300)
    np.testing.assert_allclose(made.entropy(), known.entropy(), rtol=1e-14)


def test_maximum_likelihood_finds_the_parameters():
    made = _made("barron")
    data = made.rvs(0.7, loc=3.0, scale=0.5, size=20_000, random_state=np.random.default_rng(1))
    alpha, loc, scale = made.fit(data)
    np.testing.assert_allclose([alpha, loc, scale], [0.7, 3.0, 0.5], atol=0.04)


def test_scipys_own_way_to_fit_and_its_new_distributions():
    made = _made("barron")
    data = made.rvs(1.2, scale=2.0, size=500, random_state=np.random.default_rng(2))
    bounds = {"alpha": (0, 3), "loc": (-1, 1), "scale": (0.1, 9)}
    found = stats.fit(made, data, bounds, optimizer=_near(made.fit(data)))
    assert found.success
    if hasattr(stats, "make_distribution"):
        new = stats.make_distribution(made)(alpha=1.2)
        np.testing.assert_allclose(new.cdf([-1.0, 2.0]), made.cdf([-1.0, 2.0], 1.2))
        np.testing.assert_allclose(new.variance(), made.var(1.2))
        with pytest.raises(ValueError, match="alpha must be"):
            stats.make_distribution(made)(alpha=-1.0).cdf(0.5)


def _near(start):
    from scipy.optimize import minimize

    def optimizer(fun, bounds, **_):
        return minimize(fun, start, bounds=bounds, method="Nelder-Mead")

    return optimizer


def test_parameters_outside_their_domain_are_scipys_nan():
    made = _made("barron")
    assert np.isnan(made.pdf(1.0, -0.5))
    assert np.isnan(made.cdf(1.0, np.nan))
    np.testing.assert_array_equal(np.isnan(made.sf(1.0, [-1.0, 0.0, INF])), [True, False, False])
    with pytest.raises(ValueError, match="Domain error"):
        made.rvs(-1.0, size=3)
    assert np.isnan(_made("huber").pdf(1.0, 0.0))
