"""The first look at a formula's text: its characters, its tokens and its size, before parsing."""

from __future__ import annotations

import re
from typing import NoReturn

from derive.definitions.names import strange_character
from derive.errors import BadInput

MAX_CHARACTERS = 20_000
MAX_TOKENS = 4_000
MAX_BRACKETS = 100
MAX_DIGITS = 1_000
MAX_DECIMAL_EXPONENT = 1_000

NUMBER = re.compile(r"(?P<whole>\d*)(?:\.(?P<part>\d*))?(?:[eE](?P<exponent>[+-]?\d+))?", re.ASCII)
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/(),<>])"
    r"|(?P<square>[\[\]])",
    re.ASCII,
)
_HINTS = {
    "^": "write a power as **",
    "%": "there is no remainder or percent in formulas",
    "#": "formulas hold no comments",
    ".": "only numbers hold a point",
    "=": "write == in a condition",
    "&": "write and",
    "|": "write or, or abs(...) for a magnitude",
    "~": "write not",
    "[": "use round brackets",
    "]": "use round brackets",
    "{": "use round brackets",
    "}": "use round brackets",
    "!": "write gamma(n + 1) for a factorial",
    ";": "one expression is wanted, no statements",
}
_WORDS = frozenset(("and", "or", "not"))


def refuse(where: str, column: int, rule: str) -> NoReturn:
    """Raise BadInput for the character at `column` (from 1)."""
    raise BadInput(f"{where}, column {column}: {rule}")


def scan(text: str, where: str, square: bool = False) -> str:
    """The text with line breaks as spaces, every token known and counted, columns unchanged.

    BadInput names the column and the rule for the first thing that no formula may hold. square:
    whether z[t] may stand in it.
    """
    if len(text) > MAX_CHARACTERS:
        refuse(where, MAX_CHARACTERS + 1, f"longer than {MAX_CHARACTERS} characters")
    for column, character in enumerate(text, 1):
        if not (" " <= character <= "~" or character in "\t\r\n"):
            refuse(where, column, strange_character(character))
    if not text.strip():
        refuse(where, 1, "the formula is empty")

    position = depth = tokens = 0
    before = ""
    while position < len(text):
        column = position + 1
        match = _TOKEN.match(text, position)
        if match is None or (match.lastgroup == "square" and not square):
            character = text[position]
            hint = _HINTS.get(character, "no formula holds it")
            refuse(where, column, f"unexpected '{character}'; {hint}")
        position = match.end()
        kind, token = match.lastgroup or "", match.group()
        if kind == "space":
            continue
        tokens += 1
        if tokens > MAX_TOKENS:
            refuse(where, column, f"more than {MAX_TOKENS} symbols")
        if kind == "number":
            _check_number(match, where)
        kind = "word" if token in _WORDS else kind
        if kind in ("number", "name") and before in ("number", "name", ")", "]"):
            refuse(
                where,
                column,
                "cases are written piecewise((u, condition), (v, True))"
                if token == "if"
                else f"an operator is missing before '{token[:40]}'; write * or another",
            )
        depth += (token in "([") - (token in ")]")
        if depth > MAX_BRACKETS:
            refuse(where, column, f"brackets nested deeper than {MAX_BRACKETS}")
        if depth < 0:
            refuse(where, column, "')' without its '('")
        before = token if token in ")]" else kind
    if depth:
        refuse(where, len(text), f"{depth} bracket(s) never closed")
    return re.sub(r"[\t\r\n]", " ", text)


def _check_number(match: re.Match[str], where: str) -> None:
    column, token, text = match.start() + 1, match.group(), match.string
    following = text[match.end() : match.end() + 1]
    if token == "0" and following in tuple("xXoObB"):
        refuse(where, column, "numbers are written in decimal digits")
    digits = sum(map(str.isdigit, token.lower().split("e")[0]))
    if digits > MAX_DIGITS:
        refuse(where, column, f"a number of {digits} digits; at most {MAX_DIGITS}")
    exponent = token.lower().partition("e")[2].lstrip("+-").lstrip("0")
    if len(exponent) > 4 or int(exponent or 0) > MAX_DECIMAL_EXPONENT:
        refuse(where, column, f"a decimal exponent beyond ±{MAX_DECIMAL_EXPONENT}")
    if following == "_":
        refuse(where, column, "numbers hold no _")
