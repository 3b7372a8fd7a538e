"""Facts about losses, typed from the papers: length, parity, kinks and jumps, minimum, tails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from losses import own
from sympy import Eq, Interval, Ne, Piecewise, S, Symbol, exp, log, oo, pi, sqrt

from derive.calculus.density import density
from derive.calculus.facts import facts
from derive.calculus.limits import limits
from derive.definitions.catalogue import load
from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.definitions.symbols import alpha, beta, delta, scale, x

POSITIVE = {n: Symbol(n, positive=True) for n in "abcdkqswy"} | {
    n: Symbol(n, positive=True) for n in ("eps", "epsilon", "kappa", "phi")
}
a, b, c, d, k, w = (POSITIVE[n] for n in "abcdkw")


def known(name):
    return find(own(name))


# even, length, what only stretches, breaks as (place, order), minimum, rises
TABLE = {
    "huber": (True, delta, None, [(-delta, 2), (delta, 2)], 0, True),
    "smooth_l1": (True, beta, None, [(-beta, 2), (beta, 2)], 0, True),
    "barron": (True, scale, scale, [], 0, True),
    "student_t": (True, scale, scale, [], 0, True),
    "pinball": (False, None, None, [(0, 1)], 0, True),
    "expectile": (False, None, None, [(0, 2)], 0, True),
    "asymmetric_laplace": (False, "s", "s", [(0, 1)], 0, True),
    "generalized_normal": (True, scale, scale, [(0, 1)], 0, True),
    "epsilon_insensitive": (True, "epsilon", None, [("-epsilon", 1), ("epsilon", 1)], 0, True),
    "dynamic_covariance_scaling": (
        True, sqrt(POSITIVE["phi"]), None,
        [(-sqrt(POSITIVE["phi"]), 2), (sqrt(POSITIVE["phi"]), 2)], 0, True,
    ),
    "andrews": (True, "c", None, [(-pi * c, 2), (pi * c, 2)], 0, True),
    "tukey": (True, "c", None, [("-c", 3), ("c", 3)], 0, True),
    "linex": (False, None, None, [], 0, True),
    "log_cosh": (True, "c", None, [], 0, True),
    "ramsay": (True, 1 / a, None, [(0, 3)], 0, True),
}  # fmt: skip


def _same(one, other):
    if isinstance(other, str):
        sign, letter = (-1, other[1:]) if other.startswith("-") else (1, other)
        other = sign * POSITIVE[letter]
    return one == other


@pytest.mark.parametrize("name", TABLE)
def test_facts_are_those_of_the_papers(name):
    even, length, stretch, breaks, minimum, rises = TABLE[name]
    found = facts(known(name))
    assert found.even is even
    assert _same(found.length, length)
    assert _same(found.stretch, stretch)
    got = [(b.place, b.order) for b in found.breaks]
    assert len(got) == len(breaks)
    for (place, order), (where, which) in zip(got, breaks, strict=True):
        assert _same(place, where)
        assert order == which
    assert (found.minimum, found.rises) == (minimum, rises)


def test_a_minimum_elsewhere_is_found():
    tau = Symbol("tau", positive=True)
    found = facts(known("smooth_quantile"))
    assert not found.even
    at = dict(zip(known("smooth_quantile").parameters, (0.9, 0.5), strict=True))
    assert float(found.minimum.subs(at)) == pytest.approx(0.5 * float(log(S(9))))
    assert tau not in found.minimum.free_symbols or found.rises


def test_a_jump_is_told_with_its_place_and_where_there_is_none():
    loss = Loss(
        "jump", "j", "j", (x, d), Piecewise((x**2 / 2, abs(x) < d), (abs(x) - S.Half, True))
    )
    found = facts(loss)
    assert [(j.place, j.unless) for j in found.jumps] == [(-d, ((d, 1),)), (d, ((d, 1),))]
    above = found.jumps[1]
    assert (above.below.subs(d, 2), above.above.subs(d, 2)) == (2, S(3) / 2)
    assert not found.rises
    assert facts(known("huber")).jumps == ()


def test_what_jumps_only_where_parameters_are_out_of_order_says_so():
    found = {b.place: b for b in facts(replace(known("hampel"), require=())).breaks}
    for place in (a, b):
        assert (found[place].order, found[place].ordered, found[place].then) == (0, (a, b, c), 2)
    assert (found[c].order, found[c].ordered) == (2, ())


def test_what_jumps_depends_on_an_exponent():
    p, e, y = (Symbol(n, positive=True) for n in ("p", "e", "y"))
    kinks = [((1, True), p < 1), ((1, False), Eq(p, 1)), ((2, True), p < 2), ((3, False), S.true)]
    (found,) = facts(Loss("p", "p", "p", (x, p), abs(x) ** p)).breaks
    assert found.cases == tuple(kinks)
    assert [found.order_at({p: S(v)}) for v in (0.5, 1, 1.5, 2, 3)] == [1, 1, 2, 3, 3]
    (found,) = facts(
        Loss("q", "q", "q", (x, p), abs(x) ** p / p, domains={p: Interval(1, 2)}, defaults={p: 1.5})
    ).breaks
    assert found.cases == (kinks[1], kinks[2], kinks[3])
    # an exponent of two parameters, of which the one has no end that matters
    domains = {e: Interval.open(2, oo), y: Interval(0, 1)}
    defaults = {e: 2.1, y: 0.5}
    wing = Loss(
        "w", "w", "w", (x, y, e), log(1 + abs(x) ** (e - y)), domains=domains, defaults=defaults
    )
    (found,) = facts(wing).breaks
    assert found.cases == (((2, True), e - y < 2), ((3, False), S.true))


def test_a_power_that_is_infinite_beside_one_that_is_more_0_is_no_jump():
    p = Symbol("p", positive=True)
    (found,) = facts(Loss("p", "p", "p", (x, p), x**2 / (1 + abs(x) ** p))).breaks
    assert (found.order, found.infinite, found.cases) == (3, False, ())


def test_what_jumps_says_at_which_parameters_it_does_not():
    tau = Symbol("tau", positive=True)
    sides = Piecewise((tau * x**2, x > 0), ((1 - tau) * x**2, True))
    loss = Loss("e", "e", "e", (x, tau), sides, domains={tau: Interval.open(0, 1)})
    (found,) = facts(loss).breaks
    assert (found.order, found.unless) == (2, ((tau, S.Half),))
    t = Symbol("t", nonnegative=True)
    (found,) = facts(Loss("k", "k", "k", (x, t), t * abs(x) + x**2)).breaks
    assert (found.order, found.unless) == (1, ((t, 0),))


def test_of_parameters_that_are_required_in_order_nothing_else_is_told():
    found = {b.place: b for b in facts(known("hampel")).breaks}
    assert set(found) == {-c, -b, -a, a, b, c}
    assert all((found[p].order, found[p].ordered) == (2, ()) for p in (a, b, c))
    assert facts(known("hampel")).rises


def test_what_falls_somewhere_does_not_rise():
    loss = Loss("well", "w", "w", (x, c), (x**2 - c**2) ** 2)
    found = facts(loss)
    assert found.minimum in (-c, c)
    assert not found.rises


def _density(loss):
    return density(loss, limits(loss, {"loss": loss.expression}), facts(loss))


def test_existence_is_a_condition_on_the_parameters():
    real, y = Symbol("r", real=True), Symbol("y", nonnegative=True)
    from sympy import Max, exp

    linex = Loss("linex", "l", "l", (x, real), exp(real * x) - real * x - 1, special={real: (0,)})
    assert _density(linex).exists == Ne(real, 0)
    # without a declared point too: the tail's coefficient vanishes there
    plain = Loss("linex", "l", "l", (x, real), exp(real * x) - real * x - 1)
    assert _density(plain).exists == Ne(real, 0)
    assert _density(Loss("p", "p", "p", (x, y), exp(x) - y * x)).exists == (y > 0)
    r, s = Symbol("r", nonnegative=True), Symbol("s", nonnegative=True)
    sides = Loss("s", "s", "s", (x, r, s), r * Max(x, 0) + s * Max(-x, 0))
    assert _density(sides).exists == (r > 0) & (s > 0)


def test_the_order_of_the_tails():
    assert _density(load("student_t")).orders == (Symbol("df", extended_positive=True) + 1,) * 2
    orders = _density(load("barron")).orders
    assert orders[0] == Piecewise((2, Eq(alpha, 0)), (oo, True))
    q = known("q_gaussian").parameters[0]
    assert _density(known("q_gaussian")).orders[0] == Piecewise((oo, Eq(q, 1)), (2 / (q - 1), True))
    assert _density(load("huber")).orders == (oo, oo)


def test_the_generalized_normal_has_its_closed_form():
    loss = known("generalized_normal")
    shape, c = loss.parameters
    from sympy import gamma

    assert (_density(loss).log_partition - log(2 * c * gamma(1 + 1 / shape))).expand(log=True) == 0


@pytest.mark.parametrize(
    ("formula", "even"),
    [
        (log((1 + exp(x)) / 2) - x / 2, True),  # log(cosh(x/2)), written otherwise
        (log((1 + exp(x)) / 2) - x / 2 + x**3 / 10**9, False),
    ],
)
def test_a_loss_is_even_however_it_is_written(formula, even):
    loss = Loss(name="t", title="t", source="tests", variables=(x,), loss=formula)
    assert facts(loss).even is even
