"""The verdict table of a claims file: what holds, holds with a correction, or is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.verification.claims.run import ClaimsReport, Judged

HEAD = """# What five documents say

Made from `seeds.toml` by `python -m derive.verification.claims`; do not edit. Every statement is
judged by the tool: searched for a counterexample, then for a proof. *Holds* is a proof that covers
the whole domain, or (said so) agreement at the points that were looked at.

The documents: A and B, a recorded lecture on loss functions in Chinese and English; C, an article
on the general adaptive robust loss; D, a lesson of a course on PyTorch; E, an overview of loss
functions.
"""
HOLDS, CORRECTED, WRONG, OPEN = "holds", "holds with a correction", "wrong", "undecided"


def page(report: ClaimsReport) -> str:
    """The page as Markdown."""
    corrections = {name: row for row in report.rows if (name := row.corrects or row.instead)}
    statements = [row for row in report.rows if not (row.corrects or row.instead)]
    lines = [HEAD, _counts(statements, corrections), ""]
    lines += ["| statement | where it is said | verdict | how, and what is right |",
              "| --- | --- | --- | --- |"]  # fmt: skip
    for row in statements:
        lines.append(_line(row, corrections.get(row.id)))
    return "\n".join(lines) + "\n"


def verdict_of(row: Judged, correction: Judged | None) -> str:
    """The word for a statement, given the claim that puts it right."""
    verdict = row.verdict.verdict
    if verdict in ("proved", "agrees"):
        return HOLDS
    if verdict == "unknown":
        return OPEN
    if correction is None or correction.instead:
        return WRONG
    return CORRECTED if correction.verdict.verdict in ("proved", "agrees") else WRONG


def _counts(rows: Sequence[Judged], corrections: Mapping[str, Judged]) -> str:
    words = [verdict_of(row, corrections.get(row.id)) for row in rows]
    parts = [f"{words.count(word)} {word}" for word in (HOLDS, CORRECTED, WRONG, OPEN)
             if word in words]  # fmt: skip
    return f"{len(rows)} statements: {', '.join(parts)}."


def _line(row: Judged, correction: Judged | None) -> str:
    says = f"`{_plain(row.says)}`" + (f" where `{_plain(row.where)}`" if row.where else "")
    word = verdict_of(row, correction)
    told = _told(row)
    if correction is not None and word in (CORRECTED, WRONG):
        condition = f" where `{_plain(correction.where)}`" if correction.where else ""
        lead = "right" if word == CORRECTED else "what holds instead"
        told += f"; {lead} is `{_plain(correction.says)}`{condition} ({_told(correction)}): "
        told += _plain(correction.source)
    subject = "" if row.loss == "formula" else f" ({row.loss})"
    return f"| {says}{subject} | {_plain(row.source)} | {word} | {told} |"


def _told(row: Judged) -> str:
    verdict = row.verdict
    if verdict.verdict == "proved":
        return f"proved: {_plain(verdict.method)}"
    if verdict.verdict == "agrees":
        return _plain(verdict.detail.partition(":")[0])
    return _plain(verdict.detail)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
