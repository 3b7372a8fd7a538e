"""The runtime of all NumPy densities, as the module that it is: on losses typed by hand here.

What is right is taken from closed forms, from mpmath, and from the definitions of the functions.
"""

from __future__ import annotations

import importlib
import pickle
import string
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp
from scipy import stats

INF = np.inf
FOLDER = Path(__file__).resolve().parents[2] / "templates" / "numpy"


def _runtime(name):
    package = sys.modules.setdefault("numpy_runtime", types.ModuleType("numpy_runtime"))
    package.__path__ = [str(FOLDER)]
    return importlib.import_module(f"numpy_runtime.{name}")


Density = _runtime("_density").Density
special = _runtime("_special")


def made(loss, d_x, parameters, **facts):
    """A density; a slope and a domain for every parameter are not needed here."""
    facts.setdefault("domains", dict.fromkeys(parameters, (0.0, INF, False, False)))
    return Density(__name__, "made", loss, d_x, parameters, **facts)


def _pinball(x, tau):
    return np.maximum(tau * x, (tau - 1) * x)


LOSSES = {
    "pinball": made(_pinball, lambda x, tau: np.where(x > 0, tau, tau - 1), {"tau": 0.9}),
    "laplace": made(lambda x, s: abs(x) / s, lambda x, s: np.sign(x) / s, {"s": 1.0}, even=True),
    "normal": made(lambda x, s: x / s / 2 * (x / s), lambda x, s: x / s / s, {"s": 1.0}, even=True),
    "expectile": made(
        lambda x, tau: np.where(x > 0, tau, 1 - tau) * x * x,
        lambda x, tau: 2 * np.where(x > 0, tau, 1 - tau) * x, {"tau": 0.9},
    ),
    "elastic_net": made(
        lambda x, a, b: a * abs(x) + b * x / 2 * x,
        lambda x, a, b: a * np.sign(x) + b * x, {"a": 1.0, "b": 1.0}, even=True,
        slopes={("a",): lambda x, a, b: abs(x), ("b",): lambda x, a, b: x / 2 * x,
                ("a", "a"): lambda x, a, b: 0 * x, ("a", "b"): lambda x, a, b: 0 * x},
    ),
    "gumbel": made(  # the minimum lies at log y
        lambda x, y: np.exp(x) - y * x, lambda x, y: np.exp(x) - y, {"y": 2.0},
        points=lambda y: np.log(y), slopes={("y",): lambda x, y: -x},
    ),
    "searched": made(  # the same, its minimum not known
        lambda x, y: np.exp(x) - y * x, lambda x, y: np.exp(x) - y, {"y": 2.0}, points=np.nan,
    ),
    "far": made(  # a narrow one, far away
        lambda x, m: abs(x - m) * 1e3, lambda x, m: np.sign(x - m) * 1e3, {"m": 1e6},
        points=lambda m: m,
    ),
    "huber": made(
        lambda x, d: np.where(abs(x) <= d, x / 2 * x, d * (abs(x) - d / 2)),
        lambda x, d: np.clip(x, -d, d), {"d": 1.0}, even=True, points=lambda d: (0.0, -d, d),
        slopes={("d",): lambda x, d: np.maximum(abs(x) - d, 0),
                ("d", "d"): lambda x, d: np.where(abs(x) > d, -1.0, 0.0)},
    ),
    "cauchy": made(
        lambda x, s: np.log1p((x / s) ** 2), lambda x, s: 2 * x / (s * s + x * x), {"s": 1.0},
        even=True, decay=1.0,
    ),
    "power": made(
        lambda x, b: abs(x) ** b, lambda x, b: b * np.sign(x) * abs(x) ** (b - 1), {"b": 1.5},
        even=True,
    ),
    "skewed": made(  # a power on the left, an exponential on the right
        lambda x, q: np.where(x < 0, q * np.log1p(np.maximum(-x, 0)), x),
        lambda x, q: np.where(x < 0, -q / (1 - np.minimum(x, 0)), 1.0), {"q": 3.5},
        decay=lambda q: (q - 1, INF),
    ),
    "wells": made(  # falls again on the way out
        lambda x, c: (x * x - c) ** 2, lambda x, c: 4 * x * (x * x - c), {"c": 2.0},
        points=lambda c: (np.sqrt(c), -np.sqrt(c)), rises=False,
    ),
    "jump": made(
        lambda x, d: np.where(abs(x) < d, x / 2 * x, abs(x) + 1), lambda x, d: x, {"d": 1.0},
        even=True, points=lambda d: (0.0, -d, d),
    ),
}  # fmt: skip
every_loss = pytest.mark.parametrize("name", LOSSES)


def _log_power(b):
    return mp.log(2 * mp.gamma(1 + 1 / mp.mpf(b)))


def _log_elastic(a, b):
    a, b = mp.mpf(a), mp.mpf(b)
    return mp.log(mp.sqrt(2 * mp.pi / b) * mp.erfc(a / mp.sqrt(2 * b))) + a * a / (2 * b)


@pytest.mark.parametrize(
    ("name", "at", "want"),
    [
        ("pinball", (0.9,), -mp.log(mp.mpf(0.9) * (1 - mp.mpf(0.9)))),
        ("pinball", (1e-9,), -mp.log(mp.mpf(1e-9) * (1 - mp.mpf(1e-9)))),
        ("elastic_net", (1.0, 5e-4), mp.mpf("0.69264780402376890431")),
        ("elastic_net", (40.0, 1.0), mp.mpf("-2.9963562999891701154")),
        ("elastic_net", (1e-3, 1e6), None),
        ("gumbel", (2.0,), mp.mpf(0)),
        ("gumbel", (1e-3,), mp.loggamma(mp.mpf(1e-3))),
        ("gumbel", (1e4,), mp.loggamma(10000)),
        ("searched", (1e4,), mp.loggamma(10000)),
        ("far", (1e6,), mp.log(mp.mpf(2) / 1000)),
        ("cauchy", (3.0,), mp.log(3 * mp.pi)),
        ("power", (0.03,), None),
        ("power", (0.5,), None),
        ("power", (7.0,), None),
        ("power", (500.0,), None),
        ("skewed", (3.5,), mp.log(1 + 1 / mp.mpf(2.5))),
        ("skewed", (1.001,), mp.log(1 + 1 / (mp.mpf(1.001) - 1))),
        ("jump", (1.0,), mp.log(mp.sqrt(2 * mp.pi) * mp.erf(1 / mp.sqrt(2)) + 2 * mp.exp(-2))),
    ],
)
def test_log_z_is_right(name, at, want):
    with mp.workdps(40):
        if want is None:
            want = _log_power(*at) if name == "power" else _log_elastic(*at)
    got = LOSSES[name].log_partition(*at)
    # far away x itself is rounded: to 1e-10 of the width
    bound = 1e-7 if name == "far" else 1e-12
    assert abs(got - float(want)) <= bound * max(1.0, abs(float(want)))


def test_slopes_are_expectations():
    net = LOSSES["elastic_net"]
    assert net.d_log_partition("a")(1.0, 5e-4) == pytest.approx(-0.9990024907938716, rel=1e-12)
    assert net.d_log_partition("b")(1.0, 5e-4) == pytest.approx(-0.9975092061283506, rel=1e-12)
    with mp.workdps(30):
        for by, order in (("a", "a"), (2, 0)), (("a", "b"), (1, 1)):
            want = mp.diff(_log_elastic, (mp.mpf(1), mp.mpf(2)), order)
            assert net.d_log_partition(*by)(1.0, 2.0) == pytest.approx(float(want), rel=1e-11)
        assert LOSSES["gumbel"].d_log_partition("y")(0.3) == pytest.approx(
            float(mp.digamma(mp.mpf(0.3))), rel=1e-12
        )


@pytest.mark.parametrize("at", [1e-4, 0.3, 1.0, 4.0])
def test_second_derivatives_are_right_where_the_curvature_jumps(at):
    def log_z(d):
        return mp.log(mp.sqrt(2 * mp.pi) * mp.erf(d / mp.sqrt(2)) + 2 * mp.exp(-d * d / 2) / d)

    with mp.workdps(60):
        first, second = (float(mp.diff(log_z, mp.mpf(at), n)) for n in (1, 2))
    huber = LOSSES["huber"]
    assert huber.d_log_partition("d")(at) == pytest.approx(first, rel=1e-12)
    assert huber.d_log_partition("d", "d")(at) == pytest.approx(second, rel=1e-11)


def test_the_asymmetric_laplace_is_known_in_closed_form():
    tau, law = 0.9, LOSSES["pinball"]
    x = np.array([-1e3, -20.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 3.0, 100.0, 700.0])
    below = tau * np.exp((1 - tau) * np.minimum(x, 0))
    want = np.where(x < 0, below, 1 - (1 - tau) * np.exp(-tau * np.maximum(x, 0)))
    np.testing.assert_allclose(law.cdf(x, tau), want, rtol=2e-13)
    above = np.where(x < 0, 1 - below, (1 - tau) * np.exp(-tau * np.maximum(x, 0)))
    np.testing.assert_allclose(law.sf(x, tau), above, rtol=2e-13)
    p = np.array([1e-280, 1e-12, 0.1, 0.5, 0.899, 0.95, 1 - 1e-12])
    at = np.where(p < tau, np.log(p / tau) / (1 - tau), -np.log((1 - p) / (1 - tau)) / tau)
    np.testing.assert_allclose(law.ppf(p, tau), at, rtol=1e-12)
    np.testing.assert_allclose(law.sf(law.isf(p, tau), tau), p, rtol=1e-12)
    mean = (1 - 2 * tau) / (tau * (1 - tau))
    square = 2 * (1 - 3 * tau + 3 * tau**2) / (tau * (1 - tau)) ** 2
    np.testing.assert_allclose(law.moment(1, tau), mean, rtol=1e-12)
    np.testing.assert_allclose(law.moment(2, tau), square, rtol=1e-12)
    assert law.entropy(tau) == pytest.approx(1 - np.log(tau * (1 - tau)), rel=1e-13)


@every_loss
def test_functions_agree_with_each_other(name):
    law = LOSSES[name]
    p = np.array([1e-13, 1e-4, 0.2, 0.49, 0.51, 0.8, 1 - 1e-9])
    x = law.ppf(p)
    rough = 1e-7 if name == "far" else 2e-12
    np.testing.assert_allclose(law.cdf(x), p, rtol=rough)
    np.testing.assert_allclose(law.sf(x), 1 - p, rtol=1e-6)
    np.testing.assert_allclose(law.density(x), np.exp(law.log_density(x)), rtol=1e-14)
    a, b = x[2], x[5]
    inside = np.exp(law.log_partition_on(a, b) - law.log_partition())
    assert inside == pytest.approx(law.cdf(b) - law.cdf(a), rel=max(rough, 1e-12))
    np.testing.assert_array_equal(law.ppf([0.0, 1.0, -0.1, np.nan])[2:], [np.nan, np.nan])
    np.testing.assert_array_equal(law.cdf([-INF, INF, np.nan]), [0.0, 1.0, np.nan])


@every_loss
def test_draws_have_the_density_and_are_quick(name):
    law, rng = LOSSES[name], np.random.default_rng(5)
    x = law.sample(rng, 40_000)
    assert stats.kstest(law.cdf(x), "uniform").pvalue > 1e-3
    if law.rises:
        best = INF
        for _ in range(4):
            start = time.perf_counter()
            law.sample(rng, 100_000)
            best = min(best, time.perf_counter() - start)
        assert best < 0.5  # a guard on a busy machine: a fifth of the promise


def test_moments_diverge_where_the_tails_say():
    skewed = LOSSES["skewed"]
    assert skewed.moment(1, 3.5) == pytest.approx((1 - 1 / 1.5 / 2.5) / (1 + 1 / 2.5), rel=1e-12)
    assert (skewed.moment(3, 3.5), skewed.moment(4, 3.5)) == (-INF, INF)
    assert np.isnan(LOSSES["cauchy"].moment(1))
    assert LOSSES["cauchy"].moment(2) == INF


@pytest.mark.parametrize(
    "letter",
    [*string.ascii_lowercase, "α", "sigma", "order", "size", "rng", "x0", "loc", "like", "total",
     "edges", "scale", "self", "law", "rows", "probability", "dimension", "parameters", "named",
     "function", "density", "base", "moments", "random_state", "lift", "sign"],
)  # fmt: skip
def test_a_parameter_may_be_called_anything(letter):
    residual = "r" if letter == "x" else "x"
    space = {"np": np}
    for name, body in (("loss", f"abs({residual}) / {letter}"),
                       ("d_x", f"np.sign({residual}) / {letter}")):  # fmt: skip
        exec(f"def {name}({residual}, {letter}): return {body}", space)
    law = made(space["loss"], space["d_x"], {letter: 1.0}, even=True,
               slopes={(letter,): lambda x, s: -abs(x) / s / s})  # fmt: skip
    named, rng = {letter: 2.0}, np.random.default_rng(1)
    assert law.log_partition(**named) == pytest.approx(np.log(4), rel=1e-14)
    assert law.d_log_partition(letter)(**named) == pytest.approx(0.5, rel=1e-13)
    assert law.log_partition_on(-1, 1, **named) == pytest.approx(
        np.log(4 * (1 - np.exp(-0.5))), rel=1e-13
    )
    assert law.cdf(0.0, **named) == 0.5
    assert law.ppf(0.25, **named) == pytest.approx(-2 * np.log(2), rel=1e-13)
    assert law.moment(2, **named) == pytest.approx(8, rel=1e-13)
    assert law.sample(rng, 5, **named).shape == (5,)
    assert law.log_partition_norm(3, **named) == pytest.approx(np.log(64 * np.pi), rel=1e-13)
    assert law.log_density_norm([1.0, 0.0, 0.0], **named) == pytest.approx(
        -0.5 - np.log(64 * np.pi), rel=1e-13
    )
    scipys = law.distribution(stats.rv_continuous)
    assert scipys.cdf(1.0, 2.0) == pytest.approx(1 - np.exp(-0.5) / 2, rel=1e-13)
    with pytest.raises(TypeError, match="unexpected argument"):
        law.cdf(0.0, other=1.0)
    with pytest.raises(TypeError, match="1 parameters, got 2"):
        law.cdf(0.0, 1.0, 2.0)


def test_arrays_of_parameters_shapes_and_dtypes():
    law, tau = LOSSES["pinball"], np.array([[0.1], [0.5], [0.1]])
    x = np.linspace(-3, 3, 5)
    for function, at in ((law.cdf, x), (law.density, x), (law.ppf, np.linspace(0.1, 0.9, 5))):
        got = function(at, tau)
        assert got.shape == (3, 5)
        np.testing.assert_array_equal(got, [function(at, t) for t in tau[:, 0]])
        assert function(at.astype(np.float32), 0.3).dtype == np.float32
        assert function(np.zeros((0, 2)), 0.3).shape == (0, 2)
        assert np.ndim(function(0.5, 0.3)) == 0
    assert law.log_partition(tau).shape == (3, 1)
    assert law.log_partition(np.float32(0.5)).dtype == np.float32
    assert law.moment(1, np.zeros((0,)) + 0.5).shape == (0,)
    assert law.sample(np.random.default_rng(0), None, tau).shape == (3, 1)
    assert law.sample(np.random.default_rng(0), (3, 4), tau).shape == (3, 4)
    assert law.log_partition_on([-1.0, 0.0], [1.0, 2.0], tau).shape == (3, 2)
    with pytest.raises(ValueError, match="does not fit"):
        law.sample(np.random.default_rng(0), (2,), tau)
    with pytest.raises(ValueError, match="finite, a < b"):
        law.log_partition_on(1.0, 1.0)
    with pytest.raises(TypeError, match="real numbers"):
        law.cdf(np.array([1j]))


def test_where_the_integral_diverges_the_rule_is_told():
    sides = made(
        lambda x, y: np.exp(x) - y * x, lambda x, y: np.exp(x) - y, {"y": 2.0},
        points=lambda y: np.log(y), exists=(lambda y: y > 0, "y must be > 0 for a density"),
    )  # fmt: skip
    for function in (sides.log_partition, sides.entropy):
        with pytest.raises(ValueError, match="y must be > 0"):
            function(0.0)
    with pytest.raises(ValueError, match="y must be > 0"):
        sides.sample(np.random.default_rng(0), 2, np.array([1.0, 0.0]))
    # over an interval there is always an integral
    assert np.isfinite(sides.log_partition_on(-1.0, 1.0, 0.0))


def test_a_narrow_interval_far_out_keeps_its_digits():
    law = LOSSES["laplace"]
    for a, width in ((1e5, 1e-6), (600.0, 1e-3), (-700.0, 5.0), (0.0, 1e-300)):
        low, high = a, a + width
        exact = high - low
        want = mp.log(-mp.expm1(-mp.mpf(exact))) - min(abs(low), abs(high))
        got = law.log_partition_on(low, high)
        assert abs(got - float(want)) <= 1e-12 * abs(float(want)), a


def test_scipy_gets_a_distribution_that_can_be_pickled():
    law = LOSSES["pinball"].distribution(stats.rv_continuous)
    assert law.mean(0.9) == pytest.approx(-80 / 9, rel=1e-12)
    assert law.shapes == "tau"
    assert np.isnan(law.cdf(0.0, -1.0))
    assert LOSSES["laplace"].__reduce__() == "_DENSITY"


_DENSITY = LOSSES["laplace"]


def test_pickle_finds_the_density_in_its_module():
    sys.modules.setdefault(__name__, sys.modules[__name__])
    assert pickle.loads(pickle.dumps(_DENSITY)) is _DENSITY


@pytest.mark.parametrize("z", [1e-305, 1e-9, 0.3, 7.999, 8.0, 30.0, 1e9, 1e300, INF])
def test_special_functions_against_mpmath(z):
    with mp.workdps(1000 if z > 1e200 else 60):  # differences of large numbers
        t, half = mp.mpf(z), mp.mpf(1) / 2
        if z == INF:
            wants = [0, 0, 0]
        else:
            gap = lambda v: mp.loggamma(v + half) - mp.loggamma(v) - mp.log(v) / 2  # noqa: E731
            psi = lambda n: mp.polygamma(n, t + half) - mp.polygamma(n, t)  # noqa: E731
            wants = [gap(t), psi(0) - 1 / (2 * t), psi(1) + 1 / (2 * t * t)]
        for function, want in zip(
            (special.gamma_gap, special.gamma_gap1, special.gamma_gap2), wants, strict=True
        ):
            with np.errstate(all="ignore"):
                got = float(function(z))
            assert got == pytest.approx(float(want), rel=4e-15, abs=1e-300), function.__name__
        if 1e-100 < z < 1e100:
            assert float(special.digamma(z)) == pytest.approx(float(mp.digamma(t)), rel=1e-13)
            assert float(special.trigamma(z)) == pytest.approx(float(mp.polygamma(1, t)), rel=1e-13)
            assert float(special.loggamma(z)) == pytest.approx(float(mp.loggamma(t)), rel=1e-14)
            assert float(special.loggamma1p(z)) == pytest.approx(float(mp.loggamma(1 + t)), 1e-14)
            assert float(special.digamma1p(z)) == pytest.approx(float(mp.digamma(1 + t)), 2e-15)
    assert float(special.erf(0.5)) + float(special.erfc(0.5)) == 1.0
