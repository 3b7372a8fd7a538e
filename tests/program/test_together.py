"""The loss and its slope in one go: the same values, and what their helpers share only once."""

from __future__ import annotations

import numpy as np
from interpreter import run_block

from derive.numerics import helpers
from derive.numerics.nodes import Call, Name, call, walk
from derive.program.documentation import Documentation
from derive.program.lowering import helpers_of
from derive.program.module import Block, Function, Module
from derive.program.together import together

x = Name("x")


def _module(*results):
    block = Block((), results)
    both = Function("value_and_grad", (), "", (), block)
    empty = Documentation("", (), "", "", (), "")
    used = helpers_of(results)
    return both, Module("any", "", "any", "x", (), empty, (both,), (), used, frozenset(), {}, {})


def test_a_root_that_two_helpers_take_is_taken_once():
    root = helpers.HELPERS["root1p_square"](x)
    block = together(*_module(call("sqrt", 1 + x * x) + 1, x / root))
    nodes = [n for v in (*(a.value for a in block.assignments), *block.results) for n in walk(v)]
    assert sum(isinstance(n, Call) and n.op == "sqrt" for n in nodes) == 1
    assert all(n.op not in helpers.HELPERS for n in nodes if isinstance(n, Call))
    at = np.array([-3.0, 0.0, 0.5, 2.0**45, 1e200])
    with np.errstate(all="ignore"):
        value, slope = run_block(block, {"x": at})
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(value, np.sqrt(1 + at * at) + 1)
    np.testing.assert_allclose(slope, [-3 / np.sqrt(10), 0, 0.5 / np.sqrt(1.25), 1, 1])


def test_a_sum_written_the_other_way_round_is_the_same():
    block = together(*_module(call("exp", 1 + x), call("log", x + 1)))
    (shared,) = block.assignments
    assert shared.value == 1 + x
