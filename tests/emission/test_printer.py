"""Printed text means what the nodes mean: evaluate one, evaluate the other, compare."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import LETTERS, large_printed_expressions, printed_expressions

from derive.emission.printer import WIDTH, Printer, number
from derive.emission.targets import TARGETS
from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Local, Name, Number, call, node, patch, where

x, p, q = map(Name, LETTERS)
VALUES = {"x": np.array([-1.7, 0.0, 0.3, 2.5, 1e3]), "p": np.float64(1.3), "q": np.float64(-0.6)}
MACHINERY = """
def _as_tensor(value, like):
    return value if isinstance(value, torch.Tensor) else like.new_full((), value)

def _holds(condition, every=False):
    return bool(condition.all() if every else condition.any())
"""


def _namespace(target):
    space = {"np": np, "torch": torch, "math": math}
    if target == "torch":
        exec(MACHINERY, space)
    for source in TARGETS[target].runtime.values():
        exec(source, space)
    return space


SPACES = {name: _namespace(name) for name in TARGETS}


def _printer(target):
    none = frozenset()
    return Printer(TARGETS[target].dialect, none, frozenset({"x"}), "x, p, q", "x", none)


def _evaluated(target, text, **values):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        return eval(compile(text, "printed", "eval"), {**SPACES[target], **(values or VALUES)})


def _same(got, want, tolerance=0.0):
    got, want = np.broadcast_arrays(np.asarray(got, dtype=float), np.asarray(want, dtype=float))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@settings(max_examples=300, deadline=None)
@given(printed_expressions)
def test_numpy_text_means_the_nodes(expression):
    text = _printer("numpy").expression(expression)
    # a power of arrays may differ from one of numbers in the last digit
    _same(_evaluated("numpy", text), evaluate(expression, VALUES), 1e-13)


@settings(max_examples=150, deadline=None)
@given(printed_expressions)
def test_torch_text_means_the_nodes(expression):
    text = _printer("torch").expression(call("add", expression, x * 0))
    values = {n: torch.as_tensor(v) for n, v in VALUES.items()}
    want = evaluate(call("add", expression, x * 0), VALUES)
    with np.errstate(all="ignore"):
        steep = np.abs(np.asarray(want)) > 1e8
    got = _evaluated("torch", text, **values).numpy()
    _same(np.where(steep, want, got), want, 1e-9)


@settings(max_examples=100, deadline=None)
@given(large_printed_expressions, st.integers(0, 5), st.sampled_from(["result = ", "return "]))
def test_long_lines_are_broken_and_mean_the_same(expression, depth, head):
    expression = expression + where(x < p, expression * 2, expression / 3 - q)
    indent = 4 * depth
    lines = _printer("numpy").lines(head, expression, indent)
    # Far to the right, where nothing can be broken any more, a line may be longer.
    near = [line for line in lines if len(line) - len(line.lstrip()) <= WIDTH // 2]
    assert all(len(line) <= WIDTH + 4 for line in near), max(near, key=len)
    assert all(line.startswith(" " * indent) for line in lines)
    assert not any(line != line.rstrip() or "\n" in line for line in lines)
    dedented = "\n".join(line[indent:] for line in lines)
    space = dict(SPACES["numpy"])
    source = f"def f(x, p, q):\n    {dedented.replace(chr(10), chr(10) + '    ')}\n"
    source += "    return result\n" if head != "return " else ""
    exec(compile(source, "printed", "exec"), space)
    with np.errstate(all="ignore"):
        _same(space["f"](**VALUES), evaluate(expression, VALUES), 1e-13)


@given(st.floats(allow_nan=False))
def test_floats_are_printed_to_the_bit(value):
    text, _ = number(value, "np.inf")
    assert eval(text, {"np": np}) == value


@given(st.fractions())
def test_fractions_are_rounded_once(value):
    text, _ = number(value, "np.inf")
    assert float(eval(text)) == value.numerator / value.denominator


@pytest.mark.parametrize(
    "value", [5e-324, 2.0**-1074, 2.0**1023, 1.7976931348623157e308, 2.0**-60, 1e6, 999999]
)
def test_extreme_literals(value):
    for signed in (value, -value):
        assert eval(number(signed, "inf")[0]) == signed
        assert float(eval(number(Fraction(signed), "inf")[0])) == signed


@pytest.mark.parametrize("target", TARGETS)
def test_words_for_what_is_no_number(target):
    word = TARGETS[target].dialect.infinity
    printer = _printer(target)
    assert printer.expression(Number(math.inf)) == word
    assert printer.expression(x - Number(-math.inf)) == f"x - -{word}"
    assert math.isnan(_evaluated(target, printer.expression(Number(math.nan)), x=1))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (x - (p - q), "x - (p - q)"), (x - p - q, "x - p - q"), (x + (p + q), "x + (p + q)"),
        (x / (p / q), "x / (p / q)"), (x / p / q, "x / p / q"), (x / (p * q), "x / (p * q)"),
        (x * (p / q), "x * (p / q)"), (x * (p + q), "x * (p + q)"), (-(x + p), "-(x + p)"),
        (-x * p, "-x * p"), (-(x * p), "-(x * p)"), (x - -p, "x - -p"), (x**p**q, "x ** p ** q"),
        ((x**p) ** q, "(x ** p) ** q"), ((-x) ** p, "(-x) ** p"), (-(x**p), "-x ** p"),
        (x ** (-p), "x ** (-p)"), (node(-2) ** x, "(-2) ** x"), (x - -2, "x - -2"),
        (node(Fraction(1, 2**60)) ** x, "(2.0**-60) ** x"),
        (x / Fraction(1, 2**60), "x / 2.0**-60"),
        (x ** Fraction(1, 2**60), "x ** 2.0**-60"), (-(-x + p), "-(-x + p)"),
        (Local("s", x + p) * 2, "(x + p) * 2"), (-Local("s", x + p), "-(x + p)"),
    ],
)  # fmt: skip
def test_parentheses_only_where_they_matter(expression, text):
    assert _printer("numpy").expression(expression) == text
    values = {"x": np.array([0.7, 1.9]), "p": np.float64(1.3), "q": np.float64(0.6)}
    _same(_evaluated("numpy", text, **values), evaluate(expression, values), 1e-15)


def test_conditions_are_parenthesized():
    both = call("or", call("and", x < p, call("le", q, x)), call("eq", x, 0))
    assert _printer("numpy").expression(both) == "(x < p) & (q <= x) | (x == 0)"
    nested = call("and", x < p, call("or", x < q, call("ne", x, p)))
    assert _printer("numpy").expression(nested) == "(x < p) & ((x < q) | (x != p))"


def test_rare_parts_are_printed_lazily():
    expression = patch(x > 9, p / x, x)
    assert _printer("numpy").expression(expression) == "_patch(9 < x, lambda: p / x, x)"


def test_torch_tells_numbers_from_tensors():
    printer = _printer("torch")
    assert printer.expression(call("sqrt", x)) == "torch.sqrt(x)"
    assert printer.expression(call("sqrt", p)) == "_sqrt_of(p)"
    assert printer.expression(call("abs", p)) == "abs(p)"
    assert printer.expression(where(p < 1, x, 2)).startswith("_where(")
    assert printer.expression(where(x < 1, 1, 0)) == "_pick(x < 1, 1, 0, x)"


@pytest.mark.parametrize("op", ["eval", "unknown"])
def test_a_strange_operation_is_an_error(op):
    with pytest.raises(KeyError):
        _printer("numpy").expression(Call(op, (x,)))


@pytest.mark.parametrize(
    "expression",
    [
        where(p < 2, Fraction(1, 3), 0),
        patch(x > 1, Fraction(1, 3), Fraction(2, 3)),
        patch(x > 1e9, 1, 2),
    ],
    ids=["choice by a parameter", "patch", "patch that never happens"],
)
def test_torch_chooses_between_numbers_in_the_dtype_of_the_residual(expression):
    values = {n: torch.as_tensor(v) for n, v in VALUES.items()}
    got = _evaluated("torch", _printer("torch").expression(expression + x * 0), **values)
    assert got.dtype == torch.float64
    _same(got.numpy(), evaluate(expression + x * 0, VALUES))


@pytest.mark.parametrize("target", TARGETS)
def test_parameters_alone_may_be_python_numbers(target):
    """Functions of numbers in both targets, also where Python's math would raise."""
    if target == "numpy":
        values = {"p": np.float64(1.3), "q": np.float64(-800.0)}
    else:
        values = {"p": 1.3, "q": -800.0}
    cases = [
        (call("exp", q), 0.0), (call("exp", -q), math.inf), (call("expm1", -q), math.inf),
        (call("log", p - p), -math.inf), (call("sqrt", p), math.sqrt(1.3)), (call("sign", q), -1.0),
        (call("abs", q), 800.0), (call("cosh", q), math.inf), (call("sinh", q), -math.inf),
        (call("pow", p, -10 * q), math.inf), (call("tanh", q), -1.0), (call("min", p, q), -800.0),
        (call("max", p, q), 1.3), (call("log1p", p), math.log1p(1.3)),
        (1 / (p - p), math.inf), (call("loggamma", p), math.lgamma(1.3)),
    ]  # fmt: skip
    bad = {}
    for expression, want in cases:
        text = _printer(target).expression(expression)
        try:
            got = float(_evaluated(target, text, **values))
        except (ArithmeticError, ValueError) as trouble:
            bad[text] = repr(trouble)
            continue
        if not (got == want or abs(got - want) <= 1e-14 * abs(want)):
            bad[text] = got
    assert not bad
