"""The paper's letters: how symbols and quantities are written, without two meaning the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from derive.definitions.loss import Loss
from derive.definitions.names import letter as check
from derive.views.latex import escape

PAPER = {"scale": "c", "eps": r"\epsilon", "lam": r"\lambda", "df": r"\nu"}
GREEK = frozenset(escape.GREEK_LETTERS) | frozenset(
    ("varepsilon", "vartheta", "varphi", "varrho", "varsigma", "varkappa")
)
# A longer name would fill the line: it gets a letter, and the list of variables tells which.
LONGEST_NAME = 16
LETTERED = r"\vartheta"

QUANTITIES = {
    "loss": (r"\rho", r"\varrho", r"\mathcal{R}"),
    "d_x": (r"\psi", r"\varphi", r"\mathcal{S}"),
    "weight": ("w", r"\omega", r"\mathcal{W}"),
    "Z": ("Z", r"\mathcal{Z}"),
    "density": ("p", "f", r"\mathcal{P}"),
    "bound": ("X", "R", r"\mathcal{X}"),
}
SHORT_NAMES = ("q", "v", "r", "t", "k", "h", "g", r"\mathcal{Q}")


@dataclass(frozen=True)
class Letters:
    """symbols: by a symbol's name; quantities: by the words of QUANTITIES; short: letters left
    for sub-expressions that a long formula needs names for."""

    symbols: Mapping[str, str]
    quantities: Mapping[str, str]
    short: tuple[str, ...]


def letters(loss: Loss, chosen: Mapping[str, str] | None = None) -> Letters:
    """Letters for a loss; where two would coincide, the later ones step aside.

    chosen: by name, instead of those of the loss and the usual ones: `epsilon`, `nu`, `c_1`.
    """
    names = [v.name for v in (*loss.variables, *loss.where)]
    wanted = {**loss.symbols, **(chosen or {})}
    own = {name: _written(check(word)) for name, word in wanted.items() if name in names}
    symbols = _symbols(names, own)
    taken = set(symbols.values()) | {"e", r"\pi"}
    quantities: dict[str, str] = {}
    for word, choices in QUANTITIES.items():
        quantities[word] = _first_free(choices, taken)
        taken.add(quantities[word])
    return Letters(symbols, quantities, tuple(s for s in SHORT_NAMES if s not in taken))


def _first_free(choices: Iterable[str], taken: set[str]) -> str:
    free = [c for c in choices if c not in taken]
    return free[0] if free else tuple(choices)[-1]


def _symbols(names: list[str], chosen: Mapping[str, str]) -> dict[str, str]:
    written = {**{name: _written(name) for name in names}, **chosen}
    for name in names:
        if name in PAPER and name not in chosen and PAPER[name] not in written.values():
            written[name] = PAPER[name]
    long = [name for name in names if len(name) > LONGEST_NAME]
    for number, name in enumerate(long, 1):
        written[name] = f"{LETTERED}_{{{number}}}"
    for name in names:
        if list(written.values()).count(written[name]) > 1 or written[name] in ("e", r"\pi"):
            written[name] = _upright(name)
    return written


def _written(name: str) -> str:
    """alpha -> \\alpha, x -> x, x1 and x_1 -> x_{1}, lam -> \\mathrm{lam}."""
    stem, index = name, ""
    found = re.fullmatch(r"([A-Za-z]+?)_?([0-9]+)", name)
    if found:
        stem, index = found[1], f"_{{{found[2]}}}"
    if stem in GREEK:
        return rf"\{stem}{index}"
    if len(stem) == 1:
        return stem + index
    return _upright(stem) + index


def _upright(name: str) -> str:
    return rf"\mathrm{{{escape.text(name)}}}"
