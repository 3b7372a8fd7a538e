"""Printed text means what the nodes mean: evaluate one, evaluate the other, compare."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from trees import LETTERS, large_printed_expressions, printed_expressions

from derive.emission.printer import NoSpelling, Printer
from derive.emission.render import templates_folder
from derive.emission.syntax import CHOICE, Pattern
from derive.emission.targets import TARGETS
from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import (
    Call,
    Local,
    Name,
    Number,
    call,
    node,
    patch,
    polynomial,
    walk,
    where,
)

x, p, q = map(Name, LETTERS)
VALUES = {"x": np.array([-1.7, 0.0, 0.3, 2.5, 1e3]), "p": np.float64(1.3), "q": np.float64(-0.6)}
NUMPY = TARGETS["numpy"]
WIDTH = NUMPY.syntax.width


def _namespace():
    space: dict = {"np": np, "math": math}
    for path in sorted((templates_folder() / "numpy" / "library").glob("*.py")):
        exec(path.read_text(), space)
    return space


SPACE = _namespace()
PRINTER = Printer(NUMPY.syntax)


def _evaluated(text, **values):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        return eval(compile(text, "printed", "eval"), {**SPACE, **(values or VALUES)})


def _same(got, want, tolerance=0.0):
    got, want = np.broadcast_arrays(np.asarray(got, dtype=float), np.asarray(want, dtype=float))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def _is_power_of_nan(n):
    """NumPy's NaN**0 and 1**NaN are 1, those of the nodes NaN."""
    if not isinstance(n, Call) or n.op != "pow":
        return False
    with np.errstate(all="ignore"):
        return any(np.isnan(evaluate(a, VALUES)).any() for a in n.args)


@settings(max_examples=300, deadline=None)
@given(printed_expressions)
def test_text_means_the_nodes(expression):
    assume(not any(map(_is_power_of_nan, walk(expression))))
    text = PRINTER.expression(expression)
    # a power of arrays may differ from one of numbers in the last digit
    _same(_evaluated(text), evaluate(expression, VALUES), 1e-13)


@settings(max_examples=100, deadline=None)
@given(large_printed_expressions, st.integers(0, 5), st.sampled_from(["result = ", "return "]))
def test_long_lines_are_broken_and_mean_the_same(expression, depth, head):
    assume(not any(map(_is_power_of_nan, walk(expression))))
    expression = expression + where(x < p, expression * 2, expression / 3 - q)
    indent = 4 * depth
    lines = PRINTER.lines(head, expression, indent)
    # Far to the right, where nothing can be broken any more, a line may be longer.
    near = [line for line in lines if len(line) - len(line.lstrip()) <= WIDTH // 2]
    assert all(len(line) <= WIDTH + 4 for line in near), max(near, key=len)
    assert all(line.startswith(" " * indent) for line in lines)
    assert not any(line != line.rstrip() or "\n" in line for line in lines)
    dedented = "\n".join(line[indent:] for line in lines)
    space = dict(SPACE)
    source = f"def f(x, p, q):\n    {dedented.replace(chr(10), chr(10) + '    ')}\n"
    source += "    return result\n" if head != "return " else ""
    exec(compile(source, "printed", "exec"), space)
    with np.errstate(all="ignore"):
        _same(space["f"](**VALUES), evaluate(expression, VALUES), 1e-13)


@given(st.floats(allow_nan=False))
def test_floats_are_printed_to_the_bit(value):
    assert eval(PRINTER.expression(Number(value)), {"np": np}) == value
    assert eval(PRINTER.real(value), {"np": np}) == value


@given(st.fractions())
def test_fractions_are_rounded_once(value):
    assert float(eval(PRINTER.expression(Number(value)))) == value.numerator / value.denominator


@pytest.mark.parametrize(
    "value", [5e-324, 2.0**-1074, 2.0**1023, 1.7976931348623157e308, 2.0**-60, 1e6, 999999]
)
def test_extreme_literals(value):
    for signed in (value, -value):
        assert eval(PRINTER.expression(Number(signed))) == signed
        assert float(eval(PRINTER.expression(Number(Fraction(signed))))) == signed


def test_words_for_what_is_no_number():
    assert PRINTER.expression(Number(math.inf)) == "np.inf"
    assert PRINTER.expression(x - Number(-math.inf)) == "x - -np.inf"
    assert math.isnan(_evaluated(PRINTER.expression(Number(math.nan)), x=1))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (x - (p - q), "x - (p - q)"), (x - p - q, "x - p - q"), (x + (p + q), "x + (p + q)"),
        (x / (p / q), "x / (p / q)"), (x / p / q, "x / p / q"), (x / (p * q), "x / (p * q)"),
        (x * (p / q), "x * (p / q)"), (x * (p + q), "x * (p + q)"), (-(x + p), "-(x + p)"),
        (-x * p, "-x * p"), (-(x * p), "-(x * p)"), (x - -p, "x - -p"), (x**p**q, "x ** p**q"),
        ((x**p) ** q, "(x**p) ** q"), ((-x) ** p, "(-x) ** p"), (-(x**p), "-(x**p)"),
        (x ** (-p), "x ** (-p)"), (node(-2) ** x, "(-2) ** x"), (x - -2, "x - -2"),
        (node(Fraction(1, 2**60)) ** x, "(2.0**-60) ** x"),
        (x / Fraction(1, 2**60), "x / 2.0**-60"), (x * Fraction(1, 3), "x * (1 / 3)"),
        (Fraction(-1, 3) * x, "-1 / 3 * x"), (x ** Fraction(1, 3), "x ** (1 / 3)"),
        (x ** Fraction(1, 2**60), "x ** 2.0**-60"), (-(-x + p), "-(-x + p)"),
        (Local("s", x + p) * 2, "(x + p) * 2"), (-Local("s", x + p), "-(x + p)"),
        (call("lt", 0, x), "x > 0"), (call("le", 0, x), "x >= 0"), (x < p, "x < p"),
        (x < call("least", p), "x < 2.0**-970"), (call("least", p) < x, "x > 2.0**-970"),
        (x * 1e30, "x * 1e30"), (x * 1e-7, "x * 1e-07"),
        (call("clamp", x, -p, p), "np.minimum(np.maximum(x, -p), p)"),
        (polynomial(x, (1, Fraction(1, 2))), "_horner(x, (1, 0.5))"),
        (patch(x > 9, p / x, x), "_where_rare(x > 9, lambda: p / x, x)"),
        (Call("quantity", (Name("d_x"), x, p)), "d_x(x, p)"),
    ],
)  # fmt: skip
def test_parentheses_only_where_they_matter(expression, text):
    assert PRINTER.expression(expression) == text
    if "d_x" not in text:
        values = {"x": np.array([0.7, 1.9]), "p": np.float64(1.3), "q": np.float64(0.6)}
        _same(_evaluated(text, **values), evaluate(expression, values), 1e-15)


def test_conditions_are_parenthesized():
    both = call("or", call("and", x < p, call("le", q, x)), call("eq", x, 0))
    assert PRINTER.expression(both) == "(x < p) & (q <= x) | (x == 0)"
    nested = call("and", x < p, call("or", x < q, call("ne", x, p)))
    assert PRINTER.expression(nested) == "(x < p) & ((x < q) | (x != p))"


def test_a_choice_between_words():
    """As languages for numbers write it: the printer does not know where the condition stands."""
    operations = {**NUMPY.syntax.operations, "where": Pattern("{1} if {0} else {2}", CHOICE)}
    printer = Printer(replace(NUMPY.syntax, operations=operations))
    nested = where(x < p, where(x < q, 1, 2), x + 1) * 2
    assert printer.expression(nested) == "((1 if x < q else 2) if x < p else x + 1) * 2"


@pytest.mark.parametrize("op", ["eval", "unknown"])
def test_a_strange_operation_is_an_error(op):
    with pytest.raises(NoSpelling):
        PRINTER.expression(Call(op, (x,)))


def test_tables_fill_their_lines():
    numbers = [node(Fraction(1, k)) for k in range(1, 40)]
    lines = PRINTER.table("terms = ", numbers, 4)
    assert lines[0] == "    terms = ("
    assert lines[-1] == "    )  # fmt: skip"
    assert all(len(line) <= WIDTH and not line.endswith(" ") for line in lines)
    assert not any(line.rstrip().endswith("/") for line in lines)
    assert PRINTER.table("t = ", numbers[:3], 0) == ["t = (1, 0.5, 1 / 3)"]
