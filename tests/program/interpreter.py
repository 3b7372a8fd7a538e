"""Runs a program in float64, statement by statement, as its printed text would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Name, Node, rebuilt, walk
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
    """An expression in which other functions and helpers of the module may be called."""
    extra = dict(known)
    helpers = {} if module is None else {h.name: h for h in module.helpers}

    def change(current: Node) -> Node:
        if not isinstance(current, Call) or current.op not in (*helpers, "quantity"):
            return current
        if current.op == "quantity":
            assert module is not None and isinstance(current.args[0], Name)
            (result,) = run(module, current.args[0].name, values)
        else:
            helper = helpers[current.op]
            given = (evaluate(a, extra) for a in current.args)
            inner = dict(zip(helper.parameters, given, strict=True))
            (result,) = run_block(helper.block, inner, module)
        place = f"called {len(extra)}"
        extra[place] = result
        return Name(place)

    return evaluate(rebuilt(expression, change), extra)


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
