"""The scores of the judge, as the page docs/mutation.md: a row a loss, kept until it runs again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from derive.definitions.catalogue import NAMES

PAGE = Path(__file__).parent.parent.parent / "docs" / "mutation.md"
COLUMNS = (
    "formulas refuted", "rewrites without alarm", "numpy code refuted", "torch code refuted",
)  # fmt: skip
HEAD = """# The judge judged

What `python -m tools.mutation --record [LOSS …]` found. A mutant is a formula of the catalogue, or
an emitted function, that is wrong in one place: an operator, a constant by 0.01 %, a sign, a
parameter, a branch, a tail, one special value. All of them have to be refuted. A rewrite is the
same formula typed otherwise; none of them may be refuted. What is equal everywhere to 30 digits is
no mutant, nor is a change of the plumbing that cuts and joins arrays, nor one of emitted code that
keeps every promise at 80,000 points where it differs most from the file as it was (such as another
place at which two branches meet that are both exact there). The command names what survives. A loss
without a row has not been run since the page was begun.

"""


def record(loss: str, scores: Sequence[tuple[str, str]]) -> None:
    """Put the row of a loss in its place."""
    found = {**rows(), loss: [dict(scores).get(column, "") for column in COLUMNS]}
    ordered = sorted(found, key=lambda name: [*NAMES, name].index(name))
    table = [["loss", *COLUMNS], ["---"] * (1 + len(COLUMNS))]
    table += [[name, *found[name]] for name in ordered]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def rows() -> dict[str, list[str]]:
    if not PAGE.exists():
        return {}
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}
