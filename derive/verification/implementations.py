"""Emitted files as black boxes: imported in a child process, fed with arrays, results collected."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.samples import Sample
from derive.errors import EnvironmentTrouble

CHILD = Path(__file__).with_name("child.py")
TARGETS = {"numpy": "numpy", "torch": "torch"}
SECONDS = 600.0


@dataclass(frozen=True)
class Route:
    """One way to ask a file for a quantity.

    numbers: parameters as Python numbers, group by group; else as arrays.
    output: which element of a tuple; autograd: by PyTorch's autograd, in this variable.
    """

    function: str
    numbers: bool
    output: int | None = None
    autograd: int | None = None

    @property
    def label(self) -> str:
        name = self.function if self.output is None else f"{self.function}[{self.output}]"
        how = "number parameters" if self.numbers else "array parameters"
        if self.autograd is not None:
            return f"autograd of {name}"
        return f"{name}, {how}"


@dataclass(frozen=True)
class Outcome:
    """What came out: values as float64, or an error; `fault` is what else was wrong."""

    values: Floats | None
    error: str = ""
    fault: str = ""


class Runner:
    """A child process that keeps its libraries between questions. Use as a context manager."""

    def __init__(self, target: str, seconds: float = SECONDS) -> None:
        self.target, self.seconds = target, seconds
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

    def names(self, file: Path) -> tuple[str, ...] | str:
        """The public names of a file, or the error that its import raised."""
        reply, _ = self._ask({"file": str(file), "function": None}, [])
        return tuple(reply["names"]) if "names" in reply else str(reply["error"])

    def run(self, file: Path, route: Route, sample: Sample) -> Outcome:
        """One quantity of a file at every point of a sample."""
        columns = list(sample.columns.values())
        request = {
            "file": str(file),
            "function": route.function,
            "target": self.target,
            "dtype": sample.dtype,
            "numbers": route.numbers,
            "output": route.output,
            "autograd": route.autograd,
            "groups": [len(g.x) for g in sample.groups],
            "columns": len(columns),
            "count": len(sample),
        }
        reply, values = self._ask(request, columns)
        if "error" in reply:
            return Outcome(None, error=str(reply["error"]))
        if len(values) != len(sample):
            return Outcome(None, error=f"{len(values)} values for {len(sample)} inputs")
        fault = str(reply["warning"]) and f"a warning escapes ({reply['warning']})"
        if reply["dtype"] != sample.dtype:
            fault = f"{sample.dtype} went in and {reply['dtype']} came out"
        return Outcome(values, fault=fault)

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # -P: the folder of child.py must not shadow anybody's modules
            command = [sys.executable, "-P", str(CHILD)]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
        return self._process

    def _ask(self, request: dict[str, Any], columns: list[Floats]) -> tuple[dict[str, Any], Floats]:
        process = self._start()
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(self.seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            for column in columns:
                process.stdin.write(np.ascontiguousarray(column, dtype=np.float64).tobytes())
            process.stdin.flush()
            line = process.stdout.readline()
            reply: dict[str, Any] = json.loads(line) if line else {"error": self._death()}
            raw = process.stdout.read(8 * int(reply.get("count", 0))) if line else b""
        except BrokenPipeError:
            return {"error": self._death()}, np.empty(0)
        finally:
            timer.cancel()
        return reply, np.frombuffer(raw, dtype=np.float64)

    def _death(self) -> str:
        self.close()
        return f"the process that ran it died, or took more than {self.seconds:.0f} s"


def installed(target: str) -> bool:
    """Whether the target's library can be imported by this Python."""
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({TARGETS[target]!r}) is None)"
    try:
        return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    except OSError as trouble:
        raise EnvironmentTrouble(f"cannot start {sys.executable}: {trouble}") from trouble
