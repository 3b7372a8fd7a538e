"""How a language writes what the vocabulary says: a table, and nothing that computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# The levels of binding, weakest first; a table uses those that its language has.
CHOICE, OR, AND, COMPARISON, EITHER, BOTH, SUM, PRODUCT, SIGN, POWER, ATOM = range(11)


@dataclass(frozen=True)
class Infix:
    """`a sign b`; from_right: a sign b sign c means a sign (b sign c); hugs: without spaces
    between names and numbers."""

    sign: str
    level: int
    from_right: bool = False
    hugs: bool = False


@dataclass(frozen=True)
class Prefix:
    """`sign a`, without a space."""

    sign: str
    level: int = SIGN


@dataclass(frozen=True)
class Called:
    """`name(a, b)`; listed: from this argument on they stand in one list of their own.

    later: what stands before an argument that is evaluated only where it is needed, by place.
    """

    name: str
    later: Mapping[int, str] = field(default_factory=dict)
    listed: int | None = None
    brackets: tuple[str, str] = ("(", ")")


@dataclass(frozen=True)
class Pattern:
    """The arguments in a pattern, such as "{1} if {0} else {2}"."""

    pattern: str
    level: int = CHOICE


Spelling = Infix | Prefix | Called | Pattern


@dataclass(frozen=True)
class Syntax:
    """operations: operation -> how it is written. helper: the name of a helper of the file, made
    of its own; function: that of a public function, where another one calls it. assign, give,
    give_many, end: the parts of a statement; brackets: around a list; as_it_is: after a table that
    a formatter should leave as it is. escapes: what text in a comment of the language has
    to be replaced by."""

    operations: Mapping[str, Spelling]
    infinity: str
    not_a_number: str
    helper: str = "_{}"
    function: str = "{}"
    power_of_two: str = "2.0**{}"
    fraction: str = "{} / {}"
    assign: str = "{} = "
    give: str = "return "
    give_many: str = "return {}, {}"
    end: str = ""
    brackets: tuple[str, str] = ("(", ")")
    as_it_is: str = ""
    width: int = 100
    indent: int = 4
    escapes: Mapping[str, str] = field(default_factory=dict)


PYTHON: Mapping[str, Spelling] = {
    "add": Infix("+", SUM),
    "sub": Infix("-", SUM),
    "mul": Infix("*", PRODUCT),
    "div": Infix("/", PRODUCT),
    "pow": Infix("**", POWER, from_right=True, hugs=True),
    "neg": Prefix("-"),
    "lt": Infix("<", COMPARISON),
    "le": Infix("<=", COMPARISON),
    "gt": Infix(">", COMPARISON),
    "ge": Infix(">=", COMPARISON),
    "eq": Infix("==", COMPARISON),
    "ne": Infix("!=", COMPARISON),
}
"""The signs that Python shares with most languages, to begin a table with."""
