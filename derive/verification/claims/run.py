"""A claims file judged, claim by claim, each within its limits; and what is told of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from os import cpu_count
from pathlib import Path
from threading import local
from typing import Any

from derive.definitions.lossfile import toml_text
from derive.errors import BadInput, Refuted, Undecided
from derive.verification.claims.file import parse_claims
from derive.verification.claims.judge import proved, searched
from derive.verification.claims.limited import OutOfTime, Worker
from derive.verification.claims.terms import Verdict
from derive.verification.shown import COLOURS, Paint, plain, wrapped

SECONDS = 35.0  # for the search of a counterexample to one claim
PROOF_SECONDS = 25.0  # for the search of its proof
READING = 30.0  # for a whole file
WORKERS = min(4, cpu_count() or 1)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict."""

    id: str
    source: str
    says: str
    loss: str
    where: str
    verdict: Verdict
    corrects: str = ""
    instead: str = ""

    def row(self) -> dict[str, Any]:
        """What `--json` prints."""
        v = self.verdict
        return {
            "id": self.id, "verdict": v.verdict, "method": v.method,
            "witness": None if v.witness is None else dict(v.witness), "detail": v.detail,
        }  # fmt: skip


@dataclass(frozen=True)
class ClaimsReport:
    rows: tuple[Judged, ...]

    @property
    def exit_code(self) -> int:
        """0 where every claim is proved or agrees; 1 where one is refuted; 3 otherwise."""
        verdicts = {row.verdict.verdict for row in self.rows}
        if "refuted" in verdicts:
            return Refuted.exit_code
        return Undecided.exit_code if "unknown" in verdicts else 0

    def to_json(self) -> str:
        return json.dumps([row.row() for row in self.rows], indent=1, ensure_ascii=False)

    def to_text(self, explain: bool, width: int = 80, paint: Paint = plain) -> str:
        """One line a claim; what refutes it, or how it is proved, below."""
        broad = max(len(row.id) for row in self.rows)
        lines = []
        for row in self.rows:
            v = row.verdict
            head = f"{v.verdict:<8} {row.id:<{broad}}  {row.says}{_where(row.where)}"
            lines += [paint(line, COLOURS[v.verdict]) for line in wrapped(head, width, 0, 9)]
            if v.verdict != "proved" or explain:
                lines += wrapped(f"{v.method}: {v.detail}" if v.detail else v.method, width, 9, 11)
            if explain:
                lines += [line for step in v.steps for line in wrapped(step, width, 11, 13)]
        counts = Counter(row.verdict.verdict for row in self.rows)
        shown = ", ".join(f"{name} {counts[name]}" for name in COLOURS)
        lines += wrapped(f"{len(self.rows)} claims: {shown}", width)
        lines += wrapped(self._next(counts, explain), width)
        return "\n".join(lines)

    def _next(self, counts: Counter[str], explain: bool) -> str:
        if counts["refuted"]:
            return "next: put the numbers of a witness in by hand; --json has them all"
        if counts["unknown"]:
            return "next: narrow what was not decided, by a condition in 'where'"
        return "" if explain else "next: --explain prints how each was decided"


def _where(text: str) -> str:
    return f"  where {text}" if text else ""


def judge_file(path: Path, seed: int = 0, progress: Progress | None = None) -> ClaimsReport:
    """Every claim of a file, judged in child processes. BadInput: nothing was judged."""
    given = {"text": toml_text(path), "name": path.name, "folder": str(path.parent)}
    with Worker() as reader:
        listed = reader.ask("claims", given, READING)
    threads, workers = local(), []

    def one(index: int) -> Judged:
        if not hasattr(threads, "worker"):
            threads.worker = Worker()
            workers.append(threads.worker)
        entry = listed[index]
        if progress is not None:
            progress(entry["id"], index, len(listed))
        try:
            verdict = _decided(threads.worker, {**given, "index": index, "seed": seed})
        except BadInput:
            raise
        except Undecided as trouble:
            verdict = Verdict("unknown", "limits of time and memory", str(trouble))
        return Judged(verdict=verdict, **entry)

    try:
        with ThreadPoolExecutor(min(WORKERS, len(listed))) as pool:
            return ClaimsReport(tuple(pool.map(one, range(len(listed)))))
    finally:
        for worker in workers:
            worker.end()


def _decided(worker: Worker, given: Mapping[str, Any]) -> Verdict:
    """The search for a counterexample, then that for a proof, each within its limit."""
    try:
        found = _verdict(worker.ask("claim", given, SECONDS))
    except OutOfTime as trouble:
        found = Verdict("unknown", "limits of time and memory", str(trouble))
    if found.verdict == "refuted":
        return found
    try:
        proof = worker.ask("proof", given, PROOF_SECONDS)
    except OutOfTime:
        return found
    return found if proof is None else _verdict(proof)


def _verdict(found: Mapping[str, Any]) -> Verdict:
    return Verdict(**{**found, "steps": tuple(found["steps"])})


# In the child


def listed_claims(given: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """The claims of a text, read and found well formed."""
    return [
        {
            "id": c.id,
            "source": c.source,
            "says": c.says,
            "loss": c.loss.name,
            "where": c.where_text,
            "corrects": c.corrects,
            "instead": c.instead,
        }
        for c in parse_claims(given["text"], given["name"], Path(given["folder"]))
    ]


def judged_claim(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The verdict on one claim of a text."""
    claims = parse_claims(given["text"], given["name"], Path(given["folder"]), given["index"])
    return asdict(searched(claims[0], given["seed"]))


def proved_claim(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The proof of one claim of a text, if there is one."""
    claims = parse_claims(given["text"], given["name"], Path(given["folder"]), given["index"])
    found = proved(claims[0])
    return None if found is None else asdict(found)
