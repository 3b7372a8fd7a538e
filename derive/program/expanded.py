"""Blocks as plain expressions: what assignments and calls of other functions stand for."""

from __future__ import annotations

from collections.abc import Mapping

from derive.numerics.nodes import Call, Local, Name, Node, children
from derive.program.module import Block


def substituted(current: Node, values: Mapping[str, Node]) -> Node:
    """The expression with names replaced by values, and no locals."""
    if isinstance(current, Name):
        return values.get(current.name, current)
    if isinstance(current, Call):
        return Call(current.op, tuple(substituted(a, values) for a in current.args))
    if isinstance(current, Local):
        return substituted(current.value, values)
    return current


def expanded(block: Block, known: Mapping[str, Node] | None = None) -> tuple[Node, ...]:
    """The results without assignments; a call of a function in `known` as what it gives."""
    values: dict[str, Node] = {}
    for assignment in block.assignments:
        values[assignment.name] = _called(substituted(assignment.value, values), known or {})
    return tuple(_called(substituted(r, values), known or {}) for r in block.results)


def _called(current: Node, known: Mapping[str, Node]) -> Node:
    if not isinstance(current, Call):
        return current
    if current.op == "quantity" and isinstance(current.args[0], Name):
        return known.get(current.args[0].name, current)
    return Call(current.op, tuple(_called(a, known) for a in current.args))


def mentions(current: Node, name: str) -> bool:
    if isinstance(current, Name):
        return current.name == name
    return any(mentions(c, name) for c in children(current))
