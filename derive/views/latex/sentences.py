"""Sentences of words and formulas as TeX."""

from __future__ import annotations

from sympy import Expr, Symbol, oo

from derive.calculus.reading import fold
from derive.calculus.reasons import (
    AboveOne,
    Multiple,
    Piece,
    Region,
    Sentence,
    Span,
    Tends,
    region,
)
from derive.definitions.loss import Loss
from derive.views.latex import escape
from derive.views.latex.printer import Printer


def sentence(loss: Loss, told: Sentence, printer: Printer, bound: Symbol) -> str:
    """A sentence that begins with a capital; `bound` is the X of its integrals."""
    first, *rest = [piece for piece in told if piece != ""]
    assert isinstance(first, str)
    pieces = (first[:1].upper() + first[1:], *rest)
    return "".join(_piece(loss, piece, printer, bound) for piece in pieces)


def _piece(loss: Loss, piece: Piece, printer: Printer, bound: Symbol) -> str:
    def shown(value: Expr) -> str:
        return printer.inline(fold(loss.where, value))

    if isinstance(piece, str):
        return _words(piece)
    if isinstance(piece, Region):
        return f"for ${region(shown(piece.parameter), piece.region, printer.inline)}$"
    if isinstance(piece, Tends):
        who = shown(piece.variable)
        size = rf"\left|{who}\right|" if piece.end is None else who
        return rf"${size} \to {printer.inline(oo if piece.end is None else piece.end)}$"
    if isinstance(piece, Span):
        return f"$[-{shown(bound)}, {shown(bound)}]$"
    if isinstance(piece, AboveOne):
        return f"${shown(piece.value)} > 1$"
    return f"${shown(bound * piece.factor if isinstance(piece, Multiple) else piece)}$"


def _words(piece: str) -> str:
    """Escaped text that keeps the spaces at its ends."""
    left = " " if piece[:1] == " " else ""
    right = " " if piece[-1:] == " " and piece.strip() else ""
    return left + escape.text(piece) + right
