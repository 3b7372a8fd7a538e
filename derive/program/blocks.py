"""From expressions to blocks: shared parts computed once, under names that say what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from derive.numerics.nodes import Call, Local, Name, Node, Number, children, walk
from derive.program.module import Assignment, Block

# Names for values that are used twice and that their author left unnamed.
_NAMES = {
    "add": "total", "sub": "difference", "mul": "product", "div": "ratio", "neg": "negative",
    "abs": "size", "sign": "side", "sqrt": "root", "pow": "power", "exp": "growth",
    "expm1": "rise", "log": "logarithm", "log1p": "log_w", "where": "chosen", "patch": "mended",
    "min": "least", "max": "most", "lt": "is_less", "le": "is_at_most", "eq": "is_equal",
    "ne": "differs", "and": "both", "or": "either", "sin": "sine", "cos": "cosine",
    "tanh": "tangent", "huge": "huge",
}  # fmt: skip
# What prints as one word or one sign costs nothing to repeat.
_CHEAP = frozenset({"neg", "huge"})


class Pool:
    """Equal expressions become one object, so that sharing can be counted."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Node] = {}

    def intern(self, expression: Node) -> Node:
        done: dict[int, Node] = {}
        for current in walk(expression):
            done[id(current)] = self._one(current, done)
        return done[id(expression)]

    def _one(self, current: Node, done: dict[int, Node]) -> Node:
        if isinstance(current, Call):
            args = tuple(done[id(a)] for a in current.args)
            key: tuple[object, ...] = ("call", current.op, *map(id, args))
            return self._known.setdefault(key, Call(current.op, args))
        if isinstance(current, Local):
            value = done[id(current.value)]
            # A name is kept the first time a value gets one; the value itself is the identity.
            if isinstance(value, Name | Number | Local):
                return value
            return self._known.setdefault(("local", id(value)), Local(current.name, value))
        if isinstance(current, Number):
            return self._known.setdefault(("number", repr(current.value)), current)
        return self._known.setdefault(("name", current), current)


def depends_on(expression: Node, name: str) -> bool:
    return any(isinstance(n, Name) and n.name == name for n in walk(expression))


def make_block(
    results: Sequence[Node],
    reserved: Iterable[str],
    residual: str,
    pool: Pool | None = None,
    known: Mapping[int, str] | None = None,
) -> Block:
    """Results with their shared parts as assignments, each name used once.

    known: interned nodes that are quantities of the file; they are called, not repeated.
    """
    pool = pool or Pool()
    known = known or {}
    # A value that is named anywhere is named everywhere.
    named = {id(n.value): n for r in results for n in walk(pool.intern(r)) if isinstance(n, Local)}
    interned = [pool.intern(r) for r in results]
    uses = _count(interned, known)
    eager = _evaluated_anyway(interned, known)
    taken = set(reserved)
    assignments: list[Assignment] = []
    final: dict[int, Node] = {}

    def settle(current: Node) -> Node:
        if id(current) in final:
            return final[id(current)]
        if id(current) in known:
            call_it = _assign(known[id(current)], Call("quantity", (Name(known[id(current)]),)))
            final[id(current)] = call_it
            varying.add(call_it.name if isinstance(call_it, Name) else "")
            return call_it
        if isinstance(current, Local):
            inside = settle_inside(current.value)
            result = _assign(current.name, inside) if id(current.value) in eager else inside
        elif id(current) in named and isinstance(current, Call):
            result = settle(named[id(current)])
        elif isinstance(current, Call):
            rebuilt = settle_inside(current)
            repeated = uses[id(current)] > 1 and current.op not in _CHEAP and id(current) in eager
            result = _assign(_NAMES.get(current.op, current.op), rebuilt) if repeated else rebuilt
        else:
            result = current
        final[id(current)] = result
        return result

    def settle_inside(current: Node) -> Node:
        if isinstance(current, Call):
            return Call(current.op, tuple(settle(a) for a in current.args))
        return settle(current)

    def _assign(wanted: str, value: Node) -> Node:
        if isinstance(value, Name | Number):
            return value
        name = _free(wanted, taken)
        taken.add(name)
        varies = any(
            (isinstance(n, Name) and (n.name == residual or n.name in varying))
            or (isinstance(n, Call) and n.op in ("quantity", "far_limit"))
            for n in walk(value)
        )
        if varies:
            varying.add(name)
        assignments.append(Assignment(name, value, varies))
        return Name(name)

    varying: set[str] = set()
    return Block(
        tuple(_settle_all(interned, settle, assignments)), tuple(final[id(r)] for r in interned)
    )


def _settle_all(interned: Sequence[Node], settle, assignments):  # type: ignore[no-untyped-def]
    for result in interned:
        settle(result)
    return assignments


def _count(results: Sequence[Node], known: Mapping[int, str]) -> Counter[int]:
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


def _evaluated_anyway(results: Sequence[Node], known: Mapping[int, str]) -> set[int]:
    """The nodes that are needed even if no rare condition holds."""
    eager: set[int] = set()
    stack = list(results)
    while stack:
        current = stack.pop()
        if id(current) in eager:
            continue
        eager.add(id(current))
        if id(current) in known:
            continue
        if isinstance(current, Call) and current.op == "patch":
            stack += [current.args[0], current.args[2]]
        else:
            stack.extend(children(current))
    return eager


def _free(wanted: str, taken: set[str]) -> str:
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
