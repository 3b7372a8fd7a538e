"""Prose with formulas in it: |x| = delta, 1/x^3 and -2 are typeset, the rest means itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sympy import Symbol, oo

from derive.definitions.formula import read
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.views.latex import escape
from derive.views.latex.printer import Printer

_EDGES = re.compile(r"^(\(?)(.*?)(\)?[.,;:]*)$", re.DOTALL)
_RELATIONS: Mapping[str, str] = {
    "=": "=",
    "<": "<",
    ">": ">",
    "<=": r"\le",
    ">=": r"\ge",
    "->": r"\to",
}
_LONGEST = 8  # words that are one formula
# Words of English that may be letters of a loss too.
_ENGLISH = frozenset(("a", "A", "I", "x"))


def typeset(words: str, loss: Loss, printer: Printer) -> str:
    """Text as TeX; what reads as a formula over the letters of the loss is set as one."""
    found: list[str] = []
    for word in _whole(words.split(), loss, printer):
        text = _word(word, loss, printer)
        relation = found[-1] if found and found[-1].strip("$") in _RELATIONS.values() else ""
        if relation and len(found) > 1 and found[-2].endswith("$") and text.startswith("$"):
            left = found[-2].removesuffix("$")
            found[-2:] = [f"{left} {relation.strip('$')} {text[1:]}"]
        else:
            found.append(text)
    return " ".join(found)


def _whole(words: Sequence[str], loss: Loss, printer: Printer) -> Iterator[str]:
    """The words, a formula whose brackets hold spaces as one of them."""
    rest = list(words)
    while rest:
        count = next((k for k in range(2, _LONGEST) if _closes(rest[:k], loss, printer)), 1)
        yield "".join(rest[:count])
        del rest[:count]


def _closes(words: Sequence[str], loss: Loss, printer: Printer) -> bool:
    """Whether words are a formula together, of which the first opened a bracket."""
    first, whole = words[0], "".join(words)
    if first.count("(") <= first.count(")") or whole.count("(") != whole.count(")"):
        return False
    return _word(whole, loss, printer).startswith("$")


def _word(word: str, loss: Loss, printer: Printer) -> str:
    if word in _RELATIONS:
        return f"${_RELATIONS[word]}$"
    found = _EDGES.match(word)
    assert found is not None
    before, inner, after = found.groups()
    if before and not after.startswith(")") and ")" in inner:
        before, inner = "", before + inner
    if not before and after.startswith(")") and "(" in inner:
        inner, after = inner + ")", after[1:]
    names = {v.name: v for v in loss.variables}
    if inner in names and after.startswith(":"):  # what follows says what the letter is
        return f"${printer.inline(names[inner])}${escape.text(after)}"
    formula = _formula(inner, loss, printer)
    return escape.text(word) if formula is None else f"{before}${formula}${escape.text(after)}"


def _formula(word: str, loss: Loss, printer: Printer) -> str | None:
    letters: dict[str, Symbol] = {v.name: v for v in (*loss.variables, *loss.where)}
    if word in ("inf", "-inf"):
        return printer.inline(oo if word == "inf" else -oo)
    if word in letters:
        return (
            None
            if word in _ENGLISH and word != loss.residual.name
            else printer.inline(letters[word])
        )
    if not re.search(r"[\^|*/]|^-\d", word) or not re.fullmatch(r"[\w^|*/+().-]+", word):
        return None
    bars = word.split("|")
    if len(bars) % 2 == 0 or len(bars) > 5:
        return None
    plain = "".join(
        part + ("" if k == len(bars) - 1 else "abs(" if k % 2 == 0 else ")")
        for k, part in enumerate(bars)
    )
    try:
        return printer.inline(read(plain.replace("^", "**"), letters, "prose"))
    except (BadInput, KeyError):
        return None
