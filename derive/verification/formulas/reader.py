"""A LaTeX formula as an expression over its own letters, with what its left side says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sympy import Expr, Symbol

from derive.errors import BadInput, EnvironmentTrouble
from derive.verification.formulas import commands as c
from derive.verification.formulas.lexer import pieces
from derive.verification.formulas.stream import Piece

GRAMMAR = Path(__file__).with_name("grammar.lark")
MISSING = "lark is not installed, and LaTeX is read with it: pip install 'derive-losses[verify]'"
NAMES = {
    "RP": "a closing bracket", "RB": "}", "END": "the end of the cases", "AMP": "&",
    "COMMA": "a comma", "ROW": "a line break", "REL": "a relation", "TEXT": "a text",
    "STOP": "a full stop", "POW": "a power", "SLASH": "a slash", "TIMES": "a product sign",
    "RBAR": "a closing bar", "PRIME": "a prime", "$END": "the end",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """formulas: what the chain of = says is equal. arguments: the letters of the left side's call.

    subscripts: letters below the left side's name. proportional: written with ∝.
    """

    formulas: tuple[Expr, ...]
    arguments: tuple[str, ...] = ()
    subscripts: tuple[str, ...] = ()
    proportional: bool = False
    notes: tuple[str, ...] = ()
    left: str = ""


@dataclass
class Equation:
    left: list[Piece] = field(default_factory=list)
    parts: list[list[Piece]] = field(default_factory=list)
    proportional: bool = False


@cache
def _parser() -> Any:
    try:
        from lark import Lark
        from lark.lexer import Lexer as LarkLexer
        from lark.lexer import Token
    except ImportError:  # the optional extra 'verify'
        raise EnvironmentTrouble(MISSING) from None

    class Stream(LarkLexer):
        """The tokens as they are."""

        def __init__(self, _conf: Any) -> None:
            pass

        def lex(self, data: Any, _parser_state: Any = None) -> Iterator[Any]:
            for piece in data:
                yield Token(piece.kind, piece.value, column=piece.at)

    terminals = sorted({w for w in _words(GRAMMAR.read_text()) if w.isupper()})
    declared = "\n%declare " + " ".join(terminals)
    return Lark(
        GRAMMAR.read_text() + declared, parser="lalr", lexer=Stream,
        start=["expr", "cond"], maybe_placeholders=False, keep_all_tokens=True,
    )  # fmt: skip


def _words(text: str) -> list[str]:
    body = "\n".join(line.partition("//")[0] for line in text.splitlines())
    return re.findall(r"\b[A-Z]{2,}\b", body)


def read_text(text: str, where: str) -> Expr:
    """A plain expression, without a left side."""
    builder, tree = parse(pieces(text, where), where)
    return builder.build(tree)


def made_builder(where: str) -> Any:
    """A builder for one text."""
    from derive.verification.formulas.builder import Builder  # needs lark, an optional extra

    return Builder(where, lambda text: read_text(text, where))


def parse(tokens: list[Piece], where: str, builder: Any = None) -> tuple[Any, Any]:
    """The tree of an expression, and what builds it."""
    from lark.exceptions import UnexpectedInput, UnexpectedToken

    parser = _parser()
    if not tokens:
        raise BadInput(f"{where}: nothing stands on one side")
    try:
        tree = parser.parse(tokens, start="expr")
    except UnexpectedToken as trouble:
        raise _unexpected(trouble.token, tokens, where) from None
    except (UnexpectedInput, RecursionError):
        raise BadInput(f"{where}: not a formula") from None
    return builder or made_builder(where), tree


def _unexpected(token: Any, tokens: list[Piece], where: str) -> BadInput:
    kind = token.type
    if kind == "$END":
        return BadInput(f"{where}, column {tokens[-1].at + 1}: the formula breaks off")
    shown = NAMES.get(kind, f"'{str(token)[:24]}'")
    rule = f"{shown} is not expected here"
    if kind == "AMP":
        rule = "a row with three cells (a line break \\\\ is missing), or & outside of cases"
    return BadInput(f"{where}, column {token.column}: {rule}")


def read_latex(text: str, where: str = "latex") -> Reading:
    """What a LaTeX text states. BadInput, one line with the column, where it cannot be read, or
    can be read in two ways."""
    rows = [row for row in _rows(pieces(text, where)) if row]
    if not rows:
        raise BadInput(f"{where}, column 1: the formula is empty")
    equations = _equations(rows, where)
    builder = made_builder(where)
    main, *others = equations
    definitions: dict[Symbol, Expr] = {}
    for other in others:
        name = _single_name(other)
        if name is None or len(other.parts) != 1:
            at = (other.left or other.parts[0])[0].at
            raise BadInput(f"{where}, column {at}: a second formula; one is judged at a time")
        definitions[builder.symbol(name)] = _built(other.parts[0], where, builder)
    formulas = []
    for part in main.parts:
        value = _built(part, where, builder)
        for symbol, meaning in reversed(definitions.items()):
            value = value.subs(symbol, meaning)
        formulas.append(value)
    arguments = list(_arguments(main.left))
    for symbol, meaning in definitions.items():
        if symbol.name in arguments:
            arguments.remove(symbol.name)
            arguments += sorted(s.name for s in meaning.free_symbols)
    return Reading(
        tuple(formulas), tuple(arguments), _subscripts(main.left), main.proportional,
        tuple(builder.notes), _shown(main.left),
    )  # fmt: skip


def _built(part: list[Piece], where: str, builder: Any) -> Expr:
    found, tree = parse(_trimmed(part), where, builder)
    return found.build(tree)


def _rows(tokens: list[Piece]) -> list[list[Piece]]:
    """Parts of a display, and definitions behind 'with' or 'where'."""
    rows: list[list[Piece]] = [[]]
    depth = 0
    for index, piece in enumerate(tokens):
        depth += (piece.kind in ("LP", "LB", "LBAR", "BEGIN")) - (
            piece.kind in ("RP", "RB", "RBAR", "END")
        )
        defines = piece.kind == "COMMA" and _defines(tokens[index + 1 : index + 3])
        if depth == 0 and (piece.kind in ("ROW", "WITH") or defines):
            rows.append([])
            continue
        if depth == 0 and piece.kind == "AMP":
            continue
        rows[-1].append(piece)
    return [_trimmed(row) for row in rows]


def _defines(following: list[Piece]) -> bool:
    """Whether a name and = follow: an abbreviation, told behind a comma."""
    return [p.kind for p in following] == ["NAME", "REL"] and following[1].value == "=="


def _trimmed(row: list[Piece]) -> list[Piece]:
    """Without punctuation and words at the ends."""
    while row and row[-1].kind in ("STOP", "COMMA"):
        row = row[:-1]
    while row and row[0].kind in ("COMMA", "STOP"):
        row = row[1:]
    return row


def _equations(rows: list[list[Piece]], where: str) -> list[Equation]:
    """Rows joined where one goes on, each split at its relations."""
    joined: list[list[Piece]] = []
    for row in rows:
        goes_on = row[0].kind in ("REL", "PLUS", "MINUS", "TIMES") and joined
        if goes_on:
            joined[-1] = [*joined[-1], *row]
        else:
            joined.append(row)
    return [_equation(row, where) for row in joined]


def _equation(row: list[Piece], where: str) -> Equation:
    parts: list[list[Piece]] = [[]]
    proportional, depth = False, 0
    for piece in row:
        depth += (piece.kind in ("LP", "LB", "LBAR", "BEGIN")) - (
            piece.kind in ("RP", "RB", "RBAR", "END")
        )
        if depth == 0 and piece.kind == "REL":
            if piece.value == "propto":
                proportional = True
            elif piece.value != "==":
                why = c.OTHER_RELATIONS.get(piece.value, "an inequality is not a definition")
                raise BadInput(f"{where}, column {piece.at}: a relation that is not =: {why}")
            parts.append([])
            continue
        parts[-1].append(piece)
    if any(not part for part in parts):
        raise BadInput(f"{where}, column {row[0].at}: nothing stands on one side of =")
    equation = Equation(parts=parts, proportional=proportional)
    if len(parts) > 1 and _is_left(parts[0]):
        equation.left, equation.parts = parts[0], parts[1:]
    elif proportional:
        raise BadInput(f"{where}, column {row[0].at}: ∝ stands behind a left side")
    return equation


def _is_left(part: list[Piece]) -> bool:
    """Whether a side only names what the other one defines."""
    kinds = [piece.kind for piece in part]
    if kinds[0] == "FRAC":
        return any("partial" in piece.value or piece.value == "d" for piece in part)
    if kinds[0] == "MINUS":
        kinds = kinds[1:]
    if kinds[:1] == ["FUNC"] and part[kinds.index("FUNC")].value == "log":
        kinds = kinds[1:]
    if not kinds or kinds[0] not in ("NAME", "TEXT"):
        return False
    rest = kinds[1:]
    while rest and rest[0] in ("PRIME", "TEXT", "NAME"):
        rest = rest[1:]
    if rest[:1] == ["POW"]:
        rest = rest[2:] if rest[1:2] != ["LB"] else rest[rest.index("RB") + 1 :]
    return not rest or (rest[0] == "LP" and rest[-1] == "RP" and "PLUS" not in rest)


def _arguments(left: list[Piece]) -> Iterator[str]:
    depth = 0
    for piece in left:
        depth += (piece.kind == "LP") - (piece.kind == "RP")
        if depth and piece.kind == "NAME":
            yield piece.value


def _subscripts(left: list[Piece]) -> tuple[str, ...]:
    found = []
    for piece in left[:1]:
        _, _, below = piece.value.partition("_")
        if below:
            found.append(below)
    return tuple(found)


def _single_name(equation: Equation) -> str | None:
    names = [piece for piece in equation.left if piece.kind == "NAME"]
    return names[0].value if len(names) == 1 == len(equation.left) else None


def _shown(left: list[Piece]) -> str:
    return "".join(piece.value for piece in left)[:80]
