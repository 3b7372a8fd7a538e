"""How wide a formula will be, in em, from its source: enough to know where to break a line."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
_WORDS = {
    r"\alpha": 0.64, r"\infty": 1.0, r"\sin": 1.4, r"\cos": 1.4, r"\tan": 1.5, r"\ln": 0.95,
    r"\exp": 1.6, r"\max": 1.9, r"\min": 1.7, r"\arcsin": 2.8, r"\arccos": 2.8,
    r"\arctan": 2.8, r"\sinh": 1.9, r"\cosh": 1.9, r"\tanh": 2.0, r"\coth": 1.9,
    r"\quad": 1.0, r"\qquad": 2.0, r"\,": 0.17, r"\!": -0.17, r"\int": 0.7,
    r"\le": 1.35, r"\ge": 1.35, r"\ne": 1.35, r"\to": 1.6, r"\cdot": 0.75, r"\colon": 0.5,
    r"\sum": 1.8, r"\Biggl": 0.8, r"\Biggr": 0.8, r"\bigl": 0.1, r"\bigr": 0.1,
}  # fmt: skip
_CHARACTERS = {"+": 1.23, "-": 1.23, "=": 1.35, "<": 1.35, ">": 1.35, "(": 0.39, ")": 0.39,
               "|": 0.28, ",": 0.45, "/": 0.5, ";": 0.45, " ": 0.0, "m": 0.88, "w": 0.72,
               "M": 0.97, "W": 0.94}  # fmt: skip
_SCRIPT = 0.72


def width(formula: str) -> float:
    """An estimate on the safe side, at the size of the text (1 em = the font's size)."""
    tokens = [t for t in _TOKEN.findall(formula) if not t.isspace()]
    return _sequence(tokens, [0], None)


def _sequence(tokens: list[str], at: list[int], end: str | None) -> float:
    """The width up to the closing token: of each column what is widest in it."""
    columns, column = [0.0], 0
    total = 0.0
    while at[0] < len(tokens):
        token = tokens[at[0]]
        at[0] += 1
        if token in (end, "&", r"\\", r"\end"):
            columns[column] = max(columns[column], total)
            total, column = 0.0, column + 1 if token == "&" else 0
            columns += [0.0] * (column + 1 - len(columns))
            if token == r"\end":
                _argument(tokens, at)
            if token in (end, r"\end"):
                return sum(columns) + len(columns) - 1
            continue
        total += _item(token, tokens, at)
    columns[column] = max(columns[column], total)
    return sum(columns) + len(columns) - 1


def _item(token: str, tokens: list[str], at: list[int]) -> float:
    if token == "{":
        return _sequence(tokens, at, "}")
    if token in ("^", "_"):
        return _SCRIPT * _argument(tokens, at)
    if token == r"\frac":
        return max(_argument(tokens, at), _argument(tokens, at)) + 0.25
    if token == r"\sqrt":
        return _argument(tokens, at) + 1.0
    if token in (r"\mathrm", r"\text", r"\mathcal", r"\operatorname"):
        return _argument(tokens, at) + 0.2
    if token in (r"\left", r"\right"):
        at[0] += 1
        return 0.7
    if token == r"\begin":
        _argument(tokens, at)
        return 1.3 + _sequence(tokens, at, None)
    if token.startswith("\\"):
        return _WORDS.get(token, 0.65)
    return _CHARACTERS.get(token, 0.55)


def _argument(tokens: list[str], at: list[int]) -> float:
    if at[0] >= len(tokens):
        return 0.0
    token = tokens[at[0]]
    at[0] += 1
    return _item(token, tokens, at)
