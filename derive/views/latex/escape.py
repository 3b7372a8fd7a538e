"""Text of people inside TeX: it means itself, and reaches no control sequence of its own choice.

The result is plain ASCII, so it is the same for every engine and input encoding.
"""

from __future__ import annotations

import unicodedata

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "{''}",
    "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
# Two of these in a row would join into another character.
JOINING = frozenset("-',")

ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
LETTERS = {
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
    "–": "{--}", "—": "{---}", "‘": r"\textquoteleft{}", "’": "{'}", "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}", "…": r"\dots{}", "§": r"\S{}", "©": r"\copyright{}",
    "\u00a0": " ", "\u2010": "{-}", "\u2011": "{-}", "−": "$-$", "±": r"$\pm$", "×": r"$\times$",
    "·": r"$\cdot$", "∞": r"$\infty$", "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$",
    "→": r"$\to$", "²": "$^{2}$", "³": "$^{3}$", "∂": r"$\partial$", "√": r"$\surd$",
}  # fmt: skip
GREEK_LETTERS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
]
_UNICODE_NAME = {"lambda": "LAMDA", "Lambda": "LAMDA"}
GREEK = {
    unicodedata.lookup(
        f"GREEK {'CAPITAL' if word[0].isupper() else 'SMALL'} LETTER "
        f"{_UNICODE_NAME.get(word, word.upper())}"
    ): rf"$\{word}$"
    for word in GREEK_LETTERS
}

LONG_WORD = 24
STEP = 4


def text(words: str) -> str:
    """Any text as TeX that prints it; white space collapses, unknown characters print as U+XXXX."""
    composed = unicodedata.normalize("NFC", words)
    return " ".join(_word(word) for word in composed.split())


def _word(word: str) -> str:
    pieces = [_character(word, place) for place in range(len(word))]
    if len(word) > LONG_WORD:
        # A word longer than a line could not be broken otherwise.
        pieces = [
            piece + (r"\allowbreak{}" if place % STEP == STEP - 1 else "")
            for place, piece in enumerate(pieces)
        ]
    return "".join(pieces)


def _character(word: str, place: int) -> str:
    character = word[place]
    if character in JOINING and word[place + 1 : place + 2] == character:
        return f"{{{character}}}"
    if character in SPECIAL:
        return SPECIAL[character]
    if " " < character < "\x7f":
        return character
    if character in LETTERS or character in GREEK:
        return LETTERS.get(character) or GREEK[character]
    return _accented(character) or f"{{[}}U+{ord(character):04X}{{]}}"


def _accented(character: str) -> str | None:
    parts = unicodedata.normalize("NFD", character)
    if len(parts) != 2 or parts[1] not in ACCENTS:
        return None
    base, mark = parts[0], parts[1]
    if not (base.isascii() and base.isalpha()):
        return None
    dotless = rf"\{base}" if base in "ij" and mark != "\u0327" else base
    return rf"\{ACCENTS[mark]}{{{dotless}}}"
