"""From expressions to blocks: shared parts computed once, under the letters of the definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from derive.numerics.nodes import CONDITIONS, Call, Local, Name, Node, Number, children, walk
from derive.program.module import Assignment, Block
from derive.program.peephole import signs_first

# A value that is used again gets a letter if repeating it costs this much; one operation of
# arithmetic counts 1, a function of a library 3.
WORTH_A_LETTER = 4
_FUNCTIONS = frozenset(
    [
        "sqrt",
        "pow",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "erf",
        "erfc",
        "gamma",
        "loggamma",
        "digamma",
        "trigamma",
        "horner",
        "where",
        "patch",
    ]
)
# Letters by what they stand for; single ones, since a name made of operations says nothing.
_LETTERS = {"sqrt": "r", "exp": "p", "pow": "p", "expm1": "p", "log": "L", "log1p": "L",
            "add": "q", "sub": "q", "mul": "u", "div": "v", "where": "w"}  # fmt: skip
_SPARE = "uvwpqrghkmnt"


class Pool:
    """Equal expressions become one object without locals; their names are noted beside them."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Node] = {}
        self.names: dict[int, str] = {}

    def intern(self, expression: Node) -> Node:
        done: dict[int, Node] = {}
        for current in walk(expression):
            if isinstance(current, Local):
                done[id(current)] = value = done[id(current.value)]
                # The first name given to a value wins.
                self.names.setdefault(id(value), current.name)
            else:
                done[id(current)] = self._one(current, done)
        return done[id(expression)]

    def _one(self, current: Node, done: dict[int, Node]) -> Node:
        if isinstance(current, Call):
            args = tuple(done[id(a)] for a in current.args)
            key: tuple[object, ...] = ("call", current.op, *map(id, args))
            return self._known.setdefault(key, Call(current.op, args))
        if isinstance(current, Number):
            return self._known.setdefault(("number", repr(current.value)), current)
        return self._known.setdefault(("name", current), current)


@dataclass
class Naming:
    """What a block may call its locals.

    reserved: names that mean something else there. letters: the definition's names of interned
    values. residual: the variable that makes an array of a value; length: the parameter that
    only stretches it. known: interned values that other functions of the file compute.
    """

    reserved: frozenset[str]
    residual: str = ""
    length: str = ""
    letters: Mapping[int, str] = field(default_factory=dict)
    known: Mapping[int, Call] = field(default_factory=dict)


def depends_on(expression: Node, name: str) -> bool:
    return any(isinstance(n, Name) and n.name == name for n in walk(expression))


def make_block(results: Sequence[Node], naming: Naming, pool: Pool | None = None) -> Block:
    """Results with their shared parts as assignments, each name used once."""
    return _Maker(naming, pool or Pool()).block(results)


class _Maker:
    def __init__(self, naming: Naming, pool: Pool) -> None:
        self._naming, self._pool = naming, pool
        self._taken = set(naming.reserved)
        self._assignments: list[Assignment] = []
        self._final: dict[int, Node] = {}
        self._uses: Counter[int] = Counter()

    def block(self, results: Sequence[Node]) -> Block:
        interned = [self._pool.intern(r) for r in results]
        self._uses = _count(interned, self._naming.known)
        settled = tuple(self._settle(r) for r in interned)
        return Block(tuple(self._assignments), tuple(map(signs_first, settled)))

    def _settle(self, current: Node) -> Node:
        if id(current) not in self._final:
            self._final[id(current)] = self._settled(current)
        return self._final[id(current)]

    def _settled(self, current: Node) -> Node:
        if id(current) in self._naming.known:
            return self._naming.known[id(current)]
        if not isinstance(current, Call):
            return current
        rebuilt = Call(current.op, tuple(self._settle(a) for a in current.args))
        name = self._name(current, rebuilt) if self._uses[id(current)] > 1 else ""
        return self._assign(name, rebuilt) if name else rebuilt

    def _name(self, current: Call, rebuilt: Call) -> str:
        """What a value that is used again is called; "" where it is short enough to repeat."""
        if id(current) in self._naming.letters:
            return str(self._naming.letters[id(current)])
        if id(current) in self._pool.names:
            return self._pool.names[id(current)]
        residual, length = Name(self._naming.residual), Name(self._naming.length)
        if current == Call("abs", (residual,)):
            return "size" if self._uses[id(current)] > 2 else ""
        if current == Call("div", (residual, length)):
            return "y"
        cost = _cost(rebuilt)
        if current.op in CONDITIONS:
            return "near" if cost > 1 and depends_on(rebuilt, self._naming.residual) else ""
        return _LETTERS.get(current.op, "u") if cost >= WORTH_A_LETTER else ""

    def _assign(self, wanted: str, value: Node) -> Name:
        name = self._free(wanted)
        self._taken.add(name)
        self._assignments.append(Assignment(name, signs_first(value)))
        return Name(name)

    def _free(self, wanted: str) -> str:
        names: tuple[str, ...] = (wanted, *_SPARE) if len(wanted) == 1 else (wanted,)
        for name in names:
            if name not in self._taken:
                return name
        number = 2
        while f"{wanted}{number}" in self._taken:
            number += 1
        return f"{wanted}{number}"


def _cost(expression: Node) -> int:
    found = 0
    for n in walk(expression):
        if isinstance(n, Call) and n.op != "neg":
            found += 3 if n.op in _FUNCTIONS else 1
    return found


def operations(expression: Node) -> int:
    """The number of operations, shared ones counted once."""
    return sum(isinstance(n, Call) for n in walk(expression))


def _count(results: Iterable[Node], known: Mapping[int, Call]) -> Counter[int]:
    uses: Counter[int] = Counter()
    seen: set[int] = set()
    for result in results:
        uses[id(result)] += 1
        stack = [result]
        while stack:
            current = stack.pop()
            if id(current) not in seen:
                seen.add(id(current))
                for child in () if id(current) in known else children(current):
                    uses[id(child)] += 1
                    stack.append(child)
    return uses
