"""A formula of somebody else judged: read in a child process, and what is told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sympy import Expr

from derive.definitions.find import find
from derive.definitions.formula import read
from derive.definitions.loss import Loss
from derive.errors import BadInput, Refuted, Undecided
from derive.verification.claims.cover import covers
from derive.verification.claims.limited import OutOfTime, Worker
from derive.verification.claims.reader import read_term
from derive.verification.formulas.classwise import compare_classwise
from derive.verification.formulas.compare import compare
from derive.verification.formulas.reader import Reading, read_latex
from derive.verification.formulas.told import Comparison
from derive.verification.quantities import quantities
from derive.verification.report import REFUTED
from derive.verification.shown import COLOURS, Paint, plain, wrapped

SECONDS = 55.0
MORE_LETTERS = 3  # such as a target beside the prediction, or a scale in two letters
LOGISTIC = re.compile(r"\\sigma\s*(\\left|\\[bB]igg?l?)?\s*[(\[]")
DENSITIES = ("log_partition", "density", "log_density")


@dataclass(frozen=True)
class FormulaReport:
    """One comparison; `exact` makes another convention a difference."""

    found: Comparison
    exact: bool

    @property
    def exit_code(self) -> int:
        relation = self.found.relation
        if relation == "different" or (relation == "up to" and self.exact):
            return Refuted.exit_code
        return Undecided.exit_code if relation == "unknown" else 0

    def to_json(self) -> str:
        row = {
            "relation": self.found.relation, "map": self.found.map,
            "verdict": self.found.verdict, "method": self.found.method,
            "witness": self.found.witness, "detail": self.found.detail,
            "letters": self.found.letters,
        }  # fmt: skip
        return json.dumps(row, indent=1, ensure_ascii=False)

    def to_text(self, width: int = 80, paint: Paint = plain) -> str:
        """The relation first, then what it rests on."""
        found = self.found
        colour = COLOURS[REFUTED if self.exit_code == Refuted.exit_code else found.verdict]
        lines = wrapped(f"{found.relation}: {found.detail}", width, 0, 2)
        return "\n".join(
            [paint(line, colour) for line in lines] + wrapped(found.method, width, 2, 4)
        )


def judge_formula(
    text: str, loss: str, quantity: str, *, is_latex: bool, exact: bool, seed: int = 0
) -> FormulaReport:
    """The relation of a text to a quantity of a loss, within limits of time and memory."""
    given = {"text": text, "loss": loss, "quantity": quantity, "latex": is_latex, "seed": seed}
    with Worker() as worker:
        try:
            found = worker.ask("formula", given, SECONDS)
        except OutOfTime as trouble:
            found = asdict(Comparison("unknown", "unknown", "limits of time and memory",
                                      str(trouble)))  # fmt: skip
    return FormulaReport(Comparison(**found), exact)


def judged_formula(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """In the child: read, checked for cover, compared."""
    loss = find(given["loss"])
    quantity = given["quantity"]
    if quantity not in (*quantities(loss), *DENSITIES):
        known = ", ".join((*quantities(loss), *DENSITIES))
        raise BadInput(f"{loss.name} has no quantity {quantity[:40]!a}; it has {known}")
    if loss.kind == "classwise":
        return asdict(_over_classes(given, loss))
    if given["latex"] and loss.predictions:
        _no_logistic_function(given["text"])
    reading = read_latex(given["text"]) if given["latex"] else _plain(given["text"], loss)
    where = "latex" if given["latex"] else "formula"
    for formula in reading.formulas:
        covers(formula, where)
        letters = sorted(s.name for s in formula.free_symbols)
        if len(letters) > len(loss.variables) + MORE_LETTERS:
            shown = ", ".join(letters)[:80]
            raise BadInput(f"{where}: more letters than {loss.name} has a meaning for: {shown}")
    ours = read_term(quantity, loss, "quantity")
    found = [
        compare(reading, f, loss, quantity, ours, given.get("seed", 0)) for f in reading.formulas
    ]
    if len({c.relation for c in found}) > 1:
        shown = ", ".join(c.relation for c in found)
        raise BadInput(f"{where}: the sides of the text's = are not the same ({shown})")
    return asdict(found[-1])


def _no_logistic_function(text: str) -> None:
    """Beside a score \\sigma(z) is as a rule a function, and nothing says so."""
    found = LOGISTIC.search(text)
    if found:
        raise BadInput(
            f"latex, column {found.start() + 1}: \\sigma(...) is a product or the logistic "
            "function; write \\sigma\\cdot(...) or \\frac{1}{1+e^{-z}}"
        )


def _over_classes(given: Mapping[str, Any], loss: Loss) -> Comparison:
    """A text about a loss over classes, in the grammar and the letters of loss files."""
    if given["latex"]:
        raise BadInput(f"{loss.name} is over classes: write its formula for --formula, with sum()")
    if given["quantity"] != "loss":
        raise BadInput(f"{loss.name} is over classes: of these only the loss itself is judged")
    return compare_classwise(_plain(given["text"], loss).formulas[0], loss, given.get("seed", 0))


def _plain(text: str, loss: Loss) -> Reading:
    formula: Expr = read(text, {v.name: v for v in loss.variables}, "formula")
    return Reading((formula,))
