"""The stream of tokens: numbers as they are meant, brackets and bars matched as they come."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.errors import BadInput

LONGEST_NUMBER = 60
_DIGITS = re.compile(r"\d+(?:\.\d+)?|\.\d+", re.ASCII)
_COMMA = re.compile(r"\d+(?:\{,\}|,)\d+", re.ASCII)
# What an operand ends with: a bar behind it closes, a bar elsewhere opens.
ENDS = frozenset(("NUM", "NAME", "RP", "RB", "RBAR", "END", "PRIME", "BESSEL"))


@dataclass(frozen=True)
class Piece:
    """kind: the terminal of the grammar; at: the column in the text, from 1."""

    kind: str
    value: str
    at: int


def refuse(where: str, at: int, rule: str) -> BadInput:
    return BadInput(f"{where}, column {at}: {rule}")


class Stream:
    """One text, the tokens that were read of it, and the brackets that are open."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.position = 0
        self.out: list[Piece] = []
        self.open: list[tuple[str, int]] = []

    def error(self, rule: str, at: int | None = None) -> BadInput:
        return refuse(self.where, (self.position if at is None else at) + 1, rule)

    def add(self, kind: str, value: str, at: int) -> None:
        self.out.append(Piece(kind, value, at + 1))

    @property
    def before(self) -> str:
        return self.out[-1].kind if self.out else ""

    def _number(self) -> None:
        at = self.position
        single = self.before == "POW" or self._wants_argument()
        match = _DIGITS.match(self.text, at)
        comma = _COMMA.match(self.text, at)
        if match is None:  # a full stop
            self.position += 1
            self.add("STOP", ".", at)
            return
        if single and self.text[at].isdigit():
            more = self.text[at + 1 : at + 2]
            if self.before == "POW" and more.isdigit():
                raise self.error(f"^{self.text[at : at + 2]} has two readings; write ^{{..}}", at)
            self.position += 1
            self.add("NUM", self.text[at], at)
            return
        if comma is not None and not self._in_list():
            whole, part = re.split(r"\{,\}|,", comma.group())
            self.position = comma.end()
            self.add("NUM", f"{whole}.{part}", at)
            return
        if len(match.group()) > LONGEST_NUMBER:
            raise self.error(f"a number of more than {LONGEST_NUMBER} digits", at)
        self.position = match.end()
        text = match.group()
        trailing = self.text[self.position : self.position + 1] == "." and "." not in text
        if trailing:
            self.position += 1
        self.add("NUM", text, at)

    def _wants_argument(self) -> bool:
        """Whether a bare digit here is an argument of \\frac or \\sqrt."""
        kinds = [p.kind for p in self.out[-2:]]
        if kinds[-1:] in (["FRAC"], ["ROOT"]):
            return True
        if kinds[-2:-1] == ["FRAC"] and kinds[-1] == "NUM":
            return True
        if kinds[-1:] == ["RB"]:  # \frac{1}2
            return self._group_start_follows("FRAC")
        return False

    def _group_start_follows(self, kind: str) -> bool:
        depth = 0
        for index in range(len(self.out) - 1, -1, -1):
            piece = self.out[index]
            depth += (piece.kind == "RB") - (piece.kind == "LB")
            if depth == 0:
                return index > 0 and self.out[index - 1].kind == kind
        return False

    def _in_list(self) -> bool:
        """Whether a comma here separates arguments."""
        for index in range(len(self.out) - 1, -1, -1):
            if self.out[index].kind == "LP":
                return index > 0 and self.out[index - 1].kind in ("FUNC", "NAME", "TEXT")
            if self.out[index].kind == "RP":
                return False
        return False

    # Brackets and bars

    def _brace(self, character: str, at: int) -> None:
        if character == "{":
            self.open.append(("{}", at))
            self.add("LB", "{", at)
            return
        self._close("{}", at)
        if [p.kind for p in self.out[-2:]] in (["LB", "TEXT"], ["LB", "FUNC"], ["LB", "REL"]):
            del self.out[-2]  # braces around a word or a sign change its looks alone
            return
        self.add("RB", "}", at)

    def _close(self, kind: str, at: int) -> None:
        if not self.open:
            raise self.error("a bracket is closed that was never opened", at)
        opened, where = self.open[-1]
        if opened != kind:
            if opened == "|":
                raise self.error("an odd number of bars: this one is not closed", where)
            shown = {"{}": "}", "(": ")", "[": "]", "{": "\\}"}.get(kind, kind)
            raise self.error(
                f"brackets cross: '{shown}' closes '{opened[0]}' of column {where + 1}", at
            )
        self.open.pop()

    def _bracket(self, kind: str, side: str, at: int) -> None:
        if side == "open":
            self.open.append((kind, at))
            self.add("LP", kind, at)
        else:
            self._close(kind, at)
            self.add("RP", kind, at)

    def _is_condition(self) -> bool:
        """p(x|m): a bar between the arguments of the left side's call, where a name is defined."""
        kinds = [p.kind for p in self.out]
        call = kinds[:3] == ["NAME", "LP", "NAME"] and kinds.count("LP") == 1 + kinds.count("RP")
        return call and kinds[-1] == "NAME" and "=" in self.text[self.position :] and (
            self.open[-1][0] == "("
        )  # fmt: skip

    def _bar(self, side: str, at: int) -> None:
        opened = bool(self.open) and self.open[-1][0] == "|"
        if side in ("either", "given") and self._is_condition():
            self.add("COMMA", "|", at)
            return
        if side in ("either", "given"):
            closes = opened and (self.before in ENDS or self.before == "PI")
            side = "close" if closes else "open"
        if side == "close":
            if not opened:
                raise self.error("an odd number of bars: this one closes nothing", at)
            self.open.pop()
            self.add("RBAR", "|", at)
        else:
            self.open.append(("|", at))
            self.add("LBAR", "|", at)
