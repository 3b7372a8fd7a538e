"""The density's program: closed forms that hold, what is an expectation, ranges and notes."""

from __future__ import annotations

import math

import pytest
from forms import derived
from losses import own
from sympy import Symbol

from derive.definitions.catalogue import load
from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.definitions.symbols import x
from derive.numerics.forms import Regime, StableForm
from derive.numerics.lower import lower
from derive.numerics.nodes import Number
from derive.numerics.normalizer import normalizer
from derive.program.density import density_module
from derive.program.lowering import lower_module


def made(loss):
    derivation = derived(loss)
    quantities = {n: lower(loss.expand(e)) for n, e in derivation.pretty.items()}
    form = StableForm(loss, (Regime("", "", None, quantities),), (), {}, "")
    return density_module(derivation, lower_module(derivation, form, loss.name))


@pytest.mark.parametrize("name", ["elastic_net"])
def test_a_closed_form_that_leaves_the_range_somewhere_is_refused(name):
    """exp times erfc."""
    derivation = derived(find(own(name)))
    assert derivation.density.log_partition is not None
    assert normalizer(derivation) == {}
    program = made(find(own(name)))
    assert program.closed == ()
    assert {(p.name,) for p in derivation.loss.parameters} <= set(program.public)


def test_huber_has_short_formulas_and_one_expectation():
    program = made(load("huber"))
    assert [f.by for f in program.closed] == [(), ("delta",)]
    assert program.public == (("delta",), ("delta", "delta"))
    assert program.slopes == {("delta",): "d_delta", ("delta", "delta"): "d2_delta"}
    assert (program.even, program.rises, program.exists) == (True, True, True)


def test_where_the_slope_jumps_at_a_moving_place_there_is_no_second_expectation():
    edge, softness = Symbol("edge", positive=True), Symbol("soft", positive=True)
    from sympy import Abs, Max, sqrt

    loss = Loss("edged", "e", "e", (x, edge, softness),
                Max(Abs(x) - edge, 0) + sqrt(x**2 + softness**2))  # fmt: skip
    program = made(loss)
    assert program.closed == ()
    assert program.public == (("edge",), ("soft",))


def test_existence_narrows_a_parameters_range():
    y = Symbol("y", nonnegative=True)
    from sympy import exp

    program = made(Loss("poisson", "p", "p", (x, y), exp(x) - y * x))
    (found,) = program.ranges
    assert (found.low, found.high, found.has_low) == (0.0, math.inf, False)
    assert program.rule == "y must be > 0 for a density: the integral diverges"
    assert any("y > 0" in note for note in program.notes)


def test_no_density_leaves_integrals_over_intervals():
    program = made(load("welsch"))
    assert not program.exists
    assert program.public == ()
    assert program.notes[0].startswith("No density: ")


def test_a_stored_function_is_named_by_its_definition():
    barron = load("barron")
    program = made(barron)
    assert program.stored is barron.log_partition
    assert [f.by for f in program.closed] == [(), ("alpha",), ("alpha", "alpha")]
    assert program.stretch == "scale"
    assert set(program.public) == {
        ("alpha",), ("scale",), ("alpha", "alpha"), ("scale", "scale"),
    }  # fmt: skip
    assert any(barron.log_partition.command in note for note in program.notes)
    assert program.tails[0] != Number(math.inf)


def test_half_a_step_of_log_gamma_holds_where_its_argument_is_infinite():
    """Gamma functions at 1/(q - 1), for q = 1 too; the tails' power keeps its digits at q = 3."""
    found = normalizer(derived(load("q_gaussian")))
    assert list(found) == [()]
    program = made(load("q_gaussian"))
    assert [f.by for f in program.closed] == [()]
    assert {("q",), ("q", "q")} <= set(program.public)
