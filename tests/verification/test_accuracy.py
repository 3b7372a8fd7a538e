"""The judge against answers with a known fault: each has to be refuted, and a right one not."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from derive.definitions.catalogue import load
from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample, draw
from derive.verification.accuracy import Question
from derive.verification.condition import kappa
from derive.verification.implementations import Outcome, Route
from derive.verification.oracle import Oracle
from derive.verification.promise import Promise, promise
from derive.verification.reference import values
from derive.verification.report import AGREES, REFUTED, UNKNOWN, Row
from derive.verification.units import judged

ROUTE = Route("for_numpy.barron", "d_x", numbers=True)
EMPTY = Row("barron", "d_x", "numpy", "float64", "everyday", AGREES)
TAU, H = 0.72, 1.3


def asked(quantity: str, sample: Sample | None = None) -> Question:
    oracle = Oracle(load("barron"))
    sample = sample or draw(oracle.loss, "everyday", "float64", 2000)
    return Question(oracle, quantity, sample, values(oracle, quantity, sample.columns))


@pytest.fixture(scope="module")
def slope() -> Question:
    return asked("d_x")


@pytest.fixture(scope="module")
def quantile() -> Callable[..., Question]:
    """A loss that changes sign, and so does its slope, at some x < 0."""
    x = sympy.Symbol("x", real=True)
    tau, h = sympy.symbols("tau h", positive=True)
    formula = tau * x + h * sympy.log(1 + sympy.exp(-x / h)) - h * sympy.log(2)
    oracle = Oracle(Loss("quantile", "", "", (x, tau, h), formula))

    def question(quantity: str, x: Floats) -> Question:
        sample = Sample("roots", "float64", ("x", "tau", "h"), (Group((TAU, H), x),))
        return Question(oracle, quantity, sample, values(oracle, quantity, sample.columns))

    return question


def verdict(question: Question, got, ulp: float = 4.0) -> Row:
    return judged(EMPTY, question, ROUTE, Outcome(np.asarray(got)), Promise(ulp, 1.0))


def test_the_exact_answer_agrees(slope):
    row = verdict(slope, slope.reference.high)
    assert row.verdict == AGREES
    assert row.excess <= 0.5
    assert row.points == len(slope.sample)


def test_two_units_agree_and_forty_do_not(slope):
    right = slope.reference.high
    assert verdict(slope, right * (1 + 2**-52)).verdict == AGREES
    row = verdict(slope, right * (1 + 40 * 2**-52))
    assert row.verdict == REFUTED
    assert 35 < row.excess < 85


@pytest.mark.parametrize(
    "fault",
    [
        lambda x, alpha, right: right * 1.0009,
        lambda x, alpha, right: np.where(np.abs(x) > 5.2, 0.0, right),
        lambda x, alpha, right: np.where(alpha == 0, right * 1.01, right),
        lambda x, alpha, right: np.where(np.abs(x) < 1e-8, -right, right),
        lambda x, alpha, right: np.where(np.arange(len(x)) == 777, np.nan, right),
        lambda x, alpha, right: np.where(np.arange(len(x)) == 777, np.inf, right),
        lambda x, alpha, right: np.where(alpha == math.inf, 0.0, right),
    ],
    ids=["0.09 %", "zero far out", "alpha 0", "sign near 0", "one NaN", "one inf", "alpha inf"],
)
def test_faults_are_refuted_with_a_witness(slope, fault):
    columns = slope.sample.columns
    got = fault(columns["x"], columns["alpha"], slope.reference.high)
    row = verdict(slope, got)
    assert row.verdict == REFUTED
    point = {name: float.fromhex(text) for name, text in row.witness.items()}
    index = next(k for k in range(len(slope.sample)) if slope.sample.point(k) == point)
    assert float.fromhex(row.expected) == slope.reference.high[index]
    assert float.fromhex(row.got) == got[index] or "nan" in row.got


def test_kappa_excuses_what_the_rounding_of_the_ratio_costs():
    x = np.linspace(20.0, 35.0, 200)
    sample = Sample("tail", "float64", ("x", "alpha", "scale"), (Group((-math.inf, 1.0), x),))
    question = asked("d_x", sample)
    kappa = x**2 - 1
    moved = question.reference.high * (1 + 0.9 * kappa * 2.0**-53)
    row = verdict(question, moved)
    assert row.error > 100
    assert row.verdict == AGREES
    strict = judged(EMPTY, question, ROUTE, Outcome(moved), Promise(4.0, 0.0))
    assert strict.verdict == REFUTED


def test_near_a_zero_an_error_of_the_inputs_is_excused_and_no_other():
    # d2_x of the Cauchy loss changes sign at x = sqrt(2) scale
    x = np.nextafter(math.sqrt(2.0) * 1.7, np.array([0.0, 9.0, 9.0]))
    sample = Sample("root", "float64", ("x", "alpha", "scale"), (Group((0.0, 1.7), x),))
    question = asked("d2_x", sample)
    slope = 0.25 / 1.7**2 / x  # of the order of d3_x
    got = question.reference.high + 2.0**-53 * slope * x
    assert np.max(np.abs(got / question.reference.high - 1)) > 0.01
    assert verdict(question, got).verdict == AGREES
    assert verdict(question, question.reference.high + 2.0**-45 * slope * x).verdict == REFUTED


def test_a_parameter_that_is_meant_excuses_nothing():
    """d2_x at alpha = 1, far out: |alpha/f df/dalpha| = x^2, but 1 is the default."""
    oracle = Oracle(load("barron"))
    point = {"x": 1000.0, "alpha": 1.0, "scale": 3.0}
    assert kappa(oracle, "d2_x", point, "float32") == pytest.approx(4.0, rel=1e-4)
    beside = {**point, "alpha": 1.25}
    assert kappa(oracle, "d2_x", beside, "float32") > 5.0


@pytest.mark.parametrize("quantity", ["loss", "d_x", "weight"])
def test_kappa_is_the_condition_in_every_input(quantile, quantity):
    point = {"x": 0.83, "tau": TAU, "h": H}
    oracle = quantile(quantity, np.array([0.83])).oracle
    total = 0.0
    here = oracle.value(quantity, point).float64()
    for name, value in point.items():
        low, high = (
            oracle.value(quantity, {**point, name: value * (1 + s * 1e-6)}).float64()
            for s in (-1, 1)
        )
        total += abs((high - low) / 2e-6 / here)
    assert kappa(oracle, quantity, point, "float64") == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("quantity", ["loss", "d_x", "weight"])
def test_lost_digits_near_the_origin_are_not_excused(quantile, quantity):
    question = quantile(quantity, np.array([-1e-9, 1e-6, 0.01]))
    lost = question.reference.high * (1 + 2.0**-46)
    assert verdict(question, lost).verdict == REFUTED


def test_nan_in_gives_nan_out():
    x = np.array([1.0, math.nan])
    sample = Sample("nan", "float64", ("x", "alpha", "scale"), (Group((1.0, 1.0), x),))
    question = asked("d_x", sample)
    right = question.reference.high
    assert verdict(question, right).verdict == AGREES
    assert verdict(question, [right[0], 0.0]).verdict == REFUTED


def test_nothing_to_judge_is_unknown():
    x = np.array([1.0, 2.0])
    sample = Sample("two", "float64", ("x", "alpha", "scale"), (Group((2.0, 1.0), x),))
    assert verdict(asked("d2_alpha", sample), x).verdict == UNKNOWN


def test_warnings_and_wrong_dtypes_are_faults(slope):
    outcome = Outcome(slope.reference.high, fault="a warning escapes (overflow)")
    row = judged(EMPTY, slope, ROUTE, outcome, Promise(4.0, 1.0))
    assert row.verdict == REFUTED
    assert "overflow" in row.detail


def test_promises():
    loss = load("barron")
    known = Oracle(loss).quantities
    finer = 2.0**-29
    assert promise(loss, known["loss"], "float64", "float64") == Promise(4.0, 1.0)
    assert promise(loss, known["d2_x"], "float32", "float32") == Promise(4.0, 1.0)
    assert promise(loss, known["weight"], "float32", "float64") == Promise(1.0, finer)
    assert promise(loss, known["d_alpha"], "float32", "float64") == Promise(2.0, finer)
    assert promise(loss, known["d_alpha"], "float64", "float64") == Promise(8.0, 1.0)
    assert promise(loss, known["d2_x_alpha"], "float32", "float64") == Promise(16.0, finer)
    assert promise(loss, known["loss"], "bfloat16", "float32") == Promise(0.51, 2.0**-16)


def test_kappa_counts_below_one_ulp_where_less_is_promised():
    """In a narrow type half a unit is allowed, and what one rounding of an input moves."""
    oracle = Oracle(load("gaussian_nll"))
    sample = Sample("near", "bfloat16", ("mu", "v", "y"), (Group((1.0, 1.0), np.array([-1e-40])),))
    question = Question(oracle, "d_v", sample, values(oracle, "d_v", sample.columns))
    row = judged(EMPTY, question, ROUTE, Outcome(np.array([0.0])), Promise(0.51, 2.0**-16))
    assert row.verdict == AGREES


def test_where_the_order_of_two_limits_decides_nothing_is_judged():
    """log(y/mu) at mu = y = 0."""
    oracle = Oracle(load("poisson_deviance"))
    assert not oracle.value("d_y", {"mu": 0.0, "y": 0.0}).defined
    assert oracle.value("d_y", {"mu": 1.0, "y": 0.0}).infinite == -1
    assert oracle.value("d_mu", {"mu": 0.0, "y": 0.0}).float64() == 1.0
