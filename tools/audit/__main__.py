"""python -m tools.audit [PACKAGE …]: judges the implementations of subjects.toml, a line each.

Without a package all of them, and the table is written to docs/field.md. What is not installed is
said; nothing is fetched: pip install 'derive-losses[field]' brings what PyPI has.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from derive.definitions.find import find
from derive.errors import DeriveError
from derive.verification.callables.call import Call
from derive.verification.callables.findings import Judgement
from derive.verification.callables.judge import judge
from tools.audit.page import page

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "field.md"


@dataclass(frozen=True)
class Subject:
    """One function of a package, and what it is meant to be."""

    package: str
    subject: str
    loss: str
    quantity: str = "loss"
    call: str = ""
    beside: str = ""
    library: str = "arrays"
    each: bool = False
    at: Mapping[str, float] | None = None

    @property
    def id(self) -> str:
        return f"{self.subject} as {self.quantity} of {self.loss}"

    @property
    def is_installed(self) -> bool:
        module = self.subject.partition(":")[0].partition(".")[0]
        return (
            find_spec(self.package.replace("-", "_") if module == "tools" else module) is not None
        )

    def judged(self) -> dict[str, Any]:
        """The row of the table, as plain data."""
        at = dict(self.at or {})
        call = None
        if self.call:
            target = (self.beside,) if self.beside else ()
            gradient = self.quantity.startswith("d_") and self.library != "arrays"
            call = Call(
                self.library, (), expression=self.call, letters=(*at, *target), each=self.each,
                beside=target, gradient=gradient,
            )  # fmt: skip
        start = time.monotonic()
        try:
            found = judge(self.subject, find(self.loss), self.quantity, at, call=call)
        except DeriveError as trouble:
            found = Judgement(self.id, "unknown", "unknown", str(trouble))
        row = json.loads(found.to_json())
        return {
            **row, "id": self.id, "package": self.package, "version": version(self.package),
            "subject": self.subject, "loss": self.loss, "quantity": self.quantity, "at": at,
            "seconds": round(time.monotonic() - start, 1),
        }  # fmt: skip


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def subjects(packages: Sequence[str] = ()) -> list[Subject]:
    """Those of some packages, or all."""
    table = tomllib.loads((HERE / "subjects.toml").read_text(encoding="utf-8"))
    found = [Subject(**entry) for entry in table["subject"]]
    return [s for s in found if not packages or s.package in packages]


def rows(chosen: Sequence[Subject], kept: Path | None) -> Iterator[dict[str, Any]]:
    """Every subject judged; what `kept` has of the same version is not judged again."""
    known = {}
    if kept is not None and kept.exists():
        known = {(r["id"], r["version"]): r for r in map(json.loads, kept.open(encoding="utf-8"))}
    for one in chosen:
        if not one.is_installed:
            print(f"{one.package} is not installed: {one.id}", flush=True)
            continue
        row = known.get((one.id, version(one.package)))
        if row is None:
            row = one.judged()
            print(f"{row['verdict']:<8} {one.id}: {row['detail']}", flush=True)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
        yield row


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    parser.add_argument("packages", nargs="*", help="names on PyPI; default: all")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="go on from what it holds")
    given = parser.parse_args(arguments)
    found = list(rows(subjects(given.packages), given.keep))
    if not given.packages:
        PAGE.write_text(page(found), encoding="utf-8")
        print(f"{PAGE.name} written: {len(found)} functions")
    return 3 if any(row["verdict"] == "unknown" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
