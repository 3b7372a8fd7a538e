"""Products with the parameter in one number: fewer sweeps, and only for such products."""

from __future__ import annotations

import numpy as np
import pytest

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Name, Node, call
from derive.program.documentation import Documentation
from derive.program.gathered import gathered
from derive.program.module import Assignment, Block, Function, Module, Parameter

x, c, y = Name("x"), Name("c"), Name("y")
AT = {"x": np.array([-2.5, 0.0, 0.3, np.inf, np.nan]), "c": np.float64(1.7)}
MODULE = Module(
    "any", "", "any", "x", (Parameter("c", 1.0, call("lt", 0, c), "> 0"),),
    Documentation("", (), "", "", (), ""), (), (), (), frozenset(), {}, {},
)  # fmt: skip


def _function(value: Node, *assignments: Assignment, by: tuple[str, ...] = ("x",)) -> Function:
    return Function("d_x", by, "", (), Block(assignments, (value,)))


def _sweeps(value: Node) -> int:
    if not isinstance(value, Call):
        return 0
    inside = sum(map(_sweeps, value.args))
    return inside + (value.op != "neg" and x in _names(value))


def _names(value: Node) -> set[Node]:
    return {value} if not isinstance(value, Call) else set().union(*map(_names, value.args))


@pytest.mark.parametrize(
    ("whole", "most"),
    [
        (x / c / c, 1),
        (0.5 * (x / c) * (x / c), 2),
        (-call("abs", x) / c / c, 2),
        (2 * call("sign", x) / c / c, 2),
    ],
)
def test_it_means_the_same_in_fewer_sweeps(whole, most):
    found = gathered(_function(whole), MODULE)
    assert found is not None and found.parameter == "c"
    assert _sweeps(found.value) == most < _sweeps(whole)
    got, want = evaluate(found.value, AT), evaluate(whole, AT)
    np.testing.assert_allclose(got, want, rtol=1e-15)


def test_locals_are_seen_through():
    found = gathered(_function(0.5 * y * y, Assignment("y", x / c), by=()), MODULE)
    assert found is not None and _sweeps(found.value) == 2


@pytest.mark.parametrize(
    "whole",
    [
        x / c,  # nothing to gain
        call("exp", x / c / c),
        x / c / c + 1,
        c / x / x,
        x / c / c / c / c / c,  # c^5 leaves the range earlier
    ],
)
def test_what_is_no_such_product_stays(whole):
    assert gathered(_function(whole), MODULE) is None


def test_second_derivatives_are_left_alone():
    assert gathered(_function(x / c / c, by=("x", "c")), MODULE) is None
