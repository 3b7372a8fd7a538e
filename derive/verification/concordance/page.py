"""The table as text: of one loss for the terminal, of all losses as a page."""

from __future__ import annotations

from collections.abc import Sequence

from derive.definitions.catalogue import NAMES, TITLES
from derive.verification.concordance.relation import in_words, relation
from derive.verification.concordance.table import Row, rows_of, table

ABOUT = """\
# What other libraries mean by a loss

Each row says what a library computes of a residual x (prediction minus target) in terms of our
losses: `2 * tukey at c = a` is twice our loss of that name with that c. Letters are the library's
own. *Proved*: the library's formula and ours are the same for every x and every value of the
letters, shown piece by piece, algebraically. *Asked*: the library itself was called, at the version
that is named, and gave these values; a test asks whatever is installed.

`derive show LOSS --concordance` prints the rows of one loss. The data are in
`derive/verification/concordance/table.toml`; this page is made from them by
`python -m derive.verification.concordance`.
"""


def cells(loss: str) -> list[list[str]]:
    """The rows of one loss, each proved again: library, relation, proof, whether it was asked."""
    return [
        [f"{r.library} {r.symbol}", in_words(r), _proof(relation(r).proved()), _asked(r)]
        for r in rows_of(loss)
    ]


def notes(loss: str) -> list[str]:
    """What is to be known beside the relations."""
    return [f"{r.library} {r.symbol}: {r.note}" for r in rows_of(loss) if r.note]


def page() -> str:
    """Every row, loss by loss, as Markdown."""
    rows = [(row, relation(row).proved()) for row in table()]
    proved = sum(found for _, found in rows)
    asked = sum(bool(row.call) for row, _ in rows)
    libraries = len({row.library for row, _ in rows})
    counts = f"{len(rows)} rows of {libraries} libraries: {proved} proved, {asked} asked."
    parts = [ABOUT, counts, ""]
    for name in NAMES:
        found = [(row, is_proved) for row, is_proved in rows if row.loss == name]
        if found:
            parts += [f"## {TITLES[name]} (`{name}`)", "", *_lines(found), ""]
    return "\n".join(parts).rstrip() + "\n"


def _lines(rows: Sequence[tuple[Row, bool]]) -> list[str]:
    lines = ["| library | computes | which is | | |", "| --- | --- | --- | --- | --- |"]
    for row, is_proved in rows:
        note = f" ({row.note})" if row.note else ""
        lines.append(
            f"| {row.library} `{row.symbol}` | `{row.formula}` | `{in_words(row)}`{note} "
            f"| {_proof(is_proved)} | {_asked(row)} |"
        )
    return lines


def _proof(is_proved: bool) -> str:
    return "proved" if is_proved else "not proved"


def _asked(row: Row) -> str:
    return f"asked, {row.version}" if row.call else "not asked"
