"""What long work says while it goes on: nothing, or one moving line on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO


@dataclass(frozen=True)
class Row:
    """A line of the closing table: a loss, what was derived, where it went, its worst error.

    lossy: what no form was found for that keeps its digits.
    """

    loss: str
    derived: str
    written_to: str
    worst: str
    lossy: tuple[str, ...] = ()


class Progress:
    """Follows the work and shows nothing; a context manager."""

    def __init__(self, on_ready: Callable[[Sequence[Row]], None] | None = None) -> None:
        self._on_ready = on_ready

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` steps are over, and `what` is being worked on."""

    def ready(self, rows: Sequence[Row]) -> None:
        """All is derived, rendered and validated; called once, before anything is written.

        The rows are printed here, so that an output that cannot be written to stops the run
        while the files are still as they were.
        """
        if self._on_ready is not None:
            self._on_ready(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""


class TerminalProgress(Progress):
    """A bar and the current step on one line, gone when the work is over."""

    def __init__(
        self, stream: TextIO, on_ready: Callable[[Sequence[Row]], None] | None = None
    ) -> None:
        super().__init__(on_ready)
        # Imported here: the answer to `--help` must not wait for it.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)

    def step(self, what: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=what, completed=done, total=total or None)

    def ready(self, rows: Sequence[Row]) -> None:
        self._bar.stop()
        super().ready(rows)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()


def progress_on(
    stream: TextIO | None, on_ready: Callable[[Sequence[Row]], None] | None = None
) -> Progress:
    """Progress for a stream: shown where that is a terminal which can move its cursor."""
    if stream is None or not stream.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return Progress(on_ready)
    return TerminalProgress(stream, on_ready)
