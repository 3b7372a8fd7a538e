"""What the order of tokens means where people typeset the same thing in several ways."""

from __future__ import annotations

from derive.verification.formulas.stream import Piece

PREDICTORS = frozenset(("f", "g", "h"))
INDICATORS = frozenset(("I", "chi", "iota"))
PAIRS = {"LP": "RP", "LB": "RB", "LBAR": "RBAR", "BEGIN": "END"}


def meant(pieces: list[Piece]) -> list[Piece]:
    """The same tokens without the punctuation of tables, with their indicators named, and with
    f(x), what a model predicts, as one letter."""
    return _predictions(_indicators(_tables(pieces)))


def _tables(pieces: list[Piece]) -> list[Piece]:
    """Rows of cases: no comma at the end of a cell, no empty cell, 'if' in a cell of its own."""
    out: list[Piece] = []
    depth, cells = 0, 0
    for piece in pieces:
        before = out[-1].kind if out else ""
        depth += (piece.kind == "BEGIN") - (piece.kind == "END")
        if (depth and piece.kind in ("ROW", "AMP")) or piece.kind == "END":
            while before in ("COMMA", "STOP"):
                out.pop()
                before = out[-1].kind
        if piece.kind in ("BEGIN", "ROW"):
            cells = 0
        if depth and piece.kind == "AMP":
            if before in ("BEGIN", "ROW", "AMP") or (cells and before == "TEXT"):
                continue
            cells += 1
        out.append(piece)
    return out


def _indicators(pieces: list[Piece]) -> list[Piece]:
    """1(…), I[…] and [ … ] around a comparison are 1 where it holds, else 0."""
    out: list[Piece] = []
    for index, piece in enumerate(pieces):
        follows = pieces[index + 1 : index + 2]
        named = piece.kind == "NAME" and piece.value in INDICATORS
        if named and follows and _compares(pieces, index + 1):
            out.append(Piece("INDICATOR", piece.value, piece.at))
            continue
        bare = piece.kind == "LP" and piece.value == "[" and _compares(pieces, index)
        if bare and (not out or out[-1].kind != "INDICATOR"):
            out.append(Piece("INDICATOR", "[", piece.at))
        out.append(piece)
    return out


def _predictions(pieces: list[Piece]) -> list[Piece]:
    """f(x) within a formula; where a formula begins, it is the left side."""
    out: list[Piece] = []
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        out.append(piece)
        index += 1
        letter = piece.value.partition("_")[0].removesuffix("hat")
        if piece.kind == "NAME" and letter in PREDICTORS and len(out) > 1:
            index = _behind_call(pieces, index)
    return out


def _behind_call(pieces: list[Piece], start: int) -> int:
    """The place behind (x) or (x; w) that begins at `start`; `start` where there is none."""
    if start >= len(pieces) or pieces[start].kind != "LP":
        return start
    index, wanted = start + 1, "NAME"
    while index < len(pieces) and pieces[index].kind == wanted:
        wanted = "COMMA" if wanted == "NAME" else "NAME"
        index += 1
    ends = wanted == "COMMA" and index < len(pieces) and pieces[index].kind == "RP"
    return index + 1 if ends else start


def _compares(pieces: list[Piece], start: int) -> bool:
    """Whether brackets that open here hold a comparison, and nothing but comparisons."""
    opening = pieces[start]
    if opening.kind != "LP":
        return False
    depth, found = 0, False
    for piece in pieces[start:]:
        depth += (piece.kind in PAIRS) - (piece.kind in PAIRS.values())
        if depth == 0:
            return found
        found = found or (depth == 1 and piece.kind == "REL")
    return False
