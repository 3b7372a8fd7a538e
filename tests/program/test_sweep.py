"""Calls in place: what they compute, on buffers that are used again."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy

from derive.numerics.lower import lower
from derive.numerics.nodes import Call, Name, Number, call, walk
from derive.program.branchless import branchless, folded
from derive.program.calls import DIFFERENCE, NUMBER, SLOPE
from derive.program.module import Block, Branch, Function, Module, Parameter
from derive.program.moments import moments
from derive.program.plain import plain_loss
from derive.program.scalars import scaled
from derive.program.sweep import sweep

X, A, C = (
    sympy.Symbol("x", real=True),
    sympy.Symbol("a", real=True),
    sympy.Symbol("c", positive=True),
)
POINTS = np.array([-30.0, -2.5, -0.3, 0.0, 1e-3, 0.7, 4.0, 11.0])
VALUES = {"a": 0.6, "c": 1.7}
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "min": np.minimum, "max": np.maximum, "lt": np.less, "le": np.less_equal,
}  # fmt: skip


def _value(node: Any, x: Any) -> Any:
    """A node by NumPy; nothing of the generator computes here."""
    if isinstance(node, Name):
        return x if node.name == "x" else VALUES[node.name]
    if isinstance(node, Number):
        return float(node.value)
    args = [_value(a, x) for a in node.args]
    return _apply(node.op, args)


def _apply(op: str, args: list[Any]) -> Any:
    if op == "scaled_add":
        return args[0] + args[2] * args[1]
    if op == "growth":
        return np.exp(args[0] * args[1])
    if op == "clamp":
        return np.clip(*args)
    if op == "neg":
        return -args[0]
    if op == "where":
        return np.where(*args)
    return BINARY[op](*args) if op in BINARY else getattr(np, op)(*args)


FORMULAS = {
    "root": sympy.sqrt(1 + (X / C) ** 2) - 1,
    "logarithm": (A + 1) / 2 * sympy.log(1 + X**2 / (A * C**2)),
    "power": (2 - A) / A * ((1 + X**2 / ((2 - A) * C**2)) ** (A / 2) - 1),
    "exponential": 1 - sympy.exp(-(X**2) / C),
    "rational": 2 * X**2 / (X**2 + 4 * C**2),
    "square": (X / C) ** 2 / 2,
}
formulas = pytest.mark.parametrize("name", FORMULAS)


def _module(expression: sympy.Expr) -> Module:
    """A file whose functions are the raw formulas."""
    names = [v for v in (A, C) if expression.has(v)]
    quantities = {"loss": expression} | {f"d_{v}": sympy.diff(expression, v) for v in (X, *names)}
    nodes = {name: lower(e) for name, e in quantities.items()}
    functions = [
        Function(name, (name[2:],) if name != "loss" else (), "", (), Block((), (node,)))
        for name, node in nodes.items()
    ]
    both = Block((), (nodes["loss"], nodes["d_x"]))
    functions.append(Function("value_and_grad", (), "", (), both))
    positive = call("lt", 0, Name("c"))
    anything = call("lt", -math.inf, Name("a"))
    return Module(
        name="made", digest="", subject="", residual="x",
        parameters=tuple(
            Parameter(str(v), VALUES[str(v)], positive if v == C else anything, "") for v in names
        ),
        documentation=SimpleNamespace(), functions=tuple(functions), special=(), helpers=(),
        operations=frozenset(), diverging={}, definition=nodes,
    )  # type: ignore[arg-type]  # fmt: skip


@formulas
def test_a_factor_taken_out_changes_nothing(name):
    for e in (FORMULAS[name], sympy.diff(FORMULAS[name], X)):
        part = scaled(lower(e), "x", {"c"})
        got = _value(part.factor, POINTS) * _value(part.vector, POINTS)
        want = sympy.lambdify((X, A, C), e, "numpy")(POINTS, VALUES["a"], VALUES["c"])
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


@formulas
def test_moments_add_up_to_the_sums(name):
    module = _module(FORMULAS[name])
    found = moments(module.definition, "x", {"c"})
    assert set(found) == set(module.definition)
    for quantity, rows in found.items():
        total = sum(
            _value(m.factor, POINTS) * np.sum(_value(m.vector, POINTS) * np.ones(8) - m.less_one)
            for m in rows
        )
        want = np.sum(_value(module.definition[quantity], POINTS))
        np.testing.assert_allclose(total, want, rtol=1e-11, atol=1e-13)


def _run(module: Module, wanted: tuple[str, ...]) -> tuple[dict[str, float], np.ndarray, int]:
    """The program on buffers; those of parameters that are not wanted are skipped."""
    program = sweep(module)
    assert program is not None
    places: dict[str, Any] = {DIFFERENCE: POINTS.copy(), SLOPE: np.full(8, np.nan)}
    excess: dict[str, float] = {}

    def run(steps: Any) -> None:
        for step in steps:
            args = [places[a] if isinstance(a, str) and a in places else a for a in step.arguments]
            args = [a if isinstance(a, np.ndarray | str) else _value(a, None) for a in args]
            if step.op == "growth":
                excess[args.pop()] = float(np.sum(np.expm1(args[0] * args[1])))
            places[step.place] = _apply(step.op, args)

    def total(found: Any) -> float:
        run(found.steps)
        known = {NUMBER: 8.0, **excess}
        terms = (
            _value(f, None) * (known[w] if w in known else places[w].sum()) for f, w in found.terms
        )
        return float(sum(terms))

    sums = {"loss": total(program.value)}
    run(program.slope)
    if wanted:
        run(program.shared)
    for name in wanted:
        sums[name] = total(program.by[name])
    slope = places[program.place] * _value(program.stretch, None)
    return sums, slope, len(program.buffers)


@formulas
@pytest.mark.parametrize("wanted", ["none", "each", "all"])
def test_the_program_on_its_buffers(name, wanted):
    module = _module(FORMULAS[name])
    names = tuple(p.name for p in module.parameters)
    for some in {"none": [()], "each": [(n,) for n in names], "all": [names]}[wanted]:
        sums, slope, buffers = _run(module, some)
        assert buffers <= 5
        np.testing.assert_allclose(slope, _value(module.definition["d_x"], POINTS), rtol=1e-11)
        for quantity, got in sums.items():
            raw = module.definition[quantity if quantity == "loss" else f"d_{quantity}"]
            np.testing.assert_allclose(got, np.sum(_value(raw, POINTS)), rtol=1e-10, atol=1e-12)


def _by_helpers(module: Module) -> Module:
    """The file as if its formulas called helpers, which no call in place stands for."""
    strange = Block((), (Call("logcosh", (Name("x"),)),))
    functions = [replace(f, block=strange) for f in module.functions[:-1]]
    both = replace(module.functions[-1], block=Block((), strange.results * 2))
    return replace(module, functions=(*functions, both))


@formulas
def test_moments_where_the_formulas_call_helpers(name):
    module = _by_helpers(_module(FORMULAS[name]))
    if len(moments(module.definition, "x", {"c"})["d_x"]) > 1:
        assert sweep(module) is None  # a slope has to be one product
        return
    names = tuple(p.name for p in module.parameters)
    sums, slope, _ = _run(module, names)
    np.testing.assert_allclose(slope, _value(module.definition["d_x"], POINTS), rtol=1e-11)
    for quantity, got in sums.items():
        raw = module.definition[quantity if quantity == "loss" else f"d_{quantity}"]
        np.testing.assert_allclose(got, np.sum(_value(raw, POINTS)), rtol=1e-10, atol=1e-12)


def test_a_power_takes_one_logarithm_and_one_exponential():
    program = sweep(_by_helpers(_module(FORMULAS["power"])))
    assert program is not None
    costly = [s.op for s in program.steps if s.op in ("log1p", "log", "growth", "pow", "exp")]
    assert sorted(costly) == ["growth", "log1p"]


def test_a_helper_of_the_file_and_no_moments_give_no_program():
    module = _by_helpers(_module(FORMULAS["square"]))
    assert sweep(replace(module, definition={})) is None


def test_branches_become_choices_at_moved_parameters():
    module = _module(FORMULAS["power"])
    condition = call("eq", Name("a"), 0)
    logarithm = Block((), (call("log1p", call("mul", Name("x"), Name("x"))),))
    general = module.functions[0]
    function = replace(general, branches=(Branch(condition, "a = 0", logarithm),))
    block = branchless(function, replace(module, special=(condition,)))
    moved = block.assignments[0].value
    assert isinstance(moved, Call)
    assert moved.args[0] == condition
    assert moved.args[2] == Name("a")
    (result,) = block.results
    choices = [n for n in walk(result) if isinstance(n, Call) and n.op == "where"]
    assert any(n.args[:2] == (condition, logarithm.results[0]) for n in choices)


def test_clipping_is_one_operation_and_plain():
    clip = call("min", call("max", Name("x"), call("neg", Name("c"))), Name("c"))
    assert folded(clip, {"c"}) == Call("clamp", (Name("x"), call("neg", Name("c")), Name("c")))
    module = _module(FORMULAS["square"])
    assert plain_loss(module) is not None
    assert plain_loss(_module(FORMULAS["root"])) is None
