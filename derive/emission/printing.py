"""The bodies of a file, printed: functions, regimes, helpers and the machinery that they call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from derive.emission import stored, wording
from derive.emission.printer import Printer
from derive.emission.target import Target
from derive.numerics.forms import StableForm
from derive.program.module import Assignment, Block, Case, Function, HelperFunction, Module


def split_functions(source: str) -> list[tuple[str, str]]:
    """The functions of a piece of source text, by name."""
    parts = source.split("\n\n\n")
    return [(part.removeprefix("def ").partition("(")[0], part) for part in parts]


@dataclass(frozen=True)
class Printing:
    """Everything of a module that is printed line by line."""

    module: Module
    form: StableForm
    target: Target

    def _printer(self, block: Block, varying: Sequence[str]) -> Printer:
        names = frozenset([*varying, *(a.name for a in block.assignments if a.varies)])
        helpers = frozenset(h.helper.name for h in self.module.helpers)
        arguments = ", ".join(["regime", *(v.name for v in self.form.loss.variables)])
        like = varying[0] if varying else ""
        return Printer(self.target.dialect, helpers, names, arguments, like, self._nonzero())

    def _nonzero(self) -> frozenset[str]:
        """What may be divided by without a second thought."""
        return frozenset(p.name for p in self.form.loss.parameters if p.is_positive)

    def function(self, function: Function, arguments: str) -> dict[str, Any]:
        x = self.form.loss.residual.name
        lines: list[str] = []
        varying = [x, *(a.name for a in function.shared if a.varies)]
        lines += self._assignments(function.shared, varying, 4)
        for case in function.cases:
            lines += self._case(case, varying, last=case is function.cases[-1])
        return {"name": function.name, "arguments": arguments, "lines": lines}

    def _assignments(
        self, assignments: Sequence[Assignment], varying: Sequence[str], indent: int
    ) -> list[str]:
        printer = self._printer(Block(tuple(assignments), ()), varying)
        lines: list[str] = []
        for a in assignments:
            lines += printer.lines(f"{a.name} = ", a.value, indent)
        return lines

    def _case(self, case: Case, varying: Sequence[str], last: bool) -> list[str]:
        indent = 4 if last else 8
        lines = [] if last else [f'    if regime == "{case.regime}":  # {case.meaning}']
        lines += self._assignments(case.block.assignments, varying, indent)
        printer = self._printer(case.block, varying)
        if len(case.block.results) == 1:
            flat = f"{' ' * indent}return ({printer.expression(case.block.results[0])},)"
            if len(flat) <= wording.WIDTH:
                return [*lines, flat]
            lines += printer.lines("result = ", case.block.results[0], indent)
            return [*lines, f"{' ' * indent}return (result,)"]
        names = []
        for name, result in zip(("value", "slope"), case.block.results, strict=True):
            lines += printer.lines(f"{name} = ", result, indent)
            names.append(name)
        return [*lines, f"{' ' * indent}return {', '.join(names)}"]

    def helper(self, h: HelperFunction) -> dict[str, Any]:
        varying = h.helper.varying
        lines: list[str] = []
        if h.shortcut is not None:
            condition, block = h.shortcut
            printer = self._printer(block, varying)
            test = printer.expression(condition)
            every = "np.all" if self.target.name == "numpy" else "_decided"
            lines.append(f"    if {every}({test}):")
            lines += self._assignments(block.assignments, varying, 8)
            lines += self._printer(block, varying).lines("return ", block.results[0], 8)
        lines += self._assignments(h.block.assignments, varying, 4)
        lines += self._printer(h.block, varying).lines("return ", h.block.results[0], 4)
        return {
            "name": h.helper.name,
            "arguments": ", ".join(h.helper.parameters),
            "meaning": h.helper.meaning,
            "lines": lines,
        }

    def regimes(self) -> list[str]:
        printer = self._printer(Block((), ()), ())
        lines = []
        for r in self.module.regimes:
            test = "True" if r.condition is None else printer.expression(r.condition)
            lines.append(f'    yield "{r.name}", {test}')
        return lines

    def imports(self) -> list[str]:
        by_math = {"erf", "erfc", "gamma", "loggamma"} & self.module.operations
        norm = self.module.density.norm
        by_math |= {norm.way} & {"radial"} if norm else set()
        lines = ["import math"] if by_math or self.target.name == "torch" else []
        if self.target.name == "torch":
            return [*lines, "import warnings", "", "import torch"]
        return [*lines, "", "import numpy as np"] if lines else ["import numpy as np"]

    def runtime(self, printed: str) -> list[str]:
        """The functions of the target's machinery that the printed text calls, and theirs."""
        functions = [f for source in self.target.runtime.values() for f in split_functions(source)]
        wanted: set[str] = set()
        frontier = printed
        while True:
            called = {n for n, _ in functions if re.search(rf"\b{n}\(", frontier)} - wanted
            if not called:
                break
            wanted |= called
            frontier = "\n".join(text for n, text in functions if n in called)
        sources = [text for n, text in functions if n in wanted]
        table = self.module.density.table
        return sources if table is None else [*sources, stored.source(table, self.target.name)]
