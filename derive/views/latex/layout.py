"""Formulas into the rows of an `align`: broken at plus signs, long parts under a name of their own.

TeX breaks no displayed formula by itself. A row stays within LINE; what has no sign to break at
is named, so that every formula fits, whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Function, Mul, Piecewise, Pow, Symbol, count_ops, default_sort_key

from derive.definitions.order import terms
from derive.views.latex.printer import Printer
from derive.views.latex.width import width

# In em. The narrowest text of the standard classes is 32.5 em wide (article at 12 pt); a column of
# 3.4 inches at 10 pt holds 24.5 em.
LINE = 31.5
COLUMN = 23.5
# What an equation number takes.
NUMBER = 3.0
INDENT = r"\quad "
# Operations that a part must hold to be worth a name.
SMALLEST = 3


@dataclass(frozen=True)
class Statement:
    """left, its relation, and the formula that follows; `note` stands behind it.

    name: what a label calls it; a statement without a name gets no number.
    """

    left: str
    right: Expr
    relation: str = "="
    note: str = ""
    name: str = ""


@dataclass
class Layout:
    """Rows of formulas that share their letters; the names given so far are in `given`.

    line: how wide a row may be, in em. labels: what the labels of numbered rows begin with; None
    where nothing is numbered.
    """

    symbols: dict[str, str]
    short: tuple[str, ...]
    line: float = LINE
    labels: str | None = None
    given: list[tuple[Symbol, Expr]] = field(default_factory=list)

    @property
    def printer(self) -> Printer:
        return Printer(self.symbols)

    def rows(self, statements: Sequence[Statement], before: float = 0.0) -> list[str]:
        """`left &= right` and its continuations, then the names that had to be given.

        before: the width of what stands left of the aligned formulas.
        """
        margin = before + max(width(s.left + s.relation) for s in statements)
        rows: list[str] = []
        start = len(self.given)
        for s in statements:
            lines = self._lines(s.right, self.line - margin, width(s.note))
            stated = [f"{s.left} &{s.relation} {lines[0]}"]
            stated += [f"&{INDENT}{line}" for line in lines[1:]]
            stated[-1] += s.note
            rows += self._numbered(stated, s.name)
        while start < len(self.given):
            name, meaning = self.given[start]
            start += 1
            left = self.symbols[name.name]
            lines = self._lines(meaning, self.line - max(margin, before + width(left + "=")), 0.0)
            stated = [f"{left} &= {lines[0]}", *(f"&{INDENT}{line}" for line in lines[1:])]
            rows += self._numbered(stated, "")
        return rows

    def _numbered(self, rows: list[str], name: str) -> list[str]:
        """The last row of a statement has its number and label."""
        if self.labels is None:
            return rows
        last = rf" \label{{eq:{self.labels}:{name}}}" if name else r" \notag"
        return [*(row + r" \notag" for row in rows[:-1]), rows[-1] + last]

    def _lines(self, e: Expr, room: float, note: float) -> list[str]:
        if self._fits(e, room - note):
            return [self.printer.show(e)]
        for name, meaning in self.given:
            e = e.xreplace({meaning: name}) if meaning != e else e
        e = self._without_repetitions(e, room - note)
        if self._fits(e, room - note):
            return [self.printer.show(e)]
        return self._broken(e, room - width(INDENT) - note)

    def _fits(self, e: Expr, room: float) -> bool:
        return width(self.printer.show(e)) <= room

    def _without_repetitions(self, e: Expr, room: float) -> Expr:
        """Bases and arguments that stand in several places, the longest first, under a name."""
        while not self._fits(e, room):
            inner = {a for part in e.atoms(Pow, Function) for a in part.args[:1]}
            candidates = [
                part for part, count in _counted(e)
                if count > 1 and part in inner and part.is_Add and count_ops(part) >= SMALLEST - 1
            ]  # fmt: skip
            candidates = [c for c in candidates if not all(t.is_Atom for t in c.args)]
            if not candidates:
                break
            e = self._named(e, max(candidates, key=lambda c: (count_ops(c), default_sort_key(c))))
        return e

    def _named(self, e: Expr, part: Expr) -> Expr:
        return e.xreplace({part: self._name_of(part)})

    def _name_of(self, part: Expr) -> Symbol:
        for name, meaning in self.given:
            if meaning == part:
                return name
        count = len(self.given)
        letter = self.short[count % len(self.short)]
        turn = count // len(self.short)
        name = Symbol(f"short {count}", extended_real=True)
        self.symbols[name.name] = f"{letter}_{{{turn}}}" if turn else letter
        self.given.append((name, part))
        return name

    def _broken(self, e: Expr, room: float) -> list[str]:
        if isinstance(e, Piecewise):
            branches = [(self._narrowed(v, room / 2), self._condition(c, room)) for v, c in e.args]
            return [self.printer.show(Piecewise(*branches, evaluate=False))]
        if not e.is_Add:
            return [self.printer.show(self._narrowed(e, room))]
        parts = [self.printer.signed(self._narrowed(t, room - 1.5), False) for t in terms(e)]
        lines = [parts[0][0] + parts[0][1]]
        for sign, body in parts[1:]:
            longer = f"{lines[-1]} {sign or '+'} {body}"
            if width(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(f"{{}} {sign or '+'} {body}")
        return lines

    def _condition(self, condition: Expr, room: float) -> Expr:
        if condition == sympy.true or width(self.printer.condition(condition)) <= room / 2:
            return condition
        if isinstance(condition, sympy.And | sympy.Or):
            return condition.func(*(self._condition(c, room / len(condition.args))
                                    for c in condition.args))  # fmt: skip
        return condition.func(*(self._narrowed(a, room / 4) for a in condition.args))

    def _narrowed(self, e: Expr, room: float) -> Expr:
        """An expression without a sign to break at, its widest parts named until it fits."""
        while not e.is_Atom and not self._fits(e, room):
            parts = list(_proper_parts(e))
            if not parts:
                return self._name_of(e)
            widest = max(parts, key=lambda p: (width(self.printer.show(p)), default_sort_key(p)))
            named = self._named(e, widest)
            # Some factors of a product are no part of its tree.
            e = named if named != e else self._without(e, widest)
        return e

    def _without(self, e: Expr, factors: Expr) -> Expr:
        """A product with some of its factors under one name."""
        return Mul(self._name_of(factors), *(f for f in e.args if f not in factors.args))


def _proper_parts(e: Expr) -> Iterator[Expr]:
    """The parts one could name: arguments, without a product's sign or number."""
    compound = [a for a in e.args if isinstance(a, Expr) and not a.is_Atom]
    inner = [b for a in compound for b in (a.args if isinstance(a, Pow) else ()) if not b.is_Atom]
    worth = [p for p in (*compound, *inner) if count_ops(p) >= SMALLEST]
    if worth:
        yield from worth
    elif e.is_Mul and len(e.args) > 3:
        factors = sorted(e.args, key=default_sort_key)
        yield Mul(*factors[: len(factors) // 2])
    else:
        yield from compound


def _counted(e: Expr) -> list[tuple[Expr, int]]:
    found: dict[Expr, int] = {}
    waiting = [e]
    while waiting:
        part = waiting.pop()
        found[part] = found.get(part, 0) + 1
        waiting.extend(a for a in part.args if isinstance(a, Expr))
    return sorted(found.items(), key=lambda item: default_sort_key(item[0]))
