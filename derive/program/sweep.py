"""The loss over a block of memory, as calls that work in place: value, slope and parameter slopes.

A mean over millions of elements costs what its memory costs. So the formulas of the loss, of its
derivative in the residual and of those in the parameters are laid out as one sequence of calls on
a few buffers that stay in the cache: shared parts are computed once, factors that do not depend
on the residual are taken out of sums, and a buffer is used again as soon as its value is done.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
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
from derive.program.moments import COUNT, Moment, moments
from derive.program.scalars import ONE, scaled

DIFFERENCE, SLOPE, NUMBER = "d", "s", "count"
# A residual this many lengths from 0 is far out.
_FAR = 2**20
_LETTERS = "uvwpqrghkmnabefijlotyz"
# What a call can be made of beside arithmetic; a helper of the file is none of these.
ELEMENTARY = frozenset(
    {
        "add", "sub", "mul", "div", "neg", "abs", "sign", "clamp", "min", "max", "sqrt", "pow",
        "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
        "cosh", "tanh", "erf", "erfc", "where", "lt", "le", "eq", "ne", "and", "or",
        "scaled_add", "growth",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One call: `place` becomes op(*arguments). Arguments are buffers, by name, or numbers that
    the parameters give. A condition has a name of its own and no buffer."""

    place: str
    op: str
    arguments: tuple[str | Node, ...]


@dataclass(frozen=True)
class Total:
    """The sum of terms (factor, what): the sum of a buffer, by its name; the number of elements,
    where `what` is NUMBER; the sum of a growth less 1, by the name that its step gives it. Steps
    lead to the buffers. Of several terms so many digits may cancel that the sum is worthless."""

    steps: tuple[Step, ...]
    terms: tuple[tuple[Node, str], ...]


@dataclass(frozen=True)
class Sweep:
    """value: the sum of the loss. slope: steps that lead to the derivative in the residual, which
    is `stretch` times the buffer `place`. by: the sums of the derivatives in the parameters, after
    the steps `shared` by several of them.

    buffers: what is needed beside d, the residual, and s, where the slope is wanted. Residuals
    beyond one of the bounds need the elementwise functions, and infinite ones where it says so.
    """

    value: Total
    slope: tuple[Step, ...]
    place: str
    stretch: Node
    shared: tuple[Step, ...]
    by: Mapping[str, Total]
    buffers: tuple[str, ...]
    bounds: tuple[Node, ...]
    infinite: bool

    @property
    def totals(self) -> tuple[Total, ...]:
        return (self.value, *self.by.values())

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*(s for t in self.totals for s in t.steps), *self.slope, *self.shared)

    @property
    def cancels(self) -> bool:
        """Whether a sum may lose its digits."""
        return any(len(t.terms) > 1 for t in self.totals)

    @property
    def risky(self) -> bool:
        """Whether a factor may be infinite for ordinary parameters: its divisor may be 0."""
        factors = [self.stretch, *(f for t in self.totals for f, _ in t.terms)]
        factors += [a for s in self.steps for a in s.arguments if not isinstance(a, str)]
        return any(
            isinstance(n, Call)
            and ((n.op == "div" and not _is_product(n.args[1])) or n.op in ("log", "pow"))
            for f in factors
            for n in walk(f)
        )


def _is_product(divisor: Node) -> bool:
    if isinstance(divisor, Call):
        return divisor.op in ("mul", "div", "neg") and all(map(_is_product, divisor.args))
    return True


def sweep(module: Module) -> Sweep | None:
    """Module -> Sweep; None where a function of the file has no call that works in place."""
    droppers = {name: _Dropper(module) for name in _names(module)}
    stable = _stable(module, droppers)
    raw = moments(module.definition, module.residual, _positive(module))
    plain = {name: rows for name, rows in stable.items() if not _has_choice(rows[0].vector)}
    rows = {n: plain.get(n) or raw.get(n) or stable.get(n) for n in _names(module)}
    slope = rows[f"d_{module.residual}"]
    if any(r is None for r in rows.values()) or slope is None or len(slope) > 1:
        return None
    pool, found = Pool(), []
    for name in _names(module):
        terms = []
        for m in rows[name] or ():
            part = scaled(pool.intern(m.vector), module.residual, _positive(module))
            factor = shortest(call("mul", m.factor, part.factor), _positive(module))
            vector = None if part.vector is None else pool.intern(part.vector)
            terms.append(Moment(factor, vector or COUNT, m.less_one))
        found.append(tuple(terms))
    if found[1][0].vector == COUNT or found[1][0].less_one:
        return None
    names = [p.name for p in module.parameters]
    used = [droppers[n] for n in _names(module) if rows[n] is stable.get(n)]
    bounds = _least([b for d in used for b in d.bounds], _positive(module))
    infinite = len(used) < len(found) or any(d.infinite for d in used)
    return _Layout(module.residual, found).sweep(names, bounds, infinite)


def _least(bounds: Sequence[Node], positive: Collection[str]) -> tuple[Node, ...]:
    """The smallest bound, if algebra tells which; else each of them."""
    if not bounds:
        return ()
    every = tuple(dict.fromkeys(shortest(b, positive) for b in bounds))
    least = shortest(functools.reduce(lambda a, b: Call("min", (a, b)), every), positive)
    return every if any(isinstance(n, Call) and n.op == "min" for n in walk(least)) else (least,)


def _names(module: Module) -> list[str]:
    return ["loss", *(f"d_{v}" for v in module.variables)]


def _stable(module: Module, dropped: Mapping[str, _Dropper]) -> dict[str, tuple[Moment, ...]]:
    """The quantities whose formulas in the file are made of elementary calls."""
    both = next((f for f in module.functions if f.name == "value_and_grad"), None)
    if both is None:
        return {}
    names = [p.name for p in module.parameters]
    value, slope = expanded(both.block)
    wholes = {"loss": value, f"d_{module.residual}": slope}
    for name in names:
        function = module.derivative(name)
        if function is not None:
            wholes[f"d_{name}"] = expanded(function.block, wholes)[0]
    found = {name: folded(dropped[name](whole), names) for name, whole in wholes.items()}
    return {name: (Moment(ONE, whole),) for name, whole in found.items() if _is_elementary(whole)}


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


def _has_choice(vector: Node) -> bool:
    return any(isinstance(n, Call) and n.op == "where" for n in walk(vector))


class _Layout:
    """Buffers are given and taken in the order in which the calls are made."""

    def __init__(self, residual: str, parts: Sequence[tuple[Moment, ...]]) -> None:
        self._residual, self._parts = residual, parts
        self._left: dict[int, int] = {}  # uses still to come
        self._place: dict[int, str] = {}
        self._excess: dict[int, str] = {}
        self._free: list[str] = []
        self._all: list[str] = []
        self._steps: list[Step] = []
        self._conditions = 0
        seen: set[int] = set()
        for moment in (m for part in parts for m in part if m.vector != COUNT):
            self._count(moment.vector, seen)
        slope = parts[1][0].vector
        self._left[id(slope)] += 1
        self._slope = id(slope) if isinstance(slope, Call) else None

    def sweep(self, names: Sequence[str], bounds: tuple[Node, ...], infinite: bool) -> Sweep:
        value = self._total(self._parts[0])
        (slope,) = self._parts[1]
        steps, place = self._vector(slope.vector)
        shared = self._common(self._parts[2:])
        by = {n: self._total(p) for n, p in zip(names, self._parts[2:], strict=True)}
        return Sweep(
            value, steps, place, slope.factor, shared, by, tuple(self._all), bounds, infinite
        )

    def _common(self, parts: Sequence[tuple[Moment, ...]]) -> tuple[Step, ...]:
        """What several parameters need, and nothing before them did."""
        users: Counter[int] = Counter()
        nodes: dict[int, Node] = {}
        for part in parts:
            mine = {id(n): n for m in part if m.vector != COUNT for n in walk(m.vector)}
            nodes |= mine
            users.update(mine.keys())
        self._steps = []
        for key, node in nodes.items():
            if users[key] > 1 and isinstance(node, Call) and self._varies(node):
                self._emit(node)
        return tuple(self._steps)

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

    def _total(self, part: tuple[Moment, ...]) -> Total:
        steps: list[Step] = []
        terms = []
        for moment in part:
            if moment.vector == COUNT:
                terms.append((moment.factor, NUMBER))
                continue
            more, place = self._vector(moment.vector)
            steps += more
            what = self._excess[id(moment.vector)] if moment.less_one else place
            terms.append((moment.factor, what))
        # What a total needs stays until all of its buffers are summed.
        for moment in part:
            if moment.vector != COUNT:
                self._use(moment.vector)
        return Total(tuple(steps), tuple(terms))

    def _vector(self, vector: Node) -> tuple[tuple[Step, ...], str]:
        self._steps = []
        place = self._emit(vector)
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
        arguments = tuple(self._place[id(a)] if self._varies(a) else a for a in current.args)
        place = self._destination(current, places, freed)
        if current.op == "growth":
            self._excess[id(current)] = f"excess{len(self._excess) or ''}"
            arguments = (*arguments, self._excess[id(current)])
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
        if current.op == "growth":  # it is read twice
            first = [p for p in self._free if p not in places]
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
