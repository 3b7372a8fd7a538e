"""Modules: every function means its stable form, and the module is closed."""

from __future__ import annotations

import numpy as np
import pytest
from forms import of_catalogue
from interpreter import names_in, run

from derive.definitions.catalogue import NAMES
from derive.numerics.evaluate import evaluate
from derive.numerics.helpers import HELPERS
from derive.numerics.nodes import Call, Local, Name, call, walk, where
from derive.program.density import DensityForm
from derive.program.lowering import RESERVED, _guarded, lower_module

catalogue = pytest.mark.parametrize("name", NAMES)
X = np.array([-1e200, -40.0, -1.2, -1e-9, 0.0, 1e-160, 0.3, 2.0, 1e5, np.inf])


def _module(name):
    return lower_module(of_catalogue(name), DensityForm())


def _values(name):
    form = of_catalogue(name)
    inside = {"alpha": 1.3, "scale": 1.75, "delta": 0.8, "beta": 0.8, "df": 2.6}
    return {"x": X, **{p.name: np.float64(inside[p.name]) for p in form.loss.parameters}}


@catalogue
def test_the_program_gives_what_the_form_gives_to_the_bit(name):
    form, module, values = of_catalogue(name), _module(name), _values(name)
    for regime in form.regimes:
        for quantity, nodes in regime.quantities.items():
            (got,) = run(module, quantity, regime.name, values)
            want = evaluate(nodes, values)
            np.testing.assert_array_equal(
                np.broadcast_to(got, X.shape), np.broadcast_to(want, X.shape)
            )
        value, slope = run(module, "value_and_grad", regime.name, values)
        for got, quantity in ((value, "loss"), (slope, "d_x")):
            want = np.broadcast_to(evaluate(regime.quantities[quantity], values), X.shape)
            np.testing.assert_array_equal(np.broadcast_to(got, X.shape), want)


@catalogue
def test_nan_goes_through_every_function(name):
    form, module = of_catalogue(name), _module(name)
    values = {**_values(name), "x": np.array([np.nan, 1.0])}
    for regime in form.regimes:
        for function in module.functions:
            for result in run(module, function.name, regime.name, values):
                got = np.broadcast_to(result, 2)
                assert np.isnan(got[0]), function.name


@catalogue
def test_every_function_has_every_regime(name):
    form, module = of_catalogue(name), _module(name)
    assert [f.name for f in module.functions] == [*form.names, "value_and_grad"]
    names = [r.name for r in form.regimes]
    assert [r.name for r in module.regimes] == names
    for function in module.functions:
        assert [c.regime for c in function.cases] == names
    assert module.regimes[-1].condition is None


def _expressions(module):
    for function in module.functions:
        for a in function.shared:
            yield a.value
        for case in function.cases:
            yield from (a.value for a in case.block.assignments)
            yield from case.block.results
    for h in module.helpers:
        yield from (a.value for a in h.block.assignments)
        yield from h.block.results
        if h.shortcut is not None:
            condition, block = h.shortcut
            yield condition
            yield from (a.value for a in block.assignments)
            yield from block.results
    yield from (r.condition for r in module.regimes if r.condition is not None)


def _operations(expression):
    return {n.op for n in walk(expression) if isinstance(n, Call)}


@catalogue
def test_helpers_are_closed_under_calls_and_none_is_idle(name):
    module = _module(name)
    called = set().union(*map(_operations, _expressions(module)))
    assert called & set(HELPERS) == {h.helper.name for h in module.helpers}
    order = [h.helper.name for h in module.helpers]
    assert order == [n for n in HELPERS if n in order]


@catalogue
def test_operations_are_all_that_a_target_has_to_spell(name):
    module = _module(name)
    used = set().union(*map(_operations, _expressions(module))) - {"quantity"}
    assert used <= module.operations


@catalogue
def test_locals_are_assigned_once_and_used(name):
    for function in _module(name).functions:
        for case in function.cases:
            assignments = [*function.shared, *case.block.assignments]
            names = [a.name for a in assignments]
            assert len(set(names)) == len(names)
            assert not set(names) & RESERVED - {n for n in names if n.startswith("d_")}
            known = {v.name for v in of_catalogue(name).loss.variables}
            for a in assignments:
                assert names_in(a.value) - set(_module_names(name)) <= known
                known.add(a.name)
            used = set().union(
                *(names_in(r) for r in case.block.results),
                *(names_in(a.value) for a in assignments),
            )
            assert {a.name for a in case.block.assignments} <= used


def _module_names(name):
    return of_catalogue(name).names


def test_what_all_regimes_compute_alike_stands_before_the_branches():
    module = _module("barron")
    (loss,) = (f for f in module.functions if f.name == "loss")
    assert [a.name for a in loss.shared] == ["y"]
    for case in loss.cases:
        assert "y" not in [a.name for a in case.block.assignments]


x, d = Name("x"), Name("d")
small = call("abs", x) <= d


@pytest.mark.parametrize(
    ("result", "guarded"),
    [
        (call("add", 1, 1), True),
        (call("div", 1, d), True),
        (call("sign", x), True),
        (d * call("sign", x), True),
        (where(small, x, d), True),
        (where(small, 1, 0), True),
        (where(small, 1, d / x), False),
        (x * d, False),
        (call("abs", x) + 1, False),
        (where(call("ne", x, x), d, x), True),
        (Local("y", x) + 2, False),
        (where(x > d, 0, call("patch", small, 1, x)), False),
        (call("min", x, d), False),
    ],
    ids=str,
)
def test_the_guard_stands_where_nan_would_be_lost(result, guarded):
    found = _guarded(result, "x")
    assert (found != result) is guarded
    values = {"x": np.array([np.nan, 0.5, -2.0]), "d": np.float64(1.5)}
    got, plain = (np.broadcast_to(evaluate(e, values), 3) for e in (found, result))
    assert np.isnan(got[0])
    np.testing.assert_array_equal(got[1:], plain[1:])
