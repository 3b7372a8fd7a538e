"""A verification as Python has it: rows of one kind, whatever was judged."""

from __future__ import annotations

import html
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from derive import pipeline
from derive.definitions.catalogue import NAMES, load
from derive.definitions.loss import Loss
from derive.progress import Progress

if TYPE_CHECKING:
    from derive.verification.callables.findings import Judgement
    from derive.verification.claims.run import ClaimsReport
    from derive.verification.formulas.run import FormulaReport
    from derive.verification.report import Report as FilesReport

PROVED, AGREES, REFUTED, UNKNOWN, SKIPPED = "proved", "agrees", "refuted", "unknown", "skipped"
# From what holds best to what does not hold.
RANK = (SKIPPED, PROVED, AGREES, UNKNOWN, REFUTED)
COLOURS = {REFUTED: "#b3261e", UNKNOWN: "#8a6100"}
WIDTH = 96
MOST_ROWS = 60


@dataclass(frozen=True)
class Verdict:
    """What was found about one thing. verdict: proved, agrees, refuted, unknown or skipped.

    witness: the inputs that refute it, what was expected there, and what came out. relation, map:
    of a formula or of code, how it is ours.
    """

    id: str
    verdict: str
    method: str
    detail: str = ""
    witness: Mapping[str, Any] | None = None
    relation: str = ""
    map: Mapping[str, Any] | None = None


@dataclass(frozen=True, repr=False)
class Report:
    """The rows of a verification, the command's text of them, and whether all of it holds.

    A report is true where everything holds, so that `assert derive.verify(…)` says it.

    >>> import derive
    >>> report = derive.verify(formula="x**2", loss="quadratic")
    >>> report.verdict, report.rows[0].relation
    ('proved', 'up to')
    """

    rows: tuple[Verdict, ...]
    text: str
    holds: bool

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return self.text

    @property
    def verdict(self) -> str:
        """The worst verdict of all rows; what was skipped does not count beside others."""
        return max((row.verdict for row in self.rows), key=RANK.index, default=UNKNOWN)

    def __repr__(self) -> str:
        if len(self.rows) == 1:
            (row,) = self.rows
            return f"<Report {row.verdict}: {row.relation or row.id}>"
        return f"<Report {self.verdict}: {self._counts()}>"

    def _counts(self) -> str:
        verdicts = [row.verdict for row in self.rows]
        told = [f"{v} {verdicts.count(v)}" for v in reversed(RANK) if v in verdicts]
        return f"{len(self.rows)} checks, {', '.join(told)}"

    def _repr_html_(self) -> str:
        """The rows as a table, the worst first."""
        ordered = sorted(self.rows, key=lambda row: -RANK.index(row.verdict))
        lines = [_as_row(row) for row in ordered[:MOST_ROWS]]
        more = len(ordered) - MOST_ROWS
        rest = f"<p>… and {more} more rows, none of them worse</p>" if more > 0 else ""
        head = "<tr><th>verdict</th><th>what</th><th>why</th></tr>"
        return f"<p>{self._counts()}</p><table>{head}{''.join(lines)}</table>{rest}"

    @classmethod
    def of_files(
        cls, losses: Sequence[Loss], folder: Path, seed: int, samples: int | None
    ) -> Report:
        """The emitted files of some losses against their definitions."""
        found = pipeline.judged(losses, folder, seed, samples, Progress())
        return _of_files(found)

    @classmethod
    def of_claims(cls, path: Path, seed: int) -> Report:
        """The claims of a file."""
        from derive.verification.claims.run import judge_file

        return _of_claims(judge_file(path, seed))

    @classmethod
    def of_formula(
        cls, text: str, loss: Loss, quantity: str, is_latex: bool, exact: bool, seed: int = 0
    ) -> Report:
        """A text as a quantity of a loss."""
        from derive.verification.formulas.run import judge_formula

        with _findable(loss) as name:
            found = judge_formula(text, name, quantity, is_latex=is_latex, exact=exact, seed=seed)
        return _of_formula(found, f"{quantity} of {loss.name}")

    @classmethod
    def of_code(
        cls,
        subject: Callable[..., Any] | str,
        loss: Loss,
        quantity: str,
        settings: Mapping[str, Any],
        exact: bool,
        seed: int = 0,
    ) -> Report:
        """A function, or MODULE:FUNCTION, as a quantity of a loss."""
        from derive.verification.callables.given import MODULE, named
        from derive.verification.callables.judge import judge

        values = {name: float(value) for name, value in settings.items()}
        with named(subject) as (name, folders):
            found = judge(name, loss, quantity, values, seed, folders=folders)
        if name.startswith(f"{MODULE}:"):  # nobody can import it later
            found = replace(found, script="")
        return _of_code(found, exact)


def _of_files(found: FilesReport) -> Report:
    rows = tuple(
        Verdict(
            row.id, SKIPPED if row.skipped else row.verdict, row.method, row.detail,
            {**row.witness, "expected": row.expected, "got": row.got} if row.witness else None,
        )
        for row in found.rows
    )  # fmt: skip
    text = pipeline.shown(found, WIDTH, lambda text, _colour: text)
    return Report(rows, text, found.holds)


def _of_claims(found: ClaimsReport) -> Report:
    rows = tuple(
        Verdict(
            row.id, row.verdict.verdict, row.verdict.method, row.verdict.detail, row.verdict.witness
        )
        for row in found.rows
    )
    return Report(rows, found.to_text(False), found.exit_code == 0)


def _of_formula(found: FormulaReport, what: str) -> Report:
    told = found.found
    row = Verdict(
        what, told.verdict, told.method, told.detail, told.witness, told.relation, told.map
    )
    return Report((row,), found.to_text(), found.exit_code == 0)


def _of_code(found: Judgement, exact: bool) -> Report:
    from derive.verification.callables.shown import shown

    row = Verdict(
        found.id, found.verdict, found.method, found.detail, found.witness, found.relation,
        found.map,
    )  # fmt: skip
    text = shown(found, WIDTH, lambda text, _colour: text)
    return Report((row,), text, found.exit_code(exact) == 0)


@contextmanager
def _findable(loss: Loss) -> Iterator[str]:
    """A name by which another process finds the loss."""
    if loss.name in NAMES and load(loss.name) is loss:
        yield loss.name
        return
    with TemporaryDirectory(prefix="derive-") as folder:
        path = Path(folder) / f"{loss.name}.py"
        path.write_text(f"from pickle import loads\n\nloss = loads({pickle.dumps(loss)!r})\n")
        yield str(path)


def _as_row(row: Verdict) -> str:
    colour = COLOURS.get(row.verdict, "inherit")
    verdict = f'<td style="color:{colour}">{row.verdict}</td>'
    witness = ", ".join(f"{k} = {v}" for k, v in (row.witness or {}).items())
    why = "; ".join(part for part in (row.relation, row.detail or row.method, witness) if part)
    return f"<tr>{verdict}<td>{html.escape(row.id)}</td><td>{html.escape(why)}</td></tr>"
