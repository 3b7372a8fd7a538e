"""Emitted files as black boxes: imported in a child process, fed with arrays, results collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.samples import Sample
from derive.verification.process import Child
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


class Runner(Child):
    """A child process that keeps its modules between questions. Use as a context manager.

    root: the folder that holds the folders of all targets; modules are named from there.
    """

    def __init__(self, root: Path, tensors: bool = False, seconds: float = SECONDS) -> None:
        super().__init__(CHILD, (str(root), str(GIBIBYTES)), seconds)
        self.tensors = tensors

    def functions(self, modules: Sequence[str]) -> Functions:
        """The public names of some modules."""
        found: dict[str, str] = {}
        for module in modules:
            reply, _ = self.ask({"module": module, "function": None}, ())
            if "names" not in reply:
                return Functions(error=f"{module}: {reply['error']}")
            for name in reply["names"]:
                found.setdefault(str(name), module)
        return Functions(found)

    def run(self, route: Route, sample: Sample) -> Outcome:
        """One quantity of a module at every point of a sample."""
        columns = [np.ascontiguousarray(c, dtype=np.float64) for c in sample.columns.values()]
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
        reply, values = self.ask(request, [column.tobytes() for column in columns])
        if "error" in reply:
            return Outcome(None, error=str(reply["error"]))
        if len(values) != len(sample):
            return Outcome(None, error=f"{len(values)} values for {len(sample)} inputs")
        fault = str(reply["warning"]) and f"a warning escapes ({reply['warning']})"
        if reply["dtype"] != sample.dtype:
            fault = f"{sample.dtype} went in and {reply['dtype']} came out"
        return Outcome(values, fault=fault)


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
