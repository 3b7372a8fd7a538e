"""Work with limits on time and memory, in a process of its own that is ended when they run out."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from derive import errors
from derive.errors import EnvironmentTrouble, Undecided
from derive.verification.process import patience

MEMORY = 2 << 30
ERRORS: Mapping[str, type[errors.DeriveError]] = {
    name: getattr(errors, name)
    for name in ("BadInput", "Undecided", "EnvironmentTrouble", "Refuted")
}  # fmt: skip


class OutOfTime(Undecided):
    """The limit of time ran out, or the process ended before it answered."""


class Worker:
    """One child process, started when first needed and again after it had to be ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.end()

    def ask(self, task: str, given: Mapping[str, Any], seconds: float) -> Any:
        """The answer of the child. OutOfTime, or the error that it met."""
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"task": task, "given": given}) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=seconds * patience())
        except queue.Empty:
            self.end()
            raise OutOfTime(f"not decided within {seconds:g} s") from None
        except OSError as trouble:
            self.end()
            raise EnvironmentTrouble(f"the judge's process: {trouble.strerror}") from None
        if line is None:
            self.end()
            limit = MEMORY >> 30
            raise OutOfTime(f"the judge's process ended (limit {limit} GiB of memory)")
        found = json.loads(line)
        if "error" in found:
            kind = ERRORS.get(found["error"])
            if kind is None:
                raise Undecided(f"a fault of the judge's own: {found['message']}")
            raise kind(found["message"])
        return found["answer"]

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            package = str(Path(__file__).resolve().parents[3])
            paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
            environment = {
                **os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
            }  # fmt: skip
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "derive.verification.claims.child"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, encoding="utf-8", env=environment,
            )  # fmt: skip
            self._lines = queue.Queue()
            threading.Thread(target=_pump, args=(self._process, self._lines), daemon=True).start()
        return self._process

    def end(self) -> None:
        """End the child, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(line)
    except ValueError:  # the pipe was closed under us
        pass
    lines.put(None)
