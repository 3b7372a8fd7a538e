"""Densities: existence, closed forms at scale != 1, divergence with its rate."""

import pytest
from forms import derived
from mpmath import mp
from sympy import Abs, Interval, Max, Piecewise, S, Symbol, cosh, exp, log, oo, sqrt

from derive.calculus import derive
from derive.calculus.density import density
from derive.calculus.evaluate import evaluate
from derive.calculus.facts import facts
from derive.calculus.integrals import over_the_line
from derive.calculus.limits import limits
from derive.calculus.samples import generic_points
from derive.definitions.catalogue import RESIDUAL as NAMES
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.symbols import alpha, beta, delta, scale, x
from derive.errors import Refuted

c = Symbol("c", positive=True)
q = Symbol("q", positive=True)
lam = Symbol("lam", real=True)


def made(loss, *parameters, **more):
    return Loss("made", "made", "here", (x, *parameters), loss, **more)


def of(loss):
    return density(loss, limits(loss, {"loss": loss.expression}), facts(loss))


def integral(loss, at):
    """mpmath's own rule, the kinks as end points."""
    edges = [at[p] for p in (delta, beta, c) if p in at]
    ends = sorted([-mp.inf, -40, *(-edge for edge in edges), 0, *edges, 40, mp.inf])
    return mp.quad(lambda value: mp.exp(-evaluate(loss.expression, {**at, x: value})), ends)


@pytest.fixture(scope="module")
def found():
    return {name: derived(load(name)) for name in NAMES}


CLOSED = ["quadratic", "absolute", "huber", "smooth_l1", "cauchy", "charbonnier"]


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(found, name):
    loss, result = found[name].loss, found[name].density
    assert result.exists == S.true
    with mp.workdps(30):
        for at in generic_points(loss, 2):
            z = mp.exp(evaluate(result.log_partition, at))
            assert abs(z / integral(loss, at) - 1) < mp.mpf(10) ** -12


def test_barron_exists_from_zero_on(found):
    result = found["barron"].density
    assert result.exists == (alpha >= 0)
    assert result.log_partition is None
    values = {value: z for _, value, z in result.special}
    with mp.workdps(30):
        at = {scale: mp.mpf(3) / 7}
        expected = {
            0: mp.pi * mp.sqrt(2),
            1: 2 * mp.e * mp.besselk(1, 1),
            2: mp.sqrt(2 * mp.pi),
            4: mp.exp(mp.mpf(1) / 4) * mp.besselk(mp.mpf(1) / 4, mp.mpf(1) / 4),
        }
        assert set(values) == set(expected)
        for value, z in expected.items():
            assert abs(mp.exp(evaluate(values[value], at)) / (z * at[scale]) - 1) < 1e-28
    assert "bounded" in result.reason
    assert "for alpha < 0" in result.rate


DIVERGING = [("welsch", "2*X*exp(-1)"), ("geman_mcclure", "2*X*exp(-2)")]


@pytest.mark.parametrize(("name", "rate"), DIVERGING)
def test_bounded_losses_have_no_density(found, name, rate):
    result = found[name].density
    assert result.exists == S.false
    assert result.log_partition is None and result.special == ()
    assert "bounded" in result.reason
    assert rate in result.rate


MEMBERS = ["quadratic", "charbonnier", "cauchy", "geman_mcclure", "welsch"]


@pytest.mark.parametrize("name", MEMBERS)
def test_members_are_proved(found, name):
    (proof,) = found[name].members
    assert proof.wider == "barron"
    with mp.workdps(40):
        for at in generic_points(load(name), 3):
            mine = evaluate(load(name).expression, at)
            assert abs(evaluate(proof.value, at) / mine - 1) < mp.mpf(10) ** -35


def test_a_false_member_is_refuted():
    false = Loss(
        "false",
        "false",
        "here",
        (x, scale),
        log(1 + (x / scale) ** 2),
        member_of=("barron", {"alpha": S.Zero}),
    )
    with pytest.raises(Refuted, match="barron"):
        derive(false)


EXISTENCE = [
    (made(log(1 + (q - 1) * x**2) / (q - 1), q), (q >= 1) & (q < 3)),
    (made((((x / c) ** 2 + 1) ** lam - 1) / lam, lam, c), lam >= 0),
    (made((1 + x**2) ** lam - 1, lam), lam > 0),
    (made(c * log(1 + Abs(x)), c), c > 1),
    (made(log(cosh(x))), S.true),
    (made(Abs(x) / (1 + Abs(x))), S.false),
    (made(log(1 + x**2) / 2), S.false),
]


@pytest.mark.parametrize(("loss", "expected"), EXISTENCE, ids=lambda case: str(case)[:40])
def test_existence_of_other_losses(loss, expected):
    result = of(loss if isinstance(loss, Loss) else made(loss))
    assert result.exists == expected


SHAPES = [
    made(log(cosh(x / c)), c),
    made(Max(0, Abs(x) - c), c),
    made((c + 1) / 2 * log(1 + x**2 / c), c),
    made(3 * (sqrt(4 + (x / c) ** 2) - 2), c),
    made((x / c) ** 4 + x**2, c),
    made(Piecewise((c * x, x > 0), (-2 * x, True)), c),
]


@pytest.mark.parametrize("loss", SHAPES, ids=lambda loss: str(loss.loss))
def test_the_table_of_integrals(loss):
    with mp.workdps(30):
        points = generic_points(loss, 3)
        z = over_the_line(loss.expression, x, points)
        for at in points:
            assert abs(evaluate(z, at) / integral(loss, at) - 1) < mp.mpf(10) ** -10


def test_an_integral_outside_the_table_is_not_made_up():
    loss = made(Abs(x) - log(1 + Abs(x)))
    result = of(loss)
    assert result.exists == S.true
    assert result.log_partition is None
    assert "no closed form" in result.reason


def test_with_a_length_alone_the_integral_is_a_number_times_it():
    found = of(made(exp(Abs(x) / c) - 1, c)).log_partition
    want = mp.log(2 * mp.e * mp.e1(1))
    assert abs(evaluate(found - log(c), {}) - want) < mp.mpf(10) ** -15
    assert of(made(exp(Abs(x) / c) - 1 + x**2, c)).log_partition is None


def test_a_parameter_in_an_interval():
    tilt = Symbol("tilt", real=True)
    loss = made(
        Piecewise(((tilt - 1) * x, x < 0), (tilt * x, True)),
        tilt,
        domains={tilt: Interval.open(0, 1)},
    )
    result = of(loss)
    with mp.workdps(30):
        z = mp.exp(evaluate(result.log_partition, {tilt: mp.mpf(2) / 7}))
        assert abs(z - mp.mpf(49) / 10) < 1e-25


def test_the_steps_are_told():
    told = []
    derive(load("absolute"), told.append)
    assert told == ["derivatives", "limits", "facts", "density", "memberships"]


def test_why_is_data_and_the_words_follow_from_it(found):
    result = found["barron"].density
    (below, at_the_end) = sorted(result.divergences, key=lambda d: d.region[1].inf != -oo)
    regions = {d.region for d in result.divergences}
    assert (alpha, Interval.open(-oo, 0)) in regions
    assert {end for end, _ in below.tails} == {oo, -oo}
    assert all(behaviour.kind == "bounded" for _, behaviour in (*below.tails, *at_the_end.tails))
    welsch = found["welsch"].density
    (only,) = welsch.divergences
    assert only.region is None
    assert only.rate == 2 * exp(-1)
    assert welsch.reason == "as |x| -> inf, the loss is bounded: it tends to 1"
    assert welsch.rate == "the integral over [-X, X] grows like 2*X*exp(-1)"


def test_a_condition_has_its_reason_too():
    result = of(made(q * log(1 + Abs(x)), q))
    assert result.exists == (q > 1)
    assert result.reason.startswith(
        "as |x| -> inf, the loss grows like q*log(|x|); the integral needs q > 1"
    )
    odd = of(made(x * Abs(x)))
    assert odd.reason == "as x -> -inf, the loss falls like x^2"
