"""A row of the table as a relation between two expressions, and its proof."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Abs, Expr, Max, Min, Piecewise, Symbol, diff, exp, piecewise_fold, sign

from derive.calculus.derivatives import quantities
from derive.definitions.catalogue import load
from derive.definitions.formula import read
from derive.definitions.interval import read_kind
from derive.definitions.loss import Loss
from derive.definitions.symbols import x
from derive.verification.claims.simplify import is_zero
from derive.verification.claims.zero import vanishes
from derive.verification.concordance.table import Row

_CONSTANTS = ("pi", "E", "oo", "True", x.name)


@dataclass(frozen=True)
class Relation:
    """theirs = factor * ours(at) + offset, over x and the library's letters.

    A weight is compared as weight times x, which is the slope: at x = 0 it is a continuation.
    """

    row: Row
    letters: Mapping[str, Symbol]
    theirs: Expr
    ours: Expr
    factor: Expr
    at: Mapping[str, Expr]
    offset: Expr

    @property
    def gap(self) -> Expr:
        return self.theirs - (self.factor * self.ours + self.offset)

    @property
    def subject(self) -> Loss:
        """The library's loss: the variables and the domains that the relation speaks of."""
        kinds = {n: read_kind(self.row.letters.get(n, "positive"), n) for n in self.letters}
        return Loss(
            name="theirs",
            title=self.row.symbol,
            source=self.row.library,
            variables=(x, *self.letters.values()),
            loss=self.theirs,
            domains={self.letters[n]: k.domain for n, k in kinds.items() if k.domain is not None},
        )

    def proved(self) -> bool:
        """Whether the two sides are shown to be the same for all x and all values of letters."""
        found = vanishes(self.gap, self.subject)
        return found or self._branch_by_branch() or self._by_slope()

    def _branch_by_branch(self) -> bool:
        """Choices by the same conditions, equal in each branch."""
        if not (isinstance(self.theirs, Piecewise) and isinstance(self.ours, Piecewise)):
            return False
        pairs = list(zip(self.theirs.args, self.ours.args, strict=False))
        same = len(self.theirs.args) == len(self.ours.args)
        return same and all(
            c == d and is_zero(a - (self.factor * b + self.offset)) for (a, c), (b, d) in pairs
        )

    def _by_slope(self) -> bool:
        """Smooth in x, the same at x = 0, and with the same slope everywhere."""
        if self.gap.has(Piecewise, Abs, sign, Max, Min):
            return False
        slope = diff(self.gap, x).rewrite(exp)
        return is_zero(slope) and is_zero(self.gap.subs(x, 0))


def relation(row: Row) -> Relation:
    """What a row says. BadInput for a formula that is none."""
    loss, texts = load(row.loss), (row.formula, row.factor, *row.at.values(), row.offset)
    letters = {
        name: row.letter(name) for name in dict.fromkeys(n for t in texts for n in _names(t))
    }
    known = {**letters, x.name: x}
    theirs, factor, offset = (
        read(t, known, row.title) for t in (row.formula, row.factor, row.offset)
    )
    at = {name: read(text, known, row.title) for name, text in row.at.items()}
    places = {p: at[p.name] for p in loss.parameters}
    weighs = row.quantity == "weight"
    name = f"d_{x.name}" if weighs else row.quantity
    ours = quantities(loss)[name].subs(places, simultaneous=True)
    theirs = piecewise_fold(x * theirs) if weighs else theirs
    return Relation(row, letters, theirs, ours, factor, at, offset)


def _names(text: str) -> Iterator[str]:
    """The letters of a formula, in order."""
    tree = ast.parse(text, mode="eval")
    functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in functions and node.id not in _CONSTANTS:
            yield node.id


def in_words(row: Row) -> str:
    """Such as: 2 * the loss at its parameter = a, plus 1."""
    factor = "" if row.factor == "1" else f"{_bracketed(row.factor)} * "
    of = row.loss if row.quantity == "loss" else f"{row.quantity} of {row.loss}"
    settings = ", ".join(f"{name} = {value}" for name, value in row.at.items())
    offset = "" if row.offset == "0" else f", plus {row.offset}"
    return f"{factor}{of}{' at ' if settings else ''}{settings}{offset}"


def _bracketed(text: str) -> str:
    return f"({text})" if any(c in text for c in "+-/") else text
