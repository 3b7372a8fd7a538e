"""Statements that fit on a line each: choices one after the other, long parts under letters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from derive.emission.printer import Printer
from derive.numerics.nodes import CONDITIONS, Call, Name, Node, Number, children, walk
from derive.program.blocks import SPARE, letter_of
from derive.program.module import Assignment, Block

_CHOICES = ("where", "patch")
# A polynomial of more terms is written by the name of its coefficients.
MANY = 8
# Of so many letters in one statement nothing is left to read.
_MOST = 8


@dataclass
class Statements:
    """Lays out one block at an indentation; names: those that are taken there."""

    printer: Printer
    indent: int
    names: set[str] = field(default_factory=set)

    def of(self, found: Block) -> Block:
        """The block with the same results, its statements short wherever that can be."""
        found = _inlined(found)
        self.names |= {n.name for r in found.expressions for n in walk(r) if isinstance(n, Name)}
        self.names |= {a.name for a in found.assignments}
        assignments: list[Assignment] = []
        for a in found.assignments:
            assignments += self._laid_out(a.name, a.value)
        if len(found.results) == 1:
            *before, last = self._laid_out("", found.results[0])
            return Block((*assignments, *before), (last.value,))
        results: list[Node] = []
        for place, result in enumerate(found.results):
            if self._length(result) > self.printer.syntax.width // 3:
                name = self._free(f"slope{place if place > 1 else ''}" if place else "value")
                assignments += self._laid_out(name, result)
                result = Name(name)
            results.append(result)
        return Block(tuple(assignments), tuple(results))

    def _fits(self, name: str, value: Node) -> bool:
        syntax = self.printer.syntax
        start = syntax.assign.format(name) if name else syntax.give
        return self.indent + len(start) + self._length(value) <= syntax.width

    def _laid_out(self, name: str, value: Node) -> list[Assignment]:
        """Statements of which the last gives the value to the name, or back."""
        if self._fits(name, value):
            return [Assignment(name, value)]
        stages = _stages(value)
        if len(stages) > 1:
            return self._in_turn(name, stages)
        before: list[Assignment] = []
        for _ in range(_MOST):
            part = self._part(name, value)
            if part is None:
                break
            given = self._free(letter_of(part))
            before += self._laid_out(given, part)
            value = _with(value, part, Name(given))
            if self._fits(name, value):
                break
        return [*before, Assignment(name, value)]

    def _in_turn(self, name: str, stages: Sequence[Node]) -> list[Assignment]:
        """What holds otherwise, then each choice over it."""
        kept = name or self._free("value")
        found = self._laid_out(kept, stages[0])
        for stage in stages[1:-1]:
            found += self._laid_out(kept, _over(stage, kept))
        return [*found, *self._laid_out(name, _over(stages[-1], kept))]

    def _part(self, name: str, value: Node) -> Node | None:
        """The part to be named: one that leaves two lines of about the same length, if it can."""
        best: tuple[tuple[bool, bool, int], Node] | None = None
        whole = self._length(value)
        for part, chained in _parts(value):
            size, times = self._length(part), _times(value, part)
            if size < 12:
                continue
            rest = whole - times * (size - 1)
            over = self.indent + max(rest + 7, size if len(_stages(part)) < 2 else 0) > 100
            rank = (over, chained, max(rest, size))
            if best is None or rank < best[0]:
                best = rank, part
        return None if best is None else best[1]

    def _length(self, value: Node) -> int:
        return len(self.printer.expression(tables(value)[1]))

    def _free(self, wanted: str) -> str:
        letters = [wanted, *SPARE] if len(wanted) == 1 else [wanted]
        more = (f"{wanted}{number}" for number in itertools.count(2))
        name = next(n for n in itertools.chain(letters, more) if n not in self.names)
        self.names.add(name)
        return name


def tables(value: Node, before: int = 0) -> tuple[list[tuple[str, tuple[Node, ...]]], Node]:
    """Polynomials of many terms by the names of their coefficients; `before` names are taken."""
    found: dict[tuple[Node, ...], str] = {}

    def named(current: Node) -> Node:
        if not isinstance(current, Call):
            return current
        args = tuple(map(named, current.args))
        if current.op == "horner" and len(args) > MANY:
            name = found.setdefault(args[1:], _table(before + len(found) + 1))
            return Call("horner", (args[0], Name(name)))
        return Call(current.op, args)

    result = named(value)
    return [(name, numbers) for numbers, name in found.items()], result


def _table(number: int) -> str:
    return "terms" if number == 1 else f"terms{number}"


def _stages(value: Node) -> list[Node]:
    """A choice among choices as choices in turn, first what holds otherwise: each holds over what
    stands before it."""
    if not isinstance(value, Call) or value.op not in _CHOICES:
        return [value]
    condition, yes, no = value.args
    if isinstance(yes, Call) and yes.op in _CHOICES and _implies(yes.args[0], condition):
        inner, first, second = yes.args
        lower = Call(value.op, (condition, second, no))
        return [*_stages(lower), Call(yes.op, (inner, first, Number(0)))]
    if not isinstance(no, Call):
        return [value]
    return [*_stages(no), value]


def _over(stage: Node, name: str) -> Node:
    assert isinstance(stage, Call)
    return Call(stage.op, (*stage.args[:2], Name(name)))


def _implies(inner: Node, outer: Node) -> bool:
    """Whether one bound on the same value is inside the other one."""
    if not isinstance(inner, Call) or not isinstance(outer, Call) or inner.op != outer.op:
        return False
    (a, b), (c, d) = inner.args[:2], outer.args[:2]
    if inner.op not in ("le", "lt"):
        return False
    if isinstance(a, Number) and isinstance(c, Number):
        return b == d and a.value >= c.value
    if isinstance(b, Number) and isinstance(d, Number):
        return a == c and b.value <= d.value
    return False


def _parts(value: Node) -> Iterator[tuple[Node, bool]]:
    """Parts that are evaluated anyway, and whether one continues a chain of its parent."""
    if not isinstance(value, Call):
        return
    for place, child in enumerate(value.args):
        if (value.op == "patch" and place == 1) or not isinstance(child, Call):
            continue
        if child.op not in CONDITIONS and child.op != "neg":
            yield child, place == 0 and _is_chain(value, child)
        yield from _parts(child)


def _is_chain(value: Call, child: Call) -> bool:
    pairs = ({"add", "sub"}, {"mul", "div"})
    return any(value.op in pair and child.op in pair for pair in pairs)


def _times(value: Node, part: Node) -> int:
    if value == part:
        return 1
    return sum(_times(c, part) for c in children(value))


def _with(value: Node, part: Node, name: Node) -> Node:
    if value == part:
        return name
    if isinstance(value, Call):
        return Call(value.op, tuple(_with(a, part, name) for a in value.args))
    return value


def _inlined(found: Block) -> Block:
    """Conditions that are asked once stand where they are asked."""
    assignments, results = list(found.assignments), list(found.results)
    for a in found.assignments:
        roots = [*(o.value for o in assignments), *results]
        once = sum(_times(r, Name(a.name)) for r in roots) == 1
        if a.name.rstrip("0123456789") not in ("far", "near") or not once:
            continue
        assignments = [
            Assignment(o.name, _with(o.value, Name(a.name), a.value))
            for o in assignments
            if o.name != a.name
        ]
        results = [_with(r, Name(a.name), a.value) for r in results]
    return Block(tuple(assignments), tuple(results))
