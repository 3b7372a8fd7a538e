"""A reader of printed formulas, independent of the printer: TeX in, a number out.

It knows juxtaposition as multiplication, \\frac, powers, roots, brackets, operators with or without
brackets, and the slash of inline fractions, which divides all that stands left of it in a term.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mpmath import mp

TOKEN = re.compile(r"\\operatorname\{\w+\}|\\mathrm\{(?:[^{}\\]|\\_)+\}|\\[A-Za-z]+|\\[,!]|\d+|\S")
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    r"\ln": mp.log, r"\sin": mp.sin, r"\cos": mp.cos, r"\tanh": mp.tanh, r"\exp": mp.exp,
    r"\sinh": mp.sinh, r"\cosh": mp.cosh,
    r"\arctan": mp.atan, r"\operatorname{sgn}": mp.sign, r"\operatorname{erf}": mp.erf,
    r"\max": max, r"\min": min, r"\Gamma": mp.gamma,
}  # fmt: skip
CONSTANTS = {r"\pi": mp.pi, "e": mp.e}
ENDS = {None, ")", "}", "+", "-", r"\right", ",", "&"}


def value(formula: str, letters: Mapping[str, Any]) -> Any:
    """The number that a formula stands for."""
    reader = _Reader(TOKEN.findall(formula), letters)
    found = reader.sum()
    assert reader.next is None, f"unread: {reader.tokens[reader.at :]}"
    return found


class _Reader:
    def __init__(self, tokens: list[str], letters: Mapping[str, Any]) -> None:
        self.tokens = [t for t in tokens if t not in (r"\,", r"\!")]
        self.letters = letters
        self.at = 0

    @property
    def next(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens[self.at]
        assert wanted is None or token == wanted, f"{token} where {wanted} should be"
        self.at += 1
        return token

    def sum(self) -> Any:
        total = -self.signed() if self.next == "-" else self.term()
        while self.next in ("+", "-"):
            total += self.term() if self.take() == "+" else -self.term()
        return total

    def signed(self) -> Any:
        self.take("-")
        return self.term()

    def term(self) -> Any:
        product = self.factor()
        while self.next not in ENDS:
            if self.next == "/":
                self.take()
                product /= self.factor()
            elif self.next == r"\cdot":
                self.take()
                product *= self.factor()
            else:
                product *= self.factor()
        return product

    def factor(self) -> Any:
        base = self.primary()
        while self.next == "^":
            self.take()
            base = mp.power(base, self.group())
        return base

    def group(self) -> Any:
        self.take("{")
        found = self.sum()
        self.take("}")
        return found

    def primary(self) -> Any:
        token = self.take()
        if token.isdigit():
            return mp.mpf(int(token))
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return mp.sqrt(self.group())
        if token == "(":
            return self.until(")")
        if token == r"\left":
            opening = self.take()
            found = self.sum()
            self.take(r"\right")
            assert self.take() == {"(": ")", "|": "|"}[opening]
            return abs(found) if opening == "|" else found
        if token in FUNCTIONS:
            return self.applied(token)
        return self.letter(token)

    def letter(self, token: str) -> Any:
        if self.next == "_":
            self.take()
            self.take("{")
            token += "_{" + self.take() + "}"
            self.take("}")
        return CONSTANTS[token] if token in CONSTANTS else self.letters[token]

    def until(self, end: str) -> Any:
        found = self.sum()
        self.take(end)
        return found

    def applied(self, name: str) -> Any:
        power = None
        if self.next == "^":
            self.take()
            power = self.group()
        if self.next in ("(", r"\left"):
            tall = self.take() == r"\left"
            if tall:
                self.take("(")
            arguments = [self.sum()]
            while self.next == ",":
                self.take()
                arguments.append(self.sum())
            if tall:
                self.take(r"\right")
            self.take(")")
        else:
            arguments = [self.primary()]
        found = FUNCTIONS[name](*arguments)
        return found if power is None else mp.power(found, power)
