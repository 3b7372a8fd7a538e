"""Runs a program in float64, statement by statement, as its printed text would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Local, Name, Node, walk
from derive.program.module import Block, Function, Module


def names_in(expression: Node) -> set[str]:
    """The variables and locals of an expression; names of functions are none."""
    functions = {
        id(n.args[0]) for n in walk(expression) if isinstance(n, Call) and n.op == "quantity"
    }
    return {n.name for n in walk(expression) if isinstance(n, Name) and id(n) not in functions}


def run_block(block: Block, values: Mapping[str, Any], module: Module | None = None) -> list[Any]:
    known = dict(values)
    for assignment in block.assignments:
        known[assignment.name] = _value(assignment.value, known, values, module)
    return [_value(r, known, values, module) for r in block.results]


def _value(
    expression: Node, known: Mapping[str, Any], values: Mapping[str, Any], module: Module | None
) -> Any:
    """An expression in which other functions of the module may be called."""
    called = {
        n.args[0].name: n
        for n in walk(expression)
        if isinstance(n, Call) and n.op == "quantity" and isinstance(n.args[0], Name)
    }
    extra = dict(known)
    for name in called:
        assert module is not None
        (extra[f"called {name}"],) = run(module, name, values)
    return evaluate(_without_calls(expression), extra)


def _without_calls(expression: Node) -> Node:
    if isinstance(expression, Local):
        return Local(expression.name, _without_calls(expression.value))
    if not isinstance(expression, Call):
        return expression
    if expression.op == "quantity":
        assert isinstance(expression.args[0], Name)
        return Name(f"called {expression.args[0].name}")
    return Call(expression.op, tuple(map(_without_calls, expression.args)))


def run(module: Module, name: str, values: Mapping[str, Any]) -> list[Any]:
    """The results of a function; its parameters are numbers."""
    (function,) = (f for f in module.functions if f.name == name)
    return run_block(taken(function, values), values, module)


def taken(function: Function, values: Mapping[str, Any]) -> Block:
    """The block that holds at these parameters."""
    for branch in function.branches:
        if np.all(evaluate(branch.condition, values)):
            return branch.block
    return function.block
