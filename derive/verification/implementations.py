"""Emitted files as black boxes: imported in a child process, fed with arrays, results collected."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.samples import Sample
from derive.verification.targets import TargetFiles

CHILD = Path(__file__).with_name("child.py")
SECONDS = 120.0
GIBIBYTES = 8


@dataclass(frozen=True)
class Route:
    """One way to ask a module for a quantity.

    numbers: parameters as Python numbers, group by group; else as arrays.
    output: which element of a tuple; autograd: by PyTorch's autograd, in this variable.
    """

    module: str
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


@dataclass(frozen=True)
class Functions:
    """Public names, each with the module that has it first; or why a module was not imported."""

    modules: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


class Runner:
    """A child process that keeps its modules between questions. Use as a context manager.

    root: the folder that holds the folders of all targets; modules are named from there.
    """

    def __init__(self, root: Path, tensors: bool = False, seconds: float = SECONDS) -> None:
        self.root, self.tensors, self.seconds = root, tensors, seconds
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

    def functions(self, modules: Sequence[str]) -> Functions:
        """The public names of some modules."""
        found: dict[str, str] = {}
        for module in modules:
            reply, _ = self._ask({"module": module, "function": None}, [])
            if "names" not in reply:
                return Functions(error=f"{module}: {reply['error']}")
            for name in reply["names"]:
                found.setdefault(str(name), module)
        return Functions(found)

    def run(self, route: Route, sample: Sample) -> Outcome:
        """One quantity of a module at every point of a sample."""
        columns = list(sample.columns.values())
        request = {
            "module": route.module,
            "function": route.function,
            "tensors": self.tensors,
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
            command = [sys.executable, "-P", str(CHILD), str(self.root), str(GIBIBYTES)]
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


class Runners:
    """A child process for each kind of call, started when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._started: dict[bool, Runner] = {}

    def of(self, target: TargetFiles) -> Runner:
        if target.tensors not in self._started:
            self._started[target.tensors] = Runner(self.root, target.tensors)
        return self._started[target.tensors]

    def __del__(self) -> None:
        for runner in self._started.values():
            runner.close()


def installed(library: str) -> bool:
    """Whether a library can be imported by this Python; it is not imported here."""
    return find_spec(library) is not None
