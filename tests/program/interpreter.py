"""Runs a program in float64, statement by statement, as its printed text would."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Name, Node, walk
from derive.program.module import Assignment, Block, Module


def names_in(expression: Node) -> set[str]:
    return {n.name for n in walk(expression) if isinstance(n, Name)}


NONE: Mapping[str, Any] = MappingProxyType({})


def run_block(
    block: Block, values: Mapping[str, Any], quantities: Mapping[str, Any] = NONE
) -> list[Any]:
    known = dict(values)
    for assignment in block.assignments:
        known[assignment.name] = _value(assignment, known, quantities)
    return [evaluate(r, known) for r in block.results]


def _value(assignment: Assignment, known: Mapping[str, Any], quantities: Mapping[str, Any]) -> Any:
    value = assignment.value
    if isinstance(value, Call) and value.op == "quantity":
        (wanted,) = value.args
        assert isinstance(wanted, Name)
        return quantities[wanted.name]
    return evaluate(value, known)


def run(module: Module, function: str, regime: str, values: Mapping[str, Any]) -> list[Any]:
    (found,) = (f for f in module.functions if f.name == function)
    (case,) = (c for c in found.cases if c.regime == regime)
    called = {
        n.args[0].name
        for a in (*found.shared, *case.block.assignments)
        for n in walk(a.value)
        if isinstance(n, Call) and n.op == "quantity"
    }
    quantities = {name: run(module, name, regime, values)[0] for name in called}
    whole = Block((*found.shared, *case.block.assignments), case.block.results)
    return run_block(whole, values, quantities)
