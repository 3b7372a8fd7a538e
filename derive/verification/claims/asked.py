"""What `derive verify` is asked about statements: claims files, formulas and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from derive.errors import BadInput, Refuted, Undecided
from derive.progress import Progress
from derive.statements import Statements
from derive.verification.claims.file import is_claims_file
from derive.verification.claims.run import ClaimsReport, judge_file
from derive.verification.formulas.run import FormulaReport, judge_formula
from derive.verification.shown import Paint


def answer(
    subjects: Sequence[str], asked: Statements, progress: Progress
) -> ClaimsReport | FormulaReport | None:
    """The report, or None where nothing here was asked."""
    if asked.has_text:
        return _formula(subjects, asked)
    files = [Path(s) for s in subjects if s.endswith(".toml") and is_claims_file(Path(s))]
    if not files:
        return None
    if len(files) != len(subjects):
        raise BadInput("claims files are judged by themselves: name no losses beside them")
    rows = [row for path in files for row in judge_file(path, asked.seed, progress.step).rows]
    return ClaimsReport(tuple(rows))


def _formula(subjects: Sequence[str], asked: Statements) -> FormulaReport:
    if subjects or (asked.formula is not None and asked.latex is not None):
        raise BadInput("one text is judged at a time: --formula or --latex, and no SUBJECT")
    if asked.loss is None:
        raise BadInput("--loss is missing: the loss that the text is compared with")
    text = asked.formula if asked.latex is None else asked.latex
    assert text is not None
    return judge_formula(
        text, asked.loss, asked.quantity, is_latex=asked.latex is not None, exact=asked.exact,
        seed=asked.seed,
    )  # fmt: skip


def text_of(report: ClaimsReport | FormulaReport, explain: bool, width: int, paint: Paint) -> str:
    """A report for people."""
    if isinstance(report, ClaimsReport):
        return report.to_text(explain, width, paint)
    return report.to_text(width, paint)


def complaint(code: int) -> Refuted | Undecided | None:
    """The error that ends the command, by its exit code."""
    if code == Refuted.exit_code:
        return Refuted("something does not hold; the lines above say what")
    if code:
        return Undecided("something was not decided; the lines above say what")
    return None
