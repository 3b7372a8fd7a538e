"""Stands in for derive.pipeline and derive.showing: records calls, writes with the real writer.

Run as a program it is `derive` with this pipeline: `fake_pipeline.py regenerate …`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from derive.errors import BadInput
from derive.output import writer
from derive.progress import Progress

TREE = {"for_numpy/huber.py": "# huber\n", "for_numpy/barron.py": "# barron\n"}


@dataclass(frozen=True)
class Row:
    loss: str
    derived: str
    written_to: str
    worst: str
    lossy: tuple[str, ...] = ()


ROWS = (
    Row("huber", "density", "for_numpy, for_torch", "1.2 ULP"),
    Row("barron", "10 limits confirmed, density for alpha >= 0", "for_numpy, for_torch", "9 ULP"),
)


@dataclass(frozen=True)
class Outcome:
    rows: tuple[Row, ...] = ROWS
    changed: tuple[str, ...] = ()
    up_to_date: bool = False
    difference: str = ""


@dataclass(frozen=True)
class Report:
    holds: bool = True
    undecided: bool = False
    rows: tuple[Row, ...] = ()

    @property
    def exit_code(self) -> int:
        return 1 if not self.holds else 3 if self.undecided else 0

    def table(self) -> str:
        return "the table\n"

    def to_json(self) -> str:
        return '[{"verdict": "agrees"}]'


class Fake(ModuleType):
    """The pipeline's functions; `answer` and `raises` are set by a test."""

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__("derive.pipeline")
        self.called: dict[str, Any] = {}
        self.raises: BaseException | None = None
        self.report = Report()
        self.announce = True
        self.pause = pause

    def _note(self, **given: object) -> None:
        self.called = given
        if self.raises is not None:
            raise self.raises

    def regenerate(self, subjects: Any, *, progress: Progress, **options: Any) -> Outcome:
        self._note(subjects=subjects, **options)
        if "none" in subjects:
            raise BadInput("none: no such loss; see derive list")
        for number in range(5):
            progress.step("[bold]huber", number, 5)
            time.sleep(self.pause / 5)
        root = options["out"] or Path("generated")
        if options["check"]:
            return Outcome(difference=writer.check(TREE, root).diff_text)
        if self.announce:
            progress.ready(ROWS)
        written = writer.write(
            TREE, root, force=options["force"], follow=options["follow"], partial=bool(subjects)
        )
        return Outcome(changed=written.changed, up_to_date=not written.changed)

    def show(self, subject: str) -> str:
        self._note(subject=subject)
        return "ρ(x) = …"

    def latex(self, subjects: Any, out: Path | None, progress: Progress, **_: Any) -> str:
        self._note(subjects=subjects, out=out)
        return "\\rho"

    def verify(self, subjects: Any, *, progress: Progress, **options: Any) -> Report:
        self._note(subjects=subjects, **options)
        return self.report

    def shown(self, report: Report, width: int, paint: Any) -> str:
        return "the table\n"

    def plot(self, subjects: Any, out: Path | None, progress: Progress, **_: Any) -> Path:
        self._note(subjects=subjects, out=out)
        return out or Path(f"{subjects[0]}.png")


if __name__ == "__main__":
    import derive
    from derive import cli
    from derive.cli import main

    cli.recorded = lambda _: None  # what the pipeline says is asked for
    fake = Fake(pause=float(sys.argv[1]))
    for name in ("pipeline", "showing"):
        sys.modules[f"derive.{name}"] = fake
        setattr(derive, name, fake)
    main(sys.argv[2:])
