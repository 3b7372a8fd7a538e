"""Factors that do not depend on the residual, taken out of an expression as far as they go.

An array is multiplied by a number once, where the sum of it is taken, rather than at every
operation: x/scale * (x/scale) becomes 1/scale^2 times x*x, and 4 + x*x/scale^2 becomes 1/scale^2
times (x*x + 4 scale^2).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from derive.numerics.nodes import Call, Local, Name, Node, Number, call, children
from derive.program.factors import shortest

ONE = Number(Fraction(1))


@dataclass(frozen=True)
class Scaled:
    """factor times vector; a vector of None is 1. The factor does not depend on the residual."""

    factor: Node
    vector: Node | None

    @property
    def whole(self) -> Node:
        """Both as one expression; a number where there is no vector."""
        if self.vector is None:
            return self.factor
        return self.vector if self.factor == ONE else Call("mul", (self.vector, self.factor))


def scaled(expression: Node, residual: str, positive: Collection[str]) -> Scaled:
    """The expression with its factor taken out.

    In the vector the operations are those of nodes, numbers always the last arguments, and
    `scaled_add(a, b, number)` = a + number*b, `growth(a, number)` = exp(number*a). positive: the
    parameters that are > 0.
    """
    return _Splitter(residual, positive).split(expression)


class _Splitter:
    def __init__(self, residual: str, positive: Collection[str]) -> None:
        self._residual, self._positive = residual, positive
        self._done: dict[int, Scaled] = {}
        self._varies: dict[int, bool] = {}

    def split(self, current: Node) -> Scaled:
        if id(current) not in self._done:
            found = self._split(current)
            factor = shortest(found.factor, self._positive)
            self._done[id(current)] = Scaled(factor, found.vector)
        return self._done[id(current)]

    def varies(self, current: Node) -> bool:
        if id(current) not in self._varies:
            here = isinstance(current, Name) and current.name == self._residual
            self._varies[id(current)] = here or any(self.varies(c) for c in children(current))
        return self._varies[id(current)]

    def _split(self, current: Node) -> Scaled:
        if not self.varies(current):
            return Scaled(current, None)
        if isinstance(current, Local):
            return self.split(current.value)
        if not isinstance(current, Call):
            return Scaled(ONE, current)
        if current.op in ("mul", "div"):
            return self._product(current.op, *map(self.split, current.args))
        if current.op == "neg":
            inner = self.split(current.args[0])
            return Scaled(call("neg", inner.factor), inner.vector)
        if current.op in ("add", "sub"):
            left, right = map(self.split, current.args)
            if current.op == "sub":
                right = Scaled(call("neg", right.factor), right.vector)
            return self._sum(left, right)
        if current.op in ("abs", "sqrt"):
            inner = self.split(current.args[0])
            assert inner.vector is not None
            return Scaled(_of(current.op, inner.factor), Call(current.op, (inner.vector,)))
        if current.op == "growth":
            inner = self.split(current.args[0])
            assert inner.vector is not None
            rate = shortest(call("mul", inner.factor, current.args[1]), self._positive)
            return Scaled(ONE, Call("growth", (inner.vector, rate)))
        args = tuple(self.split(a).whole for a in current.args)
        if current.op in ("min", "max") and not self.varies(args[0]):
            args = args[::-1]
        return Scaled(ONE, Call(current.op, args))

    def _product(self, op: str, left: Scaled, right: Scaled) -> Scaled:
        factor = call(op, left.factor, right.factor)
        if right.vector is None:
            return Scaled(factor, left.vector)
        if left.vector is None:
            return Scaled(factor, Call("div", (ONE, right.vector)) if op == "div" else right.vector)
        return Scaled(factor, Call(op, (left.vector, right.vector)))

    def _sum(self, left: Scaled, right: Scaled) -> Scaled:
        if left.vector is None:
            left, right = right, left
        assert left.vector is not None
        ratio = shortest(call("div", right.factor, left.factor), self._positive)
        if right.vector is None:
            return Scaled(left.factor, Call("add", (left.vector, ratio)))
        if ratio == ONE:
            return Scaled(left.factor, Call("add", (left.vector, right.vector)))
        return Scaled(left.factor, Call("scaled_add", (left.vector, right.vector, ratio)))


def _of(op: str, factor: Node) -> Node:
    return ONE if factor == ONE else call(op, factor)
