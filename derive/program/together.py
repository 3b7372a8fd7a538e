"""The loss and its slopes in one go: what they share is computed once, in their helpers too."""

from __future__ import annotations

from derive.numerics.nodes import Call, Local, Node
from derive.program.blocks import Naming, Pool, make_block, operations
from derive.program.expanded import expanded, substituted
from derive.program.module import Block, Function, Module

# Helpers of so few operations are written out.
_SHORT = 12


def together(both: Function, module: Module) -> Block:
    """The block of a function with short helpers written out: every operation that occurs
    twice is worth a letter where each is a sweep over an array."""
    pool, letters, writer = Pool(), dict[int, str](), _Writer(module)
    for function in module.functions:
        values: dict[str, Node] = {}
        for a in function.block.assignments:
            values[a.name] = whole = substituted(a.value, values)
            letters.setdefault(id(pool.intern(writer.written(whole))), a.name)
    results = [writer.written(r) for r in expanded(both.block)]
    naming = Naming(frozenset(module.variables), module.residual, letters=letters, worth=1)
    return make_block(results, naming, pool)


class _Writer:
    """Writes short helpers out, and a + b for b + a where that was there first."""

    def __init__(self, module: Module) -> None:
        self._first: dict[Node, Node] = {}
        self._short: dict[str, tuple[tuple[str, ...], Node]] = {}
        for helper in module.helpers:
            (body,) = expanded(helper.block)
            if not helper.branches and operations(body) <= _SHORT:
                self._short[helper.name] = helper.parameters, body

    def written(self, current: Node) -> Node:
        if isinstance(current, Local):
            return self.written(current.value)
        if not isinstance(current, Call):
            return current
        args = tuple(map(self.written, current.args))
        if current.op in self._short:
            parameters, body = self._short[current.op]
            return self.written(substituted(body, dict(zip(parameters, args, strict=True))))
        made = Call(current.op, args)
        if current.op in ("add", "mul"):
            return self._first.setdefault(made, self._first.get(Call(made.op, args[::-1]), made))
        return made
