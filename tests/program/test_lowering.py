"""Modules: every function means its stable form, and the module is closed."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from forms import derivation, of_catalogue
from interpreter import names_in, run, taken

from derive.definitions.catalogue import RESIDUAL, load
from derive.definitions.loss import Loss
from derive.numerics.evaluate import evaluate
from derive.numerics.helpers import HELPERS
from derive.numerics.nodes import Call, Local, Name, Number, call, walk, where
from derive.program.homogeneity import relations
from derive.program.lowering import RESERVED, lower_module, parameter
from derive.program.module import Module
from derive.program.nan import guarded, guarded_rows

# Choosing forms takes seconds a loss: the first ten stand for all.
catalogue = pytest.mark.parametrize("name", tuple(RESIDUAL)[:10])
X = np.array([-1e200, -40.0, -1.2, -1e-9, 0.0, 1e-160, 0.3, 2.0, 1e5, np.inf])
INSIDE = {"alpha": 1.3, "scale": 1.75, "delta": 0.8, "beta": 0.8, "df": 2.6, "eps": 0.8, "a": 1.3}


def _module(name: str) -> Module:
    form = of_catalogue(name)
    return lower_module(derivation(form.loss), form, name)


def _values(name, condition=None):
    """Everyday parameters, or those at which a condition holds: equality, or beyond a number."""
    form = of_catalogue(name)
    values = {"x": X, **{p.name: np.float64(INSIDE[p.name]) for p in form.loss.parameters}}
    if condition is not None:
        while condition.op == "or":
            condition = condition.args[0]
        (name,) = (a.name for a in condition.args if isinstance(a, Name))
        (number,) = (float(a.value) for a in condition.args if isinstance(a, Number))
        assert condition.op in ("eq", "le")
        values[name] = np.float64(number)
    return values


@catalogue
def test_the_program_means_the_form(name):
    form, module = of_catalogue(name), _module(name)
    for regime in form.regimes:
        values = _values(name, regime.condition)
        for quantity, nodes in regime.quantities.items():
            (got,) = run(module, quantity, values)
            want = np.broadcast_to(evaluate(nodes, values), X.shape)
            np.testing.assert_allclose(np.broadcast_to(got, X.shape), want, rtol=1e-13, atol=0)
        found = run(module, "value_and_grad", values)
        for got, quantity in zip(found, ("loss", "d_x"), strict=True):
            want = np.broadcast_to(evaluate(regime.quantities[quantity], values), X.shape)
            np.testing.assert_allclose(np.broadcast_to(got, X.shape), want, rtol=1e-13, atol=0)


@catalogue
def test_nan_goes_through_every_function(name):
    module = _module(name)
    for condition in (None, *module.special):
        values = {**_values(name, condition), "x": np.array([np.nan, 1.0])}
        for function in module.functions:
            for result in run(module, function.name, values):
                got = np.broadcast_to(result, 2)
                assert np.isnan(got[0]), function.name


@catalogue
def test_what_is_derived_in_what(name):
    module = _module(name)
    variables = module.variables
    assert [f.name for f in module.functions] == [*of_catalogue(name).names, "value_and_grad"]
    for function in module.functions:
        if function.by:
            assert module.derivative(*reversed(function.by)) is function
            assert function.name == "_".join(
                ["d2" if len(function.by) > 1 else "d", *dict.fromkeys(function.by)]
            )
    assert module.derivative(variables[0]) is not None
    assert module.derivative(variables[0], variables[-1]) is not None


def _blocks(module):
    for function in (*module.functions, *module.helpers):
        for branch in function.branches:
            yield branch.block
        yield function.block


def _expressions(module):
    for block in _blocks(module):
        yield from (a.value for a in block.assignments)
        yield from block.results
    for function in (*module.functions, *module.helpers):
        yield from (b.condition for b in function.branches)


def _operations(expression):
    return {n.op for n in walk(expression) if isinstance(n, Call)}


@catalogue
def test_helpers_are_closed_under_calls_and_none_is_idle(name):
    module = _module(name)
    called = set().union(*map(_operations, _expressions(module)))
    assert called & set(HELPERS) == {h.name for h in module.helpers}
    assert [h.name for h in module.helpers] == sorted(h.name for h in module.helpers)
    assert called == set(module.operations)


@catalogue
def test_locals_are_assigned_once_used_and_named_by_no_operation(name):
    module = _module(name)
    known = set(module.variables)
    for function in module.functions:
        for block in (*(b.block for b in function.branches), function.block):
            names = [a.name for a in block.assignments]
            assert len(set(names)) == len(names)
            assert not set(names) & (RESERVED | set(of_catalogue(name).names))
            here = set(known)
            for a in block.assignments:
                assert names_in(a.value) <= here
                here.add(a.name)
            expressions = [*block.results, *(a.value for a in block.assignments)]
            assert set(names) <= set().union(*map(names_in, expressions))
            bad = ("ratio", "difference", "product", "total", "is_", "logarithm", "root")
            assert not [n for n in names if n.startswith(bad)]


def test_the_letters_of_the_definition_survive():
    blocks = [f.block for f in _module("barron").functions]
    assert {"b", "y"} <= {a.name for block in blocks for a in block.assignments}


def _stretched(expression):
    x, c = sympy.Symbol("x", real=True), sympy.Symbol("c", positive=True)
    return Loss(
        name="stretched", title="Stretched", source="tests", variables=(x, c),
        loss=expression(x / c),
    )  # fmt: skip


def test_the_slope_in_a_length_follows_from_that_in_x():
    module = _module("charbonnier")
    (result,) = next(f for f in module.functions if f.name == "d_scale").block.results
    assert _operations(result) == {"mul", "div", "neg", "quantity"}
    values = _values("charbonnier")
    want = -X / values["scale"] * run(module, "d_x", values)[0]
    np.testing.assert_array_equal(run(module, "d_scale", values)[0], want)


def test_but_not_where_the_product_would_lose_it():
    """Welsch's slope underflows where x times it would not, and is 0 times inf at the end."""
    form = of_catalogue("welsch")
    assert relations(form, form.loss.parameters[0]) == {}


@pytest.mark.parametrize("name", ["huber", "barron", "student_t"])
def test_conditions_of_parameters_are_those_of_the_domain(name):
    loss = load(name)
    for p in loss.parameters:
        found, domain = parameter(loss, p), loss.domain(p)
        for value in (-np.inf, -1.0, 0.0, 5e-324, 0.7, 2.0, np.inf):
            exact = sympy.oo * np.sign(value) if np.isinf(value) else sympy.Float(value)
            inside = domain.contains(exact) == True  # noqa: E712
            assert evaluate(found.condition, {p.name: np.float64(value)}) == inside, value
        assert not evaluate(found.condition, {p.name: np.float64(np.nan)})


@catalogue
def test_a_branch_is_kept_only_where_it_says_something(name):
    module = _module(name)
    for function in module.functions:
        assert all(b.block != function.block for b in function.branches[-1:])
        for branch in function.branches:
            values = _values(name, branch.condition)
            assert taken(function, values) is branch.block


x, d = Name("x"), Name("d")
small = call("abs", x) <= d


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (call("add", 1, 1), True),
        (call("div", 1, d), True),
        (call("sign", x), False),
        (where(small, x, d), True),
        (where(small, 1, 0), True),
        (where(small, 1, d / x), False),
        (x * d, False),
        (call("abs", x) + 1, False),
        (where(call("ne", x, x), d, x), True),
        (Local("y", x) + 2, False),
        (where(x > d, 0, call("patch", small, 1, x)), False),
        (call("min", x, d), False),
        (Number(0.5), True),
    ],
    ids=str,
)
def test_the_guard_stands_where_nan_would_be_lost(result, expected):
    found = guarded(result, "x")
    assert (found != result) is expected
    values = {"x": np.array([np.nan, 0.5, -2.0]), "d": np.float64(1.5)}
    got, plain = (np.broadcast_to(evaluate(e, values), 3) for e in (found, result))
    assert np.isnan(got[0])
    np.testing.assert_array_equal(got[1:], plain[1:])


z, hit = Name("z"), call("hit", Name("z"), Name("t"))
gaps = z - call("largest", z)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (gaps, False),
        (call("log1p", call("rest", call("exp", gaps))) - call("entry", gaps, Name("t")), False),
        (call("total", where(call("eq", d, 0), 0, z)), True),  # where d = 0 z is not asked
        (call("entry", z, Name("t")), True),  # one class alone is read
        (z * 2, True),  # the other entries of the slope
        (where(hit, 0, gaps), True),
        (where(hit, gaps, gaps), False),
        (call("put", gaps, Name("t"), call("entry", z, Name("t"))), True),
        (where(call("lt", 0, gaps), 1, 0), True),
        (where(call("lt", 0, gaps), 1, gaps), False),
        (where(call("or", call("lt", 0, gaps), call("eq", d, 0)), 1, gaps), True),
        (Number(0), True),
    ],
    ids=str,
)
def test_the_guard_stands_where_nan_would_not_reach_a_whole_row(result, expected):
    assert (guarded_rows(result, ["z"]) != result) is expected


def test_one_guard_is_for_all_vectors():
    assert str(guarded_rows(z * Name("p"), ["z", "p"])).count("is_nan") == 1
