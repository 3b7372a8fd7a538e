"""LaTeX into tokens: spaces, sizes and fonts gone, names whole, brackets and bars matched."""

from __future__ import annotations

import re
import unicodedata

from derive.verification.formulas import commands as c
from derive.verification.formulas.controls import control
from derive.verification.formulas.meant import meant
from derive.verification.formulas.stream import Piece, Stream

LONGEST = 8_000
MOST_TOKENS = 2_000
DEEPEST = 60
_COMMAND = re.compile(r"\\(?:([A-Za-z]+\*?)|(.))", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+", re.ASCII)
_SUPERSCRIPTS = {"²": "2", "³": "3", "¹": "1", "⁴": "4"}


class Lexer(Stream):
    """One text, read from left to right."""

    def pieces(self) -> list[Piece]:
        self._check()
        while self.position < len(self.text):
            self._step()
            if len(self.out) > MOST_TOKENS:
                raise self.error(f"more than {MOST_TOKENS} symbols")
            if len(self.open) > DEEPEST:
                raise self.error(f"brackets nested deeper than {DEEPEST}")
        if self.open:
            kind, at = self.open[-1]
            many = "an odd number of bars: one" if kind == "|" else f"a bracket '{kind}'"
            raise self.error(f"{many} is not closed", at)
        if not self.out:
            raise self.error("the formula is empty", 0)
        return meant(self.out)

    def _check(self) -> None:
        if len(self.text) > LONGEST:
            raise self.error(f"longer than {LONGEST} characters", LONGEST)
        for at, character in enumerate(self.text):
            if character in "\t\r\n" or character.isprintable():
                continue
            raise self.error(f"U+{ord(character):04X} is no character of a formula", at)

    # Steps

    def _step(self) -> None:
        at, character = self.position, self.text[self.position]
        if character.isspace() or character in "~$":
            self.position += 1
        elif character == "\\":
            self._command()
        elif (character.isdigit() and character.isascii()) or character == ".":
            self._number()
        elif character.isascii() and character.isalpha():
            self._letters()
        else:
            self.position += 1
            self._symbol(character, at)

    def _symbol(self, character: str, at: int) -> None:
        simple = {"+": "PLUS", "-": "MINUS", "−": "MINUS", "*": "TIMES", "·": "TIMES",
                  "×": "TIMES", "/": "SLASH", "^": "POW", ",": "COMMA", ";": "COMMA",
                  "&": "AMP", "∞": "INFINITY"}  # fmt: skip
        if character in simple:
            self.add(simple[character], character, at)
        elif character in c.RELATIONS:
            self.add("REL", c.RELATIONS[character], at)
        elif character == ":":
            if self.text[self.position : self.position + 1] == "=":
                return
            self.add("COMMA", ":", at)
        elif character == "_":
            self._subscript(at)
        elif character == "'":
            self.add("PRIME", "'", at)
        elif character in _SUPERSCRIPTS:
            self.add("POW", "^", at)
            self.add("NUM", _SUPERSCRIPTS[character], at)
        elif character in "{}":
            self._brace(character, at)
        elif character in c.BRACKETS:
            self._bracket(*c.BRACKETS[character], at)
        elif character in "|‖":
            self._bar("either", at)
        elif unicodedata.name(character, "").startswith("GREEK"):
            self._greek(character, at)
        elif character == "%":
            raise self.error("% starts a comment in LaTeX; nothing is ever cut off silently", at)
        else:
            raise self.error(f"U+{ord(character):04X} {character!a} is not read in formulas", at)

    def _greek(self, character: str, at: int) -> None:
        words = unicodedata.name(unicodedata.normalize("NFKC", character)).split()
        name = words[-1].lower().replace("lamda", "lambda")
        if len(words) != 4 or name not in c.GREEK:
            raise self.error(f"U+{ord(character):04X} is not read in formulas", at)
        self._named(name.capitalize() if "CAPITAL" in words else name, at)

    def _letters(self) -> None:
        at = self.position
        match = _WORD.match(self.text, at)
        assert match is not None
        word = match.group()
        for length in range(len(word), 1, -1):
            known = word[:length]
            if known in c.WORDS and not (length < len(word) and known not in c.FUNCTIONS):
                self.position = at + length
                if known in c.FUNCTIONS:
                    self.add("FUNC", c.FUNCTIONS[known], at)
                else:
                    self._named(known, at)
                return
        self.position = at + 1
        self._named(word[0], at)

    def _named(self, name: str, at: int) -> None:
        if name == "Gamma":
            self.add("FUNC", "gamma", at)
        elif name == "pi":
            self.add("PI", "pi", at)
        else:
            self.add("NAME", name, at)

    # Commands

    def _command(self) -> None:
        at = self.position
        match = _COMMAND.match(self.text, at)
        if match is None:
            raise self.error("a lone backslash", at)
        self.position = match.end()
        control(self, match[1] or match[2], at)

    def argument(self, what: str) -> str:
        """The raw text of a braced argument (or of one character)."""
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        start = self.position
        if self.text[start : start + 1] != "{":
            match = _COMMAND.match(self.text, start)
            end = match.end() if match is not None else start + 1
            self.position = end
            if start >= len(self.text):
                raise self.error(f"{what} wants an argument in braces")
            return self.text[start:end]
        depth, position = 0, start
        while position < len(self.text):
            character = self.text[position]
            if character == "\\":
                position += 2
                continue
            depth += (character == "{") - (character == "}")
            position += 1
            if depth == 0:
                self.position = position
                return self.text[start + 1 : position - 1]
        raise self.error("a brace is not closed", start)

    def _subscript(self, at: int) -> None:
        """A subscript joins the name before it."""
        text = self.argument("a subscript")
        plain = re.sub(r"[\s{}\\,]|(?:text|mathrm|mathit|operatorname)\b", "", text)
        if not self.out:
            raise self.error("a subscript without a name", at)
        last = self.out[-1]
        if last.kind == "RBAR" and plain in ("1", "2"):
            return  # the norm of a number
        if last.kind == "RP" and plain == "+" and self._positive_part():
            return
        if last.kind == "FUNC" and last.value == "log":
            if plain in ("e",):
                return
            if not (plain.isascii() and plain.isdigit()) or not 1 < int(plain) < 1000:
                raise self.error("the base of a logarithm is a whole number", at)
            self.out[-1] = Piece("FUNC", f"log:{plain}", last.at)
            return
        if last.kind == "NAME" and last.value in "KI" and last.value:
            self.out[-1] = Piece("BESSEL", f"{last.value}:{text}", last.at)
            return
        if last.kind == "FUNC" and last.value in ("polygamma",):
            self.out[-1] = Piece("BESSEL", f"polygamma:{text}", last.at)
            return
        if last.kind == "INDICATOR" or (
            last.kind == "NUM" and last.value == "1" and _compares(text)
        ):
            self.out[-1] = Piece("INDICATOR", last.value, last.at)
            self.position = at + 1
            return
        if last.kind in ("NUM", "RB") and self._below_power(plain):
            return
        if last.kind not in ("NAME", "TEXT") or len(plain) > 24:
            raise self.error("a subscript stands behind a name", at)
        self.out[-1] = Piece(last.kind, f"{last.value}_{plain}", last.at)

    def _positive_part(self) -> bool:
        """[u]_+ is max(u, 0); behind a function's brackets it has two readings."""
        index, depth = len(self.out) - 1, 0
        while True:
            depth += (self.out[index].kind == "RP") - (self.out[index].kind == "LP")
            if depth == 0:
                break
            if depth == 1 and self.out[index].kind == "COMMA":
                return False
            index -= 1
        start, end = self.out[index], self.out[-1]
        if index and self.out[index - 1].kind in ("FUNC", "POW", "BESSEL"):
            return False
        self.out[-1:] = [Piece("COMMA", ",", end.at), Piece("NUM", "0", end.at), end]
        self.out.insert(index, Piece("FUNC", c.FUNCTIONS["max"], start.at))
        return True

    def _below_power(self, plain: str) -> bool:
        """x^2_i is the square of x_i; the 2 of a norm says nothing of a single number."""
        index = len(self.out) - 1
        if self.out[index].kind == "RB":
            while index and self.out[index].kind != "LB":
                index -= 1
        if index < 2 or self.out[index - 1].kind != "POW":
            return False
        base = self.out[index - 2]
        if base.kind == "NAME":
            self.out[index - 2] = Piece("NAME", f"{base.value}_{plain}", base.at)
        return base.kind == "NAME" or (base.kind == "RBAR" and plain in ("1", "2"))


def _compares(text: str) -> bool:
    return re.search(r"[<>=≤≥]|\\(?:le|ge|lt|gt|ne|in)(?:q|qslant|slant)?\b", text) is not None


def pieces(text: str, where: str) -> list[Piece]:
    """The tokens of a LaTeX text. BadInput, with the column, for what is not read."""
    return Lexer(text, where).pieces()
