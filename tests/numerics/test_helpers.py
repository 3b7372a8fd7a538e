"""Helpers against their exact definitions: a bound in ULP beside each, edges included."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp

from derive.numerics.evaluate import evaluate
from derive.numerics.helpers import HELPERS
from derive.numerics.nodes import Name, children, walk

RNG = np.random.default_rng(11)


def _around(*edges: float) -> np.ndarray:
    return np.array([v for e in edges for v in (np.nextafter(e, -9e99), e, np.nextafter(e, 9e99))])


def _spread(low: float, high: float, count: int = 150) -> np.ndarray:
    return np.exp(RNG.uniform(np.log(low), np.log(high), count))


def _signed(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, -values])


SMALL = _spread(1e-300, 1.0, 60)
EXPONENTS = np.concatenate([_signed(_spread(1e-18, 700, 200)), _signed(SMALL), _around(0.0)])
LOGS = np.concatenate(
    [_spread(1e-18, 1e300), _around(1.0), SMALL, -RNG.uniform(0, 0.999, 150), -_spread(1e-18, 0.5)]
)
# name -> bound in ULP of float64
BOUNDS: dict[str, float] = {
    "rel2": 5.0, "rel2_slope": 6.0, "rel2_bend": 8.0, "exprel": 2.0, "exprel1": 5.0, "exprel2":
    6.0, "log1p_minus": 4.0, "log1prel": 2.0, "log1prel1": 5.0, "log1prel2":
    9.0, "logcosh": 3.0, "logcosh_excess": 3.0, "softplus": 2.0, "sigmoid": 3.0,
    "power1p": 2.5, "power1p_exp": 3.0, "root_softplus": 3.0, "root_sigmoid": 3.0,
    "softplus_crossed": 5.0, "softplus_product": 3.5, "log1p_square": 2.5, "log1p_over": 3.0,
    "power1p_square": 3.0, "times_power1p": 5.0,
    "times_power1p_less_one": 5.0, "in_halves": 6.0, "root1p_square": 1.5,
    "weighted": 5.0, "half_weighted": 5.0,
    "expm1_minus": 3.0, "boxcox1p": 6.0, "boxcox_slope": 6.0, "boxcox_bend": 6.0,
    "times_log1p": 3.0, "log_ratio": 3.0, "log_total": 2.0,
    "log_ratio_gap": 4.0, "log_quotient": 2.5, "divergence": 12.0,
    "log1mexp": 2.5,
    "chance_gap": 3.0, "chance_divergence": 8.0,
    "hypot": 1.5, "hypot_log": 1.5, "hypot_mean": 4.0, "ratio_log": 3.0, "ratio_power": 2.5,
    "ratio_in_halves": 8.0, "times_ratio_power": 5.0,
    "softplus_step": 4.0, "less_pi": 4.0, "gamma_gap": 3.5, "gamma_gap1": 5.0, "gamma_gap2": 6.0,
    "digamma1p": 3.0, "loggamma1p": 4.0,
}  # fmt: skip


def _pairs(
    first: np.ndarray, second: np.ndarray, count: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    return RNG.choice(first, count), RNG.choice(second, count)


def _arguments(name: str) -> tuple[np.ndarray, ...]:
    if name in ("exprel", "exprel1", "exprel2", "rel2", "rel2_slope", "rel2_bend"):
        return (np.concatenate([EXPONENTS, _around(2.0, -2.0, 3.0, -3.0)]),)
    if name in (
        "logcosh",
        "logcosh_excess",
        "softplus",
        "sigmoid",
        "expm1_minus",
        "root_softplus",
        "root_sigmoid",
        "softplus_crossed",
        "softplus_product",
    ):
        return (np.concatenate([EXPONENTS, _around(20.0, -20.0, 1.0, -1.0, 1.5, -1.5)]),)
    if name == "log1p_square":
        return (np.concatenate([_spread(1e-150, 1e300), _around(2.0**40)]),)
    if name == "root1p_square":
        return (np.concatenate([_spread(1e-150, 1e300), _around(2.0**40)]),)
    if name == "log1p_over":
        return _pairs(_spread(1e-150, 1e300), _spread(1e-30, 1e30))
    if name.endswith("weighted"):  # both of one sign: what cancels is the caller's
        y, b = _pairs(_spread(1e-150, 1e300), _spread(1e-30, 1e30))
        return (*(RNG.uniform(0.5, 2, y.size) for _ in range(3)), y, b)
    if name == "times_log1p":
        f, t = _pairs(_spread(1e-30, 1e30), np.concatenate([_spread(1e-280, 1e280), SMALL]))
        return f, t, _pairs(_spread(1e-30, 1e30), _spread(1e-280, 1e-200))[0]
    if name.startswith("hypot"):
        t, b = _pairs(_signed(_spread(1e-300, 1e300)), _spread(1e-30, 1e30))
        angle, beside = np.linspace(0.01, 1.5, 150), 1 + _signed(np.logspace(-12, -1, 75))
        t = np.concatenate([t, _spread(0.1, 10), np.cos(angle) * beside])
        b = np.concatenate([b, _spread(1e-3, 3), np.sin(angle)])
        return (t, b, *(RNG.uniform(0.5, 2, t.size) for _ in range(2 * name.endswith("mean"))))
    if "ratio_" in name and not name.startswith("log_"):
        t, times = _pairs(_spread(1e-300, 1e300), np.exp(_signed(_spread(1e-15, 90))))
        q = RNG.uniform(-4, 4, t.size)
        four, root = ([RNG.uniform(0.5, 2, t.size) for _ in range(n)] for n in (4, 1))
        parts = {"ratio_log": (t, t * times), "ratio_power": (t, t * times, q)}
        return parts.get(name, (*four, t, t * times, q, *root))
    if name.startswith("times_") or name == "in_halves":
        y, q = _pairs(_spread(1e-9, 1e30), RNG.uniform(-4, 4, 200))
        *factors, b = (RNG.uniform(0.5, 2, y.size) for _ in range(5))
        return (*factors, y, b, q, *([RNG.uniform(1, 2, y.size)] if name == "in_halves" else []))
    if name == "power1p_exp":
        return _pairs(EXPONENTS, np.concatenate([RNG.uniform(-300, 300, 200), _signed(SMALL[:20])]))
    if "power1p_" in name:
        t = np.concatenate([_spread(1e-12, 1e12), _spread(1e12, 1e200), _around(2.0**40)])
        t, q = _pairs(t, np.concatenate([RNG.uniform(-4, 4, 200), _signed(SMALL[:20])]))
        return t, np.ones(t.size), q
    if name.startswith("log1p"):
        return (np.concatenate([LOGS, _around(-0.5)]),)
    if name == "power1p" or name.startswith("boxcox"):
        t = np.concatenate([_spread(1e-18, 1e3), -RNG.uniform(0, 0.99, 100)])
        return _pairs(t, np.concatenate([RNG.uniform(-4, 4, 200), _signed(SMALL[:20])]))
    if name == "softplus_step":
        return _pairs(_signed(_spread(1e-6, 300)), _spread(1e-18, 300))
    if name == "less_pi":
        c = np.logspace(-30, 30, 400)
        return np.pi * c * (1 + np.tile(_signed(np.logspace(-5, -0.3, 20)), 10)), c
    if name == "log1mexp":
        return (_spread(1e-18, 700, 300),)
    if name == "log_quotient":
        a, times = _pairs(_spread(1e-300, 1e300), _spread(1e-5, 0.5))
        return a, a * times
    if name == "log_total":  # both of one sign: what cancels is the caller's
        a, b = _pairs(_spread(1e-6, 1e6), _spread(1e-6, 1e6))
        return a, b, b - a
    if name == "log_ratio_gap":
        below = _spread(1e-6, 1e6)
        return np.e * below * (1 + _signed(_spread(1e-3, 0.9))[: len(below)]) - 1, below - 1
    if name in ("log_ratio", "divergence"):
        a, times = _pairs(_spread(1e-280, 1e280), np.exp(_signed(_spread(1e-15, 40))))
        b = a * times
        return a, b, a - b if name == "log_ratio" else b - a
    if name.startswith("chance_"):
        q, w = _pairs(_spread(1e-12, 1.0), _signed(_spread(1e-7, 20)))
        return q * np.exp(-w), q, w
    if name == "loggamma1p":  # its slope is what is asked beside its zeros
        return (_spread(3.0, 1e20),)
    if name == "digamma1p":
        zero = 0.46163214496836234
        return (np.concatenate([_spread(1e-12, 1e25), zero * (1 + _signed(SMALL)), _around(1e18)]),)
    assert name.startswith("gamma_gap"), f"{name}: say here what its arguments are"
    return (np.concatenate([_spread(1e-12, 1e12), _around(8.0)]),)


def _errors(name: str, arguments: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    helper = HELPERS[name]
    call = helper(*map(Name, helper.parameters))
    got = evaluate(call, dict(zip(helper.parameters, arguments, strict=True)))
    got = np.broadcast_to(got, arguments[0].shape)
    errors, sizes = [], []
    with mp.workdps(60):
        for values in zip(got, *arguments, strict=True):
            value, *at = map(float, values)
            with mp.workdps(1200 if max(map(abs, at)) > 1e50 or min(map(abs, at)) < 1e-20 else 80):
                exact = helper.exact(*map(mp.mpf, at))
                inside = mp.mpf(2) ** -1000 < abs(exact) < mp.mpf(2) ** 1000
                unit = float(np.spacing(abs(float(exact)))) if inside else 1.0
                errors.append(float(abs(mp.mpf(value) - exact) / unit) if inside else 0.0)
            sizes.append(float(exact))
    return np.array(errors), np.array(sizes)


def _log1p_square(t):
    with np.errstate(over="ignore"):
        return np.where(t < 1e150, np.log1p(np.minimum(t, 1e150) ** 2), 2 * np.log(t))


@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_keeps_its_bound(name):
    arguments = _arguments(name)
    errors, sizes = _errors(name, arguments)
    allowed = np.full(errors.shape, BOUNDS[name])
    if name.startswith("chance_"):  # p is rounded, w is exact
        allowed = allowed + 2 * arguments[0] / np.abs(sizes)
    if name == "log_ratio_gap":  # e has so many digits
        allowed = allowed + 0.02 / np.abs(sizes)
    if name == "power1p_exp":
        z, q = arguments
        allowed = allowed + np.abs(q) * (np.logaddexp(0, z) + np.abs(z) / (1 + np.exp(-z)))
    elif name.endswith(("ratio_power", "ratio_in_halves")):
        allowed = allowed + 3 * np.abs(arguments[2 if name == "ratio_power" else 6])
    elif "power1p_" in name or name.startswith("times_") or name == "in_halves":
        y, b, q = arguments[4:7] if len(arguments) > 3 else arguments
        t = y / np.sqrt(b)
        allowed = allowed + 2 * np.abs(q) + np.abs(q * _log1p_square(t))
    elif name == "power1p" or name.startswith(
        "boxcox"
    ):  # what the rounding of either argument costs
        t, q = arguments
        allowed = allowed + np.abs(q * t / (1 + t)) + np.abs(q * np.log1p(t))
    if name == "softplus_step":
        allowed = allowed + np.abs(arguments[0])
    k = int(np.argmax(errors - allowed))
    assert errors[k] <= allowed[k], (name, [float(v[k]) for v in arguments], errors[k], allowed[k])


@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_uses_its_parameters_and_no_others(name):
    helper = HELPERS[name]
    used = {
        n.name
        for e in (helper.body, *(helper.shortcut or ()))
        for n in walk(e)
        if isinstance(n, Name)
    }
    assert used == set(helper.parameters)
    assert helper.meaning.endswith(".")
    assert children(helper.body)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("exprel", (0.0,), 1.0), ("exprel1", (0.0,), 0.5), ("exprel2", (0.0,), 1 / 3),
        ("log1prel", (0.0,), 1.0), ("log1prel1", (0.0,), 0.5), ("log1prel2", (0.0,), 1 / 3),
        ("exprel", (-np.inf,), 0.0), ("exprel", (np.inf,), np.inf),
        ("softplus", (-np.inf,), 0.0),
        ("power1p_exp", (np.inf, 0.0), 1.0), ("power1p_exp", (np.inf, -2.0), 0.0),
        ("power1p_exp", (-np.inf, -2.0), 1.0),
        ("softplus", (np.inf,), np.inf), ("sigmoid", (np.inf,), 1.0), ("sigmoid", (-np.inf,), 0.0),
        ("logcosh", (np.inf,), np.inf), ("logcosh", (800.0,), 800 - np.log(2)),
        ("boxcox1p", (1.3, 0.0), np.log1p(1.3)),
        ("boxcox_slope", (1.3, 0.0), np.log1p(1.3) ** 2 / 2),
        ("boxcox_bend", (1.3, 0.0), np.log1p(1.3) ** 3 / 3),
    ],
)  # fmt: skip
def test_edges(name, at, value):
    helper = HELPERS[name]
    names = dict(zip(helper.parameters, map(np.float64, at), strict=True))
    got = float(evaluate(helper(*map(Name, helper.parameters)), names))
    assert got == pytest.approx(value, rel=1e-15)


def test_less_pi_has_the_right_sign_next_to_pi():
    c = np.logspace(-30, 30, 400)
    for z in (np.pi * c, np.nextafter(np.pi * c, 0), np.nextafter(np.pi * c, np.inf)):
        got = evaluate(HELPERS["less_pi"](Name("z"), Name("c")), {"z": z, "c": c})
        with mp.workdps(40):
            want = [mp.sign(mp.mpf(float(a)) - mp.pi * float(b)) for a, b in zip(z, c, strict=True)]
        assert np.array_equal(np.sign(got), np.array(want, dtype=float))


# What follows from the other arguments, such as their difference, is NaN where one of them is.
FOLLOWING = {"log_ratio": 2, "divergence": 2, "chance_gap": 2, "chance_divergence": 2}


@pytest.mark.parametrize("name", HELPERS)
def test_nan_passes_through(name):
    helper = HELPERS[name]
    usual = np.array([0.7, 1.3, 0.65, 1.1, 0.9, 0.8, 1.2, 1.05])
    for position in range(len(helper.parameters)):
        at = list(usual[: len(helper.parameters)])
        if FOLLOWING.get(name) == position:
            continue
        if name in FOLLOWING:
            at[FOLLOWING[name]] = np.float64(np.nan)
        at[position] = np.float64(np.nan)
        names = dict(zip(helper.parameters, at, strict=True))
        assert np.isnan(evaluate(helper(*map(Name, helper.parameters)), names)), position


def test_one_less_the_logarithm_of_a_ratio_is_as_exact_away_from_its_zero():
    below = np.linspace(1.01, 4, 4000)
    errors, _ = _errors("log_ratio_gap", (1.225 * below - 1, below - 1))
    assert errors.max() < 2


def test_half_of_a_subnormal_number_is_not_lost():
    helper, least = HELPERS["half_weighted"], 5e-324
    at = dict(zip(helper.parameters, (2.0**1000, 0.0, least, 1e200, 1.0), strict=True))
    assert evaluate(helper(*map(Name, helper.parameters)), at) == 2.0**999 * least


def test_halves_of_a_power_beyond_the_range():
    """Four parts of 10^720 beside divisors of 10^250."""
    helper = HELPERS["in_halves"]
    at = (1.0, 1.0, 1e250, 1e250, 1e3, 1.0, 120.0, 1.0)
    got = evaluate(
        helper(*map(Name, helper.parameters)), dict(zip(helper.parameters, at, strict=True))
    )
    with mp.workdps(30):
        assert float(got) == pytest.approx(float(helper.exact(*map(mp.mpf, at))), rel=1e-13)
