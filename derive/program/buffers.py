"""Arrays laid out in few buffers: each is used again as soon as its value is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from derive.numerics.nodes import CONDITIONS, Call, Name, Node, children, walk
from derive.program.calls import DIFFERENCE, NUMBER, SLOPE, Step, Sweep, Total
from derive.program.moments import COUNT, Moment

_LETTERS = "uvwpqrghkmnabefijlotyz"


class Layout:
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
        if self._is_summed(current):
            self._excess[id(current)] = f"excess{len(self._excess) or ''}"
            arguments = (*arguments, self._excess[id(current)])
        if current.op == "growth" and not self._is_summed(current):
            self._steps += [Step(place, "mul", arguments), Step(place, "exp", (place,))]
        else:
            self._steps.append(Step(place, current.op, arguments))
        self._place[id(current)] = place
        return place

    def _is_summed(self, current: Call) -> bool:
        """Whether the total of exp(z) - 1 is wanted, beside exp(z) itself."""
        moments = (m for part in self._parts for m in part if m.less_one)
        return current.op == "growth" and any(m.vector is current for m in moments)

    def _destination(self, current: Call, places: Sequence[str], freed: Sequence[str]) -> str:
        if current.op in CONDITIONS:
            self._conditions += 1
            return f"c{self._conditions}"
        if id(current) == self._slope:
            return SLOPE
        first = [p for p in places if p in freed] or self._free
        if self._is_summed(current):  # it is read twice
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
