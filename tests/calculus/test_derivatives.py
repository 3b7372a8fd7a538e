"""Derivatives against numerical differentiation of the raw definition, at scale != 1."""

import pytest
from mpmath import mp
from sympy import Abs, DiracDelta, Eq, Max, Piecewise, S, Symbol, log, sign

from derive.calculus.derivatives import Readable, quantities, quantity_names
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss, let
from derive.definitions.symbols import alpha, beta, delta, scale, x
from derive.errors import Refuted

s = let("s", (x / scale) ** 2)
b = let("b", Abs(alpha - 2))
c = Symbol("c", positive=True)
lam = Symbol("lam", real=True)


def made(name, variables, loss, **more):
    return Loss(name, name, "here", variables, loss, **more)


BARRON = made(
    "barron", (x, alpha, scale), b / alpha * ((1 + s / b) ** (alpha / 2) - 1), where=(s, b)
)
HUBER = made(
    "huber",
    (x, delta),
    Piecewise((x**2 / 2, Abs(x) <= delta), (delta * Abs(x) - delta**2 / 2, True)),
)
LOSSES = [
    BARRON,
    HUBER,
    made("absolute", (x, scale), Abs(x) / scale),
    made(
        "smooth_l1",
        (x, beta),
        Piecewise((x**2 / (2 * beta), Abs(x) < beta), (Abs(x) - beta / 2, True)),
    ),
    made("fair", (x, c), c**2 * (Abs(x) / c - log(1 + Abs(x) / c))),
    made("box_cox", (x, lam, c), (((x / c) ** 2 + 1) ** lam - 1) / lam),
    made("insensitive", (x, c), Max(0, Abs(x) - c)),
    made("cauchy", (x, scale), log(1 + s / 2), where=(s,)),
]


def numeric(loss, name, at):
    orders = dict.fromkeys(loss.variables, 0)
    if name.startswith("d2_") and name.removeprefix("d2_") in {v.name for v in orders}:
        orders[next(v for v in orders if v.name == name[3:])] = 2
    else:
        for part in name.split("_", 1)[1].split("_"):
            orders[next(v for v in orders if v.name == part)] += 1

    def along(*values):
        return evaluate(loss.expression, dict(zip(loss.variables, values, strict=True)))

    return mp.diff(along, tuple(at[v] for v in loss.variables), tuple(orders.values()))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_derivative_is_that_of_the_definition(loss):
    raw = quantities(loss)
    read = Readable(loss, raw)
    assert set(raw) == set(read) == set(quantity_names(loss))
    with mp.workdps(60):
        for at in generic_points(loss, 4):
            psi = evaluate(raw["d_x"], at)
            assert abs(evaluate(raw["weight"], at) * at[x] - psi) <= mp.mpf(10) ** -50 * abs(psi)
            for name, expression in raw.items():
                value = evaluate(expression, at)
                again = evaluate(loss.expand(read[name]), at)
                assert abs(value - again) <= mp.mpf(10) ** -45 * (1 + abs(value)), name
                if name in ("loss", "weight"):
                    continue
                truth = numeric(loss, name, at)
                assert abs(value - truth) <= mp.mpf(10) ** -15 * (1 + abs(value)), name


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_no_delta_function_and_no_foreign_symbol(loss):
    for expression in quantities(loss).values():
        assert not expression.has(DiracDelta)
        assert expression.free_symbols <= set(loss.variables)


def test_the_middle_of_the_subdifferential_at_a_kink():
    found = quantities(made("insensitive", (x, c), Max(0, Abs(x) - c)))
    at = {x: mp.mpf(-3), c: mp.mpf(3)}
    assert evaluate(found["d_x"], at) == mp.mpf(-1) / 2
    assert quantities(made("absolute", (x, scale), Abs(x) / scale))["d_x"].subs(x, 0) == 0


def test_a_tilted_kink_gets_its_middle():
    q = Symbol("q", positive=True)
    found = quantities(made("pinball", (x, q), Piecewise(((q - 1) * x, x < 0), (q * x, True))))
    assert found["d_x"].args[0] == (q - S.Half, Eq(x, 0))


@pytest.mark.parametrize("relation", [Abs(x) <= delta, Abs(x) < delta])
def test_second_derivatives_take_the_inner_side(relation):
    loss = made(
        "huber", (x, delta), Piecewise((x**2 / 2, relation), (delta * Abs(x) - delta**2 / 2, True))
    )
    assert evaluate(quantities(loss)["d2_x"], {x: mp.mpf(2), delta: mp.mpf(2)}) == 1


def test_a_second_derivative_has_no_hole_at_a_smooth_zero_of_an_absolute_value():
    fair = made("fair", (x, c), c**2 * (Abs(x) / c - log(1 + Abs(x) / c)))
    assert evaluate(quantities(fair)["d2_x"], {x: mp.mpf(0), c: mp.mpf(2)}) == 1


def test_barron_reads_like_the_paper():
    found = Readable(BARRON, quantities(BARRON))
    assert found["d_x"] == x * (1 + s / b) ** (alpha / 2 - 1) / scale**2
    assert found["weight"] == (1 + s / b) ** (alpha / 2 - 1) / scale**2
    assert found["d_alpha"].has(sign(alpha - 2))


def test_points_outside_the_real_domain_are_refused():
    with pytest.raises(NotReal):
        evaluate(log(x), {x: mp.mpf(-1)})
    with pytest.raises(NotReal):
        evaluate(1 / x, {x: mp.mpf(0)})


def test_a_wrong_simplification_is_noticed(monkeypatch):
    wrong = Readable(BARRON, quantities(BARRON))
    made = wrong._simplified
    monkeypatch.setattr(wrong, "_simplified", lambda name: made(name) * (1 + x**2 / 10**9))
    with pytest.raises(Refuted, match="simplifying d_alpha changed its value"):
        wrong["d_alpha"]
