"""What `derive verify` is asked about statements: claims files, formulas and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from derive.errors import BadInput, Refuted, Undecided
from derive.progress import Progress
from derive.statements import Statements
from derive.verification.claims.file import is_claims_file
from derive.verification.claims.run import ClaimsReport, judge_file
from derive.verification.formulas.run import judge_formula


def answer(
    subjects: Sequence[str], asked: Statements, seed: int, as_json: bool, progress: Progress
) -> tuple[str, int] | None:
    """(what to print, exit code), or None where nothing here was asked."""
    if asked.has_text:
        return _formula(subjects, asked, as_json)
    files = [Path(s) for s in subjects if s.endswith(".toml") and is_claims_file(Path(s))]
    if not files:
        return None
    if len(files) != len(subjects):
        raise BadInput("claims files are judged by themselves: name no losses beside them")
    rows = [row for path in files for row in judge_file(path, seed, progress.step).rows]
    report = ClaimsReport(tuple(rows))
    return (report.to_json() if as_json else report.to_text(asked.explain)), report.exit_code


def _formula(subjects: Sequence[str], asked: Statements, as_json: bool) -> tuple[str, int]:
    if subjects or (asked.formula is not None and asked.latex is not None):
        raise BadInput("one text is judged at a time: --formula or --latex, and no SUBJECT")
    if asked.loss is None:
        raise BadInput("--loss is missing: the loss that the text is compared with")
    text = asked.formula if asked.latex is None else asked.latex
    assert text is not None
    report = judge_formula(
        text, asked.loss, asked.quantity, is_latex=asked.latex is not None, exact=asked.exact
    )
    return (report.to_json() if as_json else report.to_text()), report.exit_code


def complaint(code: int) -> Refuted | Undecided | None:
    """The error that ends the command, by its exit code."""
    if code == Refuted.exit_code:
        return Refuted("something does not hold; the lines above say what")
    if code:
        return Undecided("something was not decided; the lines above say what")
    return None
