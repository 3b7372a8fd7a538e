"""Helpers whose arguments are one number everywhere do without them."""

from __future__ import annotations

import numpy as np
from interpreter import run_block

from derive.numerics.helpers import HELPERS, root1p_square, times_power1p
from derive.numerics.nodes import Call, Name, node, walk
from derive.program.lowering import called_from
from derive.program.module import Block, Function
from derive.program.settled import settled

x, p = Name("x"), Name("p")


def _settled(*results):
    function = Function("loss", (), "", (), Block((), results))
    (made,), used = settled([function], called_from(results))
    return made, {h.name: h for h in used}


def _calls(function, name):
    nodes = [n for r in function.block.results for n in walk(r)]
    return [n for n in nodes if isinstance(n, Call) and n.op == name]


def test_an_argument_that_is_one_number_everywhere_goes():
    one, two = (times_power1p(f, 2, 1, 1, x, 1, p) for f in (1, x))
    made, used = _settled(one, two)
    assert [len(c.args) for c in _calls(made, "times_power1p")] == [3, 3]
    found = used["times_power1p"]
    assert found.parameters == ("f", "y", "p")
    assert found.meaning.endswith("(b = c = d = 1, e = 2).")
    assert all(n != Name("b") for n in walk(found.body))


def test_what_a_helper_calls_is_settled_with_it():
    _, used = _settled(times_power1p(x, 1, 1, 1, x, 1, p))
    assert used["in_halves"].parameters == ("f", "y", "q")


def test_arguments_that_differ_and_helpers_of_nothing_else_stay():
    made, used = _settled(times_power1p(1, 2, 1, 1, x, 1, p) + times_power1p(2, 1, 1, 1, x, 1, p))
    assert used["times_power1p"].parameters == ("f", "e", "y", "p")
    made, used = _settled(root1p_square(node(2)))
    assert used["root1p_square"].parameters == ("t",) and _calls(made, "root1p_square")[0].args


def test_the_settled_helper_gives_the_same_values(monkeypatch):
    whole = times_power1p(x, 2, 4, 1, x, 9, p)
    values = {"x": np.array([-3.0, 0.0, 0.5, 1e200]), "p": -0.75}
    (expected,) = run_block(Block((), (whole,)), values)
    made, used = _settled(whole)
    for name, short in used.items():
        monkeypatch.setitem(HELPERS, name, short)
    (found,) = run_block(made.block, values)
    np.testing.assert_array_max_ulp(found, expected, maxulp=2)
