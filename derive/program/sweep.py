"""The loss over a block of memory, as calls that work in place: value, slope and parameter slopes.

A mean over millions of elements costs what its memory costs. So the formulas of the loss, of its
derivative in the residual and of those in the parameters are laid out as one sequence of calls on
a few buffers that stay in the cache: shared parts are computed once, factors that do not depend
on the residual are taken out of sums, and a buffer is used again as soon as its value is done.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import CONDITIONS, Call, Name, Node, Number, call, children, walk
from derive.program.blocks import Pool
from derive.program.branchless import folded
from derive.program.expanded import expanded
from derive.program.factors import shortest
from derive.program.module import Module
from derive.program.scalars import ONE, Scaled, scaled

DIFFERENCE, SLOPE = "d", "s"
# A residual this many lengths from 0 is far out.
_FAR = 2**20
_LETTERS = "uvwpqrghkmnabefijlotyz"
# What a call can be made of beside arithmetic; a helper of the file is none of these.
ELEMENTARY = frozenset(
    "add sub mul div neg abs sign clamp min max sqrt pow exp expm1 log log1p sin cos tan asin acos atan "
    "sinh cosh tanh erf erfc where lt le eq ne and or scaled_add".split()
)


@dataclass(frozen=True)
class Step:
    """One call: `place` becomes op(*arguments). Arguments are buffers, by name, or numbers that
    the parameters give. A condition has a name of its own and no buffer."""

    place: str
    op: str
    arguments: tuple[str | Node, ...]


@dataclass(frozen=True)
class Total:
    """factor times the sum of a buffer is added to what is wanted; steps lead to it."""

    steps: tuple[Step, ...]
    factor: Node
    place: str


@dataclass(frozen=True)
class Sweep:
    """value: the sum of the loss. slope: steps that lead to the derivative in the residual, which
    is `stretch` times the buffer `place`. by: the sums of the derivatives in the parameters.

    buffers: what is needed beside d, the residual, and s, where the slope is wanted. Residuals
    beyond one of the bounds need the elementwise functions, and infinite ones where it says so.
    """

    value: Total
    slope: tuple[Step, ...]
    place: str
    stretch: Node
    by: Mapping[str, Total]
    buffers: tuple[str, ...]
    bounds: tuple[Node, ...]
    infinite: bool

    @property
    def risky(self) -> bool:
        """Whether a factor may be infinite for ordinary parameters: its divisor may be 0."""
        totals = (self.value, *self.by.values())
        steps = [s for t in totals for s in t.steps] + list(self.slope)
        factors = [self.stretch, *(t.factor for t in totals)]
        factors += [a for s in steps for a in s.arguments if not isinstance(a, str)]
        return any(
            isinstance(n, Call) and (n.op == "div" and not _is_product(n.args[1]) or n.op == "log")
            for f in factors
            for n in walk(f)
        )


def _is_product(divisor: Node) -> bool:
    if isinstance(divisor, Call):
        return divisor.op in ("mul", "div", "neg") and all(map(_is_product, divisor.args))
    return True


def sweep(module: Module) -> Sweep | None:
    """Module -> Sweep; None where a function of the file has no call that works in place."""
    both = next((f for f in module.functions if f.name == "value_and_grad"), None)
    firsts = [module.derivative(p.name) for p in module.parameters]
    if both is None or any(f is None for f in firsts):
        return None
    value, slope = expanded(both.block)
    known = {f"d_{module.residual}": slope}
    by = {p.name: expanded(f.block, known)[0] for p, f in zip(module.parameters, firsts, strict=True) if f}
    pool = Pool()
    dropped, positive = _Dropper(module), _positive(module)
    roots = [pool.intern(folded(dropped(r), list(by))) for r in (value, slope, *by.values())]
    parts = [scaled(root, module.residual, positive) for root in roots]
    if any(p.vector is None or not _is_elementary(p.vector) for p in parts):
        return None
    parts = [Scaled(p.factor, pool.intern(p.vector)) for p in parts if p.vector is not None]
    bounds = tuple(dict.fromkeys(shortest(b, positive) for b in dropped.bounds))
    return _Layout(module.residual, parts).sweep(tuple(by), bounds, dropped.infinite)


def _positive(module: Module) -> frozenset[str]:
    zero = Number(Fraction(0))
    conditions = {p.name: p.condition for p in module.parameters}
    return frozenset(
        name for name, c in conditions.items() if Call("lt", (zero, Name(name))) in walk(c)
    )


class _Dropper:
    """Without the branches that hold only far out, where the residual is NaN, or infinite.

    bounds: the choices made hold for |x| up to these. infinite: whether one was about that.
    """

    def __init__(self, module: Module) -> None:
        self._residual, self._positive = module.residual, _positive(module)
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


def _is_elementary(vector: Node) -> bool:
    stack = [vector]
    while stack:
        current = stack.pop()
        if isinstance(current, Call) and current.op not in ELEMENTARY:
            return False
        stack.extend(children(current))
    return True


class _Layout:
    """Buffers are given and taken in the order in which the calls are made."""

    def __init__(self, residual: str, parts: Sequence[Scaled]) -> None:
        self._residual = residual
        self._parts = parts
        self._left: dict[int, int] = {}  # uses still to come
        self._place: dict[int, str] = {}
        self._free: list[str] = []
        self._all: list[str] = []
        self._steps: list[Step] = []
        self._conditions = 0
        seen: set[int] = set()
        for part in parts:
            assert part.vector is not None
            self._count(part.vector, seen)
        slope = parts[1].vector
        assert slope is not None
        self._left[id(slope)] += 1
        self._slope = id(slope) if isinstance(slope, Call) else None

    def sweep(self, names: Sequence[str], bounds: tuple[Node, ...], infinite: bool) -> Sweep:
        value = self._total(self._parts[0])
        steps, place = self._vector(self._parts[1])
        by = {n: self._total(p) for n, p in zip(names, self._parts[2:], strict=True)}
        return Sweep(value, steps, place, self._parts[1].factor, by, tuple(self._all), bounds, infinite)

    def _count(self, current: Node, seen: set[int]) -> None:
        self._left[id(current)] = self._left.get(id(current), 0) + 1
        if id(current) not in seen:
            seen.add(id(current))
            for child in self._operands(current):
                self._count(child, seen)

    def _operands(self, current: Node) -> list[Node]:
        return [c for c in children(current) if self._varies(c)]

    def _varies(self, current: Node) -> bool:
        if isinstance(current, Name):
            return current.name == self._residual
        return any(self._varies(c) for c in children(current))

    def _total(self, part: Scaled) -> Total:
        steps, place = self._vector(part)
        assert part.vector is not None
        self._use(part.vector)
        return Total(steps, part.factor, place)

    def _vector(self, part: Scaled) -> tuple[tuple[Step, ...], str]:
        assert part.vector is not None
        self._steps = []
        place = self._emit(part.vector)
        return tuple(self._steps), place

    def _emit(self, current: Node) -> str:
        """The buffer that holds the value, after the calls that lead to it."""
        if id(current) in self._place:
            return self._place[id(current)]
        if not isinstance(current, Call):
            self._place[id(current)] = DIFFERENCE
            return DIFFERENCE
        operands = self._operands(current)
        for operand in sorted(operands, key=self._need, reverse=True):
            self._emit(operand)
        places = [self._place[id(o)] for o in operands]
        freed = [p for o in operands if (p := self._use(o))]
        arguments = tuple(
            self._place[id(a)] if self._varies(a) else a for a in current.args
        )
        place = self._destination(current, places, freed)
        self._steps.append(Step(place, current.op, arguments))
        self._place[id(current)] = place
        return place

    def _destination(self, current: Call, places: Sequence[str], freed: Sequence[str]) -> str:
        if current.op in CONDITIONS:
            self._conditions += 1
            return f"c{self._conditions}"
        if id(current) == self._slope:
            return SLOPE
        first = [p for p in places if p in freed] or self._free
        if not first:
            self._all.append(_LETTERS[len(self._all)])
            return self._all[-1]
        place = first[0]
        self._free.remove(place)
        return place

    def _use(self, operand: Node) -> str:
        """The buffer that is free after this use of its value, "" if there is none."""
        self._left[id(operand)] -= 1
        place = self._place[id(operand)]
        if self._left[id(operand)] or place == SLOPE or place.startswith("c"):
            return ""
        self._free.append(place)
        return place

    def _need(self, current: Node) -> int:
        """How many buffers a value takes on the way: what takes more is computed first."""
        needs = sorted((self._need(o) for o in self._operands(current)), reverse=True)
        return max([1, *(n + k for k, n in enumerate(needs))])
