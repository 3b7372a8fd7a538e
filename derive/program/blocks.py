"""From expressions to blocks: shared parts computed once, under the letters of the definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from derive.numerics.nodes import CONDITIONS, Call, Local, Name, Node, Number, children, walk
from derive.program.module import Assignment, Block
from derive.program.peephole import signs_first

# A value that is written again gets a letter if that costs this much more; one operation of
# arithmetic counts 1, a function of a library 3.
WORTH_A_LETTER = 3
# The same where only rare values need it.
WORTH_A_LETTER_ANYWAY = 12
# So many operations do not fit on a line.
WIDE = 10
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
SPARE = "uvwpqrghkmnt"


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
    most: so many operations get a name though they are used once; 0: never. worth: a value that is
    written again gets a letter if that costs this much more.
    """

    reserved: frozenset[str]
    residual: str = ""
    length: str = ""
    letters: Mapping[int, str] = field(default_factory=dict)
    known: Mapping[int, Call] = field(default_factory=dict)
    most: int = 0
    worth: int = WORTH_A_LETTER


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
        self._names: dict[int, str] = {}

    def block(self, results: Sequence[Node]) -> Block:
        interned = [self._pool.intern(r) for r in results]
        self._choose(interned)
        settled = tuple(self._settle(r) for r in interned)
        return Block(tuple(self._assignments), tuple(map(signs_first, settled)))

    def _choose(self, results: Sequence[Node]) -> None:
        """Which values get a name: parents first, since a named one is written once."""
        times: Counter[int] = Counter(map(id, results))
        eager = _evaluated_anyway(results, self._naming.known)
        wide = _conditions_of_wide(results)
        long = _long(results, self._naming.most)
        for current in _parents_first(results, self._naming.known):
            count = times[id(current)]
            if isinstance(current, Call) and (id(current) in eager or self._worth(current, count)):
                if id(current) in wide:
                    name = "far"
                else:
                    name = self._name(current, count) if count > 1 else ""
                    if id(current) in long:
                        name = name or self._own_name(current) or _LETTERS.get(current.op, "u")
                if name:
                    self._names[id(current)] = name
            here = 1 if id(current) in self._names else times[id(current)]
            for child in () if id(current) in self._naming.known else children(current):
                times[id(child)] += here

    def _worth(self, current: Call, times: int) -> bool:
        """Whether a part of rare values is written so often that it is computed in any case."""
        if times <= 2:
            return False
        saved = self._cost(current) * (times - 1)
        return bool(self._own_name(current)) or saved >= WORTH_A_LETTER_ANYWAY

    def _name(self, current: Call, times: int) -> str:
        """What a value that is written again is called; "" where it is short enough to repeat."""
        if id(current) in self._naming.known:
            return ""
        known = self._own_name(current)
        if known:
            return known
        if current == Call("abs", (Name(self._naming.residual),)):
            return "size" if times > 2 or self._naming.worth < 2 else ""
        saved = self._cost(current) * (times - 1)
        if current.op in CONDITIONS:
            if not depends_on(current, self._naming.residual) or saved < 2:
                return ""
            return "far" if isinstance(current.args[0], Number) else "near"
        return _LETTERS.get(current.op, "u") if saved >= self._naming.worth else ""

    def _own_name(self, current: Call) -> str:
        """The name that the definition or a rule gave to a value."""
        if id(current) in self._naming.letters:
            return str(self._naming.letters[id(current)])
        if current == Call("div", (Name(self._naming.residual), Name(self._naming.length))):
            return "y"
        name = self._pool.names.get(id(current), "")
        return letter_of(current) if name.endswith("_") else name  # a letter that was taken

    def _cost(self, expression: Node) -> int:
        """What it takes to compute a value once more; what has a name of its own is there."""
        found, stack = 0, [expression]
        while stack:
            current = stack.pop()
            if not isinstance(current, Call) or (
                current is not expression and self._own_name(current)
            ):
                continue
            if current.op != "neg":
                found += 3 if current.op in _FUNCTIONS else 1
            stack += current.args
        return found

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
        wanted = self._names.get(id(current), "")
        if not wanted:
            return rebuilt
        name = self._free(wanted)
        self._taken.add(name)
        self._assignments.append(Assignment(name, signs_first(rebuilt)))
        return Name(name)

    def _free(self, wanted: str) -> str:
        names: tuple[str, ...] = (wanted, *SPARE) if len(wanted) == 1 else (wanted,)
        for name in names:
            if name not in self._taken:
                return name
        number = 2
        while f"{wanted}{number}" in self._taken:
            number += 1
        return f"{wanted}{number}"


def cost(block: Block) -> int:
    """What it takes to compute a block, in operations of arithmetic."""
    calls = {n for r in block.expressions for n in walk(r)}
    return sum(
        3 if c.op in _FUNCTIONS else 1 for c in calls if isinstance(c, Call) and c.op != "neg"
    )


def letter_of(value: Node) -> str:
    """What a value is called that has no name."""
    return _LETTERS.get(value.op, "u") if isinstance(value, Call) else "u"


def operations(expression: Node) -> int:
    """The number of operations, shared ones counted once."""
    return sum(isinstance(n, Call) for n in walk(expression))


def _parents_first(results: Iterable[Node], known: Mapping[int, Call]) -> list[Node]:
    """Every node before its operands; what other functions compute has none here."""
    seen: set[int] = set()
    order: list[Node] = []
    stack = [(r, False) for r in reversed(list(results))]
    while stack:
        current, done = stack.pop()
        if done:
            order.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            stack.append((current, True))
            inside = () if id(current) in known else children(current)
            stack.extend((child, False) for child in reversed(inside))
    return order[::-1]


def _long(results: Sequence[Node], most: int) -> set[int]:
    """Parts of so many operations, none of which is inside another."""
    sizes: dict[int, int] = {}
    found: set[int] = set()
    roots = set(map(id, results))
    for current in (n for r in results for n in walk(r)) if most else ():
        size = 1 + sum(sizes[id(c)] for c in children(current)) if isinstance(current, Call) else 0
        if size >= most and id(current) not in roots:
            found.add(id(current))
            size = 0
        sizes[id(current)] = size
    return found


def _conditions_of_wide(results: Iterable[Node]) -> set[int]:
    """The conditions of rare values in formulas that fill more than a line with them."""
    return {
        id(n.args[0])
        for r in results
        for n in walk(r)
        if isinstance(n, Call) and n.op == "patch" and operations(n) >= WIDE
    }


def _evaluated_anyway(results: Iterable[Node], known: Mapping[int, Call]) -> set[int]:
    """The nodes that are needed even if no rare condition holds."""
    eager: set[int] = set()
    stack = list(results)
    while stack:
        current = stack.pop()
        if id(current) in eager:
            continue
        eager.add(id(current))
        if isinstance(current, Call) and current.op == "patch":
            stack += [current.args[0], current.args[2]]
        elif id(current) not in known:
            stack.extend(children(current))
    return eager
