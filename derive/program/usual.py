"""The formulas that hold for usual residuals: without the branches for those far out."""

from __future__ import annotations

import math
from fractions import Fraction

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Name, Node, Number, call, walk
from derive.program.module import Module
from derive.program.scalars import ONE, scaled

# A residual this many lengths from 0 is far out.
_FAR = 2**20
_ENORMOUS = Number(Fraction(2**100))


def positive(module: Module) -> frozenset[str]:
    """The parameters that are > 0."""
    zero = Number(Fraction(0))
    conditions = {p.name: p.condition for p in module.parameters}
    return frozenset(
        name for name, c in conditions.items() if Call("lt", (zero, Name(name))) in walk(c)
    )


class Usual:
    """Without the branches that hold only far out, where the residual is NaN, or infinite.

    bounds: the choices made hold for |x| up to these. infinite: whether one was about that.
    """

    def __init__(self, module: Module) -> None:
        self._residual, self._positive = module.residual, positive(module)
        self._defaults = {p.name: p.default for p in module.parameters}
        self._done: dict[int, Node] = {}
        self.bounds: list[Node] = []
        self.infinite = False

    def __call__(self, current: Node) -> Node:
        if id(current) not in self._done:
            self._done[id(current)] = self._without(current)
        return self._done[id(current)]

    def _without(self, current: Node) -> Node:
        if not isinstance(current, Call):
            return current
        if current.op in ("where", "patch"):
            condition, yes, no = current.args
            assert isinstance(condition, Call)
            if condition.op == "is_nan":
                return self(no)
            if condition == Call("eq", (Call("abs", (Name(self._residual),)), Number(math.inf))):
                self.infinite = True
                return self(no)
            if condition.op == "eq" and condition.args[1] == Number(math.inf):
                # x over a length is far from infinite for all but the largest residuals
                condition = Call("le", (_ENORMOUS, condition.args[0]))
            near = self._near(condition) if condition.op in ("lt", "le") else None
            if near is not None:
                return self(yes if near else no)
        op = "where" if current.op == "patch" else current.op
        return Call(op, tuple(self(a) for a in current.args))

    def _near(self, condition: Call) -> bool | None:
        """Whether the condition holds unless |x| is enormous; notes up to where. None if it is
        about something else."""
        below, above = condition.args
        size, number = (below, above) if isinstance(above, Number) else (above, below)
        if not isinstance(number, Number) or not number.value > 0:
            return None
        part = scaled(size, self._residual, self._positive)
        degree = 0 if part.vector is None else self._degree(part.vector)
        if not degree:
            return None
        grows = degree > 0
        limit = call("div", *((number, part.factor) if grows else (part.factor, number)))
        bound = _root(limit, abs(degree))
        usual = evaluate(bound, self._defaults)
        if not usual >= _FAR:
            return None
        self.bounds.append(bound)
        return grows == (size is below)

    def _degree(self, vector: Node) -> int:
        """The power of |x| that the vector is; 0 if it is none."""
        if isinstance(vector, Name):
            return 1
        if isinstance(vector, Call) and vector.op == "abs":
            return self._degree(vector.args[0])
        if isinstance(vector, Call) and vector.op in ("mul", "div"):
            a, b = (0 if v == ONE else self._degree(v) for v in vector.args)
            if vector.args[0] != ONE and not (a and b):
                return 0
            return a + b if vector.op == "mul" else a - b
        return 0


def _root(value: Node, degree: int) -> Node:
    if degree == 1:
        return value
    return call("sqrt", value) if degree == 2 else call("pow", value, Fraction(1, degree))
