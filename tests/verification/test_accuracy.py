"""The judge against answers with a known fault: each has to be refuted, and a right one not."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import sympy

from derive.definitions.catalogue import load
from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample, draw
from derive.verification.accuracy import Question, measure
from derive.verification.implementations import Outcome, Route
from derive.verification.oracle import Oracle
from derive.verification.promise import Promise, promise
from derive.verification.reference import values
from derive.verification.report import AGREES, REFUTED, UNKNOWN, Row
from derive.verification.verify import judged

ROUTE = Route("d_x", numbers=True)
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
    assert row.worst <= 0.5
    assert row.points == len(slope.sample)


def test_two_units_agree_and_forty_do_not(slope):
    right = slope.reference.high
    assert verdict(slope, right * (1 + 2**-52)).verdict == AGREES
    row = verdict(slope, right * (1 + 40 * 2**-52))
    assert row.verdict == REFUTED
    assert 35 < row.worst < 85


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
    assert row.worst > 100
    assert row.verdict == AGREES
    strict = judged(EMPTY, question, ROUTE, Outcome(moved), Promise(4.0, 0.0))
    assert strict.verdict == REFUTED


def test_sign_changing_quantities_are_measured_by_their_terms():
    root = 1.0  # d2_x of the Cauchy loss (alpha = 0) changes sign at x = sqrt(2) scale
    x = np.nextafter(math.sqrt(2.0) * root, np.array([0.0, 9.0, 9.0]))
    sample = Sample("root", "float64", ("x", "alpha", "scale"), (Group((0.0, root), x),))
    question = asked("d2_x", sample)
    got = question.reference.high + 2.0**-54
    found = measure(question, got, Promise(4.0, 0.0))
    assert found.worst < 2.0
    assert np.max(np.abs(got / question.reference.high - 1)) > 0.01


@pytest.mark.parametrize("quantity", ["loss", "d_x", "weight"])
def test_a_zero_away_from_the_origin_is_measured_by_the_parameters(quantile, quantity):
    root = H * math.log((1 - TAU) / TAU)  # of the slope
    if quantity == "loss":
        root = float(mpmath.findroot(lambda x: TAU * x + H * mpmath.log1p(mpmath.exp(-x / H))
                                     - H * mpmath.log(2), 2 * root))  # fmt: skip
    x = root * np.array([1 + 2e-3, 1 - 2e-3])
    question = quantile(quantity, x)
    term = TAU * (1 / abs(x) if quantity == "weight" else abs(x) if quantity == "loss" else 1.0)
    off = question.reference.high + 3 * 2.0**-53 * term
    assert np.min(np.abs(off / question.reference.high - 1)) > 40 * 2.0**-53
    assert verdict(question, off).verdict == AGREES
    wrong = question.reference.high + 2.0**-44 * term
    assert verdict(question, wrong).verdict == REFUTED


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
    assert promise(loss, known["loss"], "numpy", "float64") == Promise(4.0, 1.0)
    assert promise(loss, known["d2_x"], "torch", "float32") == Promise(4.0, 1.0)
    assert promise(loss, known["weight"], "numpy", "float32") == Promise(1.0, 0.0)
    assert promise(loss, known["d_alpha"], "numpy", "float32") == Promise(2.0, 0.0)
    assert promise(loss, known["d_alpha"], "torch", "float64") == Promise(8.0, 1.0)
    assert promise(loss, known["d2_x_alpha"], "numpy", "float32") == Promise(16.0, 1.0)
