"""A child process that answers requests: a line of JSON and raw numbers each way, within limits."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from derive.definitions.floats import Floats

LATE = "no answer within"
GRACE = 2.0  # seconds for a process to end by itself
ENDED = "the process that ran it ended"


def patience() -> float:
    """How much longer than on a machine of its own a process may take: others use the cores too."""
    try:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):  # Windows
        return 1.0
    return min(max(load, 1.0), 8.0)


class Child:
    """Keeps what it imported between requests; started when first asked. A context manager.

    environment: variables of its own, beside those of this process.
    """

    def __init__(
        self, script: Path, arguments: Sequence[str], seconds: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.script, self.arguments, self.seconds = script, tuple(arguments), seconds
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def ask(
        self, request: dict[str, Any], raw: Sequence[bytes], seconds: float | None = None
    ) -> tuple[dict[str, Any], Floats]:
        """The reply, {"error": …} where the process died or took too long, and its numbers."""
        process, limit = self._started(), (seconds or self.seconds) * patience()
        token = secrets.token_hex(8)  # what others write to the pipe does not have it
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps({**request, "token": token}).encode() + b"\n")
            for piece in raw:
                process.stdin.write(piece)
            process.stdin.flush()
            line = process.stdout.readline()
            reply = json.loads(line) if line else None
            if not isinstance(reply, dict) or reply.get("token") != token:
                return {"error": self._death(timer, limit)}, np.empty(0)
            size = 8 * int(reply["count"])
            numbers = process.stdout.read(size) if size else b""
            if len(numbers) != size:
                return {"error": self._death(timer, limit)}, np.empty(0)
        except (BrokenPipeError, ValueError):
            return {"error": self._death(timer, limit)}, np.empty(0)
        finally:
            timer.cancel()
        return reply, np.frombuffer(numbers, dtype=np.float64)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # -P: the folder of the script must not shadow anybody's modules
            command = [sys.executable, "-P", str(self.script), *self.arguments]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL,
                env=None if self.environment is None else {**os.environ, **self.environment},
            )  # fmt: skip
        return self._process

    def _death(self, timer: threading.Timer, limit: float) -> str:
        late, code = timer.finished.is_set(), None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):  # it speaks no more, but runs
                code = self._process.wait(GRACE)
        self.close()
        if code == -getattr(signal, "SIGXCPU", 0):
            return f"{LATE} the processor time that a call may take"
        if late:
            return f"{LATE} {limit:.0f} s"
        said = "it does not answer as it should" if code is None else f"exit status {code}"
        return f"{ENDED} ({said})"
