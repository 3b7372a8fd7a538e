"""Products of a residual and a parameter with the parameter gathered into one number.

x/scale/scale is right for every scale, and takes two sweeps over x; x/(scale*scale) takes one, but
scale*scale may leave the range. So it is only meant for ordinary values of the parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from derive.numerics.nodes import Call, Name, Node, Number, call, node, walk
from derive.program.expanded import expanded, mentions
from derive.program.module import Function, Module
from derive.program.usual import positive

# So often may a parameter occur that lies between 2^-200 and 2^200.
_MOST = 4


@dataclass(frozen=True)
class Gathered:
    """value: what holds where the parameter is ordinary, 2^-200 < parameter < 2^200."""

    parameter: str
    value: Node


def gathered(function: Function, module: Module) -> Gathered | None:
    """The loss or a first derivative with fewer sweeps, if it is a product of such factors."""
    if function.branches or len(function.by) > 1 or len(function.block.results) > 1:
        return None
    (whole,) = expanded(function.block)
    found = _Product(module.residual)
    names = {n.name for n in walk(whole) if isinstance(n, Name)} - {module.residual}
    if len(names) != 1 or not names <= positive(module) or not found.takes(whole):
        return None
    value = found.value()
    if len(found.below) > _MOST or found.sweeps(value) >= found.sweeps(whole):
        return None
    return Gathered(names.pop(), value)


class _Product:
    """numbers * vectors / below."""

    def __init__(self, residual: str) -> None:
        self._residual = residual
        self.numbers: list[Node] = []
        self.vectors: list[Node] = []
        self.below: list[Node] = []

    def takes(self, current: Node) -> bool:
        """Whether the expression is a product of x, |x| or sign(x), numbers, and 1/parameter."""
        if isinstance(current, Number):
            self.numbers.append(current)
            return True
        if not isinstance(current, Call):
            self.vectors.append(current)
            return mentions(current, self._residual) and len(self.vectors) < 3
        if current.op == "mul":
            return all(map(self.takes, current.args))
        if current.op == "div" and isinstance(current.args[1], Name):
            self.below.append(current.args[1])
            return current.args[1].name != self._residual and self.takes(current.args[0])
        if current.op == "neg":
            self.numbers.append(node(-1))
            return self.takes(current.args[0])
        plain = current.op in ("abs", "sign") and current.args == (Name(self._residual),)
        self.vectors.append(current)
        return plain and len(self.vectors) < 3

    def value(self) -> Node:
        """One vector after the other, so that none is multiplied by another before the numbers."""
        number, below = _times(self.numbers), _times(self.below)
        first, *more = self.vectors
        start = call("div", first, below)
        if number != node(1) or more:
            start = call("mul", call("div", number, below), first)
        return reduce(lambda a, b: call("mul", a, b), more, start)

    def sweeps(self, current: Node) -> int:
        """How often an array is gone through."""
        calls = (n for n in walk(current) if isinstance(n, Call) and n.op != "neg")
        return len({n for n in calls if mentions(n, self._residual)})


def _times(factors: Iterable[Node]) -> Node:
    return reduce(lambda a, b: call("mul", a, b), factors, node(1))
