"""The reasons that the calculus gives in words, with their formulas set as formulas."""

from __future__ import annotations

import re
from collections.abc import Callable

from sympy import Expr, Symbol

from derive.calculus.reading import fold
from derive.definitions.formula import read
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.latex import escape
from derive.latex.printer import Printer

_END = r"(?=$|; |, | \(\w+ in )"
_PATTERN = re.compile(
    r"(?P<tends>(?P<size>\|?)(?P<who>\w+)\|? -> (?P<where>-?oo))"
    r"|(?P<span>\[-X, X\])"
    rf"|(?<=tends to )(?P<value>.+?){_END}"
    rf"|(?<=\[-X, X\] grows like )(?P<rate>.+?){_END}"
    rf"|(?<=needs )(?P<slope>.+?) > 1{_END}"
    rf"|(?<=like )(?P<growth>[^;,]*\|\w+\|[^;,]*?){_END}"
    r"|(?P<log>log\|\w+\|)"
    r"|\((?P<parameter>\w+) in (?P<region>\{[^{}]*\}|\([^()]*\))\)"
)


def sentence(loss: Loss, words: str, printer: Printer, bound: Symbol) -> str:
    """Words of a reason as TeX; a formula that is not understood stays as it was told."""
    names = {v.name: v for v in loss.variables}
    names.setdefault("X", bound)
    written, last = "", 0
    for found in _PATTERN.finditer(words):
        formula = _formula(found, lambda text: _read(loss, text, names), printer)
        if formula is None:
            continue
        written += _plain(words, last, found.start())
        written += f"for ${formula}$" if found["region"] else f"${formula}$"
        last = found.end()
    return written + _plain(words, last, len(words))


def _plain(words: str, start: int, end: int) -> str:
    """Escaped text that keeps the spaces at its ends."""
    piece = words[start:end]
    left = " " if piece[:1] == " " else ""
    right = " " if piece[-1:] == " " and piece.strip() else ""
    return left + escape.text(piece) + right


def _read(loss: Loss, text: str, names: dict[str, Symbol]) -> Expr | None:
    spelled = re.sub(r"log\|(\w+)\|", r"*log(abs(\1))", text)
    spelled = re.sub(r"\|(\w+)\|", r"abs(\1)", spelled).lstrip("*").replace(" *log", "*log")
    try:
        return fold(loss.where, read(spelled, names, "reason"))
    except BadInput:
        return None


def _formula(
    found: re.Match[str], meaning: Callable[[str], Expr | None], printer: Printer
) -> str | None:
    def shown(text: str) -> str | None:
        value = meaning(text)
        return None if value is None else printer.inline(value)

    if found["tends"]:
        who = shown(found["who"])
        size = who if not found["size"] else rf"\left|{who}\right|"
        return who and rf"{size} \to {shown(found['where'])}"
    if found["span"]:
        return f"[-{shown('X')}, {shown('X')}]"
    if found["slope"]:
        slope = shown(found["slope"])
        return slope and f"{slope} > 1"
    if found["parameter"]:
        return _region(shown(found["parameter"]), found["region"], shown)
    return shown(found["value"] or found["rate"] or found["growth"] or found["log"])


def _region(parameter: str | None, region: str, shown: Callable[[str], str | None]) -> str | None:
    ends = [shown(end.strip()) for end in region[1:-1].split(",")]
    if parameter is None or None in ends:
        return None
    if region.startswith("{") and len(ends) == 1:
        return f"{parameter} = {ends[0]}"
    if len(ends) == 2 and region.startswith("("):
        return f"{ends[0]} < {parameter} < {ends[1]}"
    inner = ", ".join(end or "" for end in ends)
    return rf"{parameter} \in \{{{inner}\}}"
