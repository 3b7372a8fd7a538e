"""What every part of the builder needs: symbols, errors with their column, powers in bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from lark import Token, Tree
from sympy import Expr, Pow, Symbol

from derive.errors import BadInput

MOST_POWER = 10_000
EULER = "e"

Node = Any  # a tree of tokens; the grammar says what its children are


class Base:
    """Expressions from trees. notes: readings that a verdict has to state."""

    def __init__(self, where: str, read: Callable[[str], Expr]) -> None:
        """read: what turns the text of an index into an expression."""
        self.where, self.read = where, read
        self.symbols: dict[str, Symbol] = {}
        self.notes: list[str] = []

    def error(self, tree: Any, rule: str) -> BadInput:
        return BadInput(f"{self.where}, column {column(tree)}: {rule}")

    def symbol(self, name: str) -> Symbol:
        return self.symbols.setdefault(name, Symbol(name, extended_real=True))

    def build(self, tree: Any) -> Expr:
        value = getattr(self, f"_{tree.data}")(tree)
        if value.has(sympy.nan, sympy.zoo):
            raise self.error(tree, "the value is undefined (such as x/0)")
        return value

    def raised(self, tree: Any, value: Expr, power: Expr) -> Expr:
        if value.is_number and power.is_number and (abs(power) > MOST_POWER) == True:  # noqa: E712
            raise self.error(tree, f"a power beyond {MOST_POWER}")
        if power.is_number and power.is_Rational and abs(power.p) > MOST_POWER:
            raise self.error(tree, f"a power beyond {MOST_POWER}")
        if value.is_number and not value.is_Atom and power.is_Integer and abs(power) > 64:
            raise self.error(tree, "a number too big")
        return Pow(value, power)

    def only(self, tree: Any, values: list[Expr]) -> Expr:
        if len(values) != 1:
            raise self.error(tree, "a comma outside of a function's arguments")
        return values[0]

    def arguments(self, tree: Node) -> list[Expr]:
        return [self.build(a) for a in tree.children[1].children if isinstance(a, Tree)]


def minus(tree: Any) -> bool:
    return bool(tree.data == "sign" and tree.children[0].type == "MINUS")


def digit_first(link: Node) -> bool:
    token = first_token(link)
    return token is not None and token.type == "NUM"


def is_function(link: Node) -> bool:
    token = first_token(link)
    return token is not None and token.type in ("FUNC", "BESSEL", "BEGIN")


def first_token(tree: Any) -> Token | None:
    if isinstance(tree, Token):
        return tree
    for child in tree.children:
        found = first_token(child)
        if found is not None:
            return found
    return None


def column(tree: Any) -> int:
    token = first_token(tree)
    return 1 if token is None or token.column is None else int(token.column)
