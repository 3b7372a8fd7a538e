"""Helpers without the arguments that are one number wherever a file calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from derive.numerics.helpers import Helper
from derive.numerics.nodes import Call, Name, Node, Number, rebuilt, walk
from derive.program.module import Assignment, Block, Branch, Function
from derive.program.peephole import About, cleaned

Constants = Mapping[str, Mapping[int, Number]]
"""By helper: the places of its arguments, and the number that stands there in every call."""


def settled(
    functions: Sequence[Function], helpers: Sequence[Helper]
) -> tuple[list[Function], list[Helper]]:
    """Functions and all helpers that they call; a helper may settle another one that it calls."""
    found, made = list(functions), list(helpers)
    while constants := _constants([n for f in found for n in f.expressions], made):
        found = [_function(f, constants) for f in found]
        made = [_helper(h, constants) for h in made]
    return found, made


def _constants(roots: Iterable[Node], helpers: Sequence[Helper]) -> Constants:
    called: dict[str, list[Call]] = {h.name: [] for h in helpers}
    inside = (e for h in helpers for e in (h.body, *(h.shortcut or ())))
    for current in (n for r in (*roots, *inside) for n in walk(r)):
        if isinstance(current, Call) and current.op in called:
            called[current.op].append(current)
    found = {}
    for name, calls in called.items():
        columns = [set(column) for column in zip(*(c.args for c in calls), strict=True)]
        fixed = {k: v for k, values in enumerate(columns) for v in values if len(values) == 1}
        numbers = {k: v for k, v in fixed.items() if isinstance(v, Number)}
        if numbers and len(numbers) < len(columns):
            found[name] = numbers
    return found


def _helper(helper: Helper, constants: Constants) -> Helper:
    numbers = constants.get(helper.name, {})
    names = {helper.parameters[k]: v for k, v in numbers.items()}
    body, *rest = (_rewritten(e, constants, names) for e in (helper.body, *(helper.shortcut or ())))
    if names:
        body, *rest = (cleaned(e, About()) for e in (body, *rest))
    return replace(
        helper,
        parameters=tuple(p for p in helper.parameters if p not in names),
        meaning=f"{helper.meaning.rstrip('.')} ({_told(names)})." if names else helper.meaning,
        made=body,
        shortcut=(rest[0], rest[1]) if rest else None,
    )


def _told(names: Mapping[str, Number]) -> str:
    """b = c = 1, d = 2."""
    by_value: dict[Number, list[str]] = {}
    for name, number in sorted(names.items()):
        by_value.setdefault(number, []).append(name)
    return ", ".join(" = ".join((*same, str(v.value))) for v, same in by_value.items())


def _function(function: Function, constants: Constants) -> Function:
    branches = tuple(
        Branch(b.condition, b.meaning, _block(b.block, constants)) for b in function.branches
    )
    return replace(function, branches=branches, block=_block(function.block, constants))


def _block(block: Block, constants: Constants) -> Block:
    assignments = (Assignment(a.name, _rewritten(a.value, constants)) for a in block.assignments)
    return Block(tuple(assignments), tuple(_rewritten(r, constants) for r in block.results))


def _rewritten(
    expression: Node, constants: Constants, values: Mapping[str, Node] | None = None
) -> Node:
    """Every call without the arguments that are settled, and values in the places of names."""

    def change(current: Node) -> Node:
        if isinstance(current, Call):
            gone = constants.get(current.op, {})
            return Call(current.op, tuple(a for k, a in enumerate(current.args) if k not in gone))
        if isinstance(current, Name) and values:
            return values.get(current.name, current)
        return current

    return rebuilt(expression, change)
