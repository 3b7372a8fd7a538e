"""From a module to text: the context is printed completely before a template sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sympy
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from derive.definitions.loss import Loss
from derive.emission import stored, wording
from derive.emission.density import density_context, density_names, distribution_name
from derive.emission.printer import Printer
from derive.emission.target import Target
from derive.numerics.family import match
from derive.numerics.forms import StableForm
from derive.program.module import Assignment, Block, Case, Function, HelperFunction, Module


@dataclass(frozen=True)
class Prose:
    """What is said of a file beside its mathematics.

    notes: lines for the head of the file; accuracy: a line for each function, empty if not known.
    subject: what to type for this loss on the command line.
    """

    subject: str
    notes: tuple[str, ...]
    accuracy: Mapping[str, str]


def templates_folder() -> Path:
    """The templates of a checkout, or those that the wheel carries."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"


@cache
def environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(templates_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(module: Module, form: StableForm, target: Target, prose: Prose) -> str:
    """Module -> text of one file."""
    template = environment().get_template(target.template)
    text = template.render(**context(module, form, target, prose))
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"


def context(module: Module, form: StableForm, target: Target, prose: Prose) -> dict[str, Any]:
    loss = form.loss
    printing = _Printing(module, form, target)
    parameters = [p.name for p in loss.parameters]
    x = loss.residual.name
    arguments = ", ".join([x, *parameters])
    defaults = [f"{p.name}={_literal(loss.default(p), target)}" for p in loss.parameters]
    signature = ", ".join([x, *defaults])
    public = [f.name for f in module.functions]
    listed = public if target.name == "numpy" else [n for n in public if n != "value_and_grad"]
    functions = [
        {
            "name": name,
            "signature": signature,
            "arguments": arguments,
            "docstring": _docstring(loss, name, prose),
        }
        for name in listed
    ]
    blocks = [printing.function(f, arguments) for f in module.functions]
    density = density_context(module, form, target)
    helpers = _called([printing.helper(h) for h in module.helpers], f"{blocks} {density}")
    printed = "\n".join(str(part) for part in (blocks, helpers, density, printing.regimes()))
    shared: dict[str, Any] = {
        "name": loss.name,
        "digest": loss.digest,
        "command": wording.command(loss, target.name, prose.subject),
        "docstring": _module_docstring(form, prose),
        "imports": printing.imports(),
        "functions": functions,
        "signature": signature,
        "defaults": ", ".join(defaults),
        "residual": x,
        "rest": "".join(f", {p}" for p in parameters),
        "defaults_after": "".join(f", {d}" for d in defaults),
        **density,
        "blocks": blocks,
        "helpers": helpers,
        "runtime": printing.runtime(printed),
        "parameters": ", ".join(parameters),
        "regimes": printing.regimes(),
        "checks": _checks(loss, target),
        "exports": sorted([*public, *density_names(module, target)], key=_public_order),
    }
    if target.name == "torch":
        shared |= _torch_context(form, arguments)
        classes = [_class_name(loss)]
        if module.density.sampling and module.density.sampling.envelope:
            classes.insert(0, distribution_name(loss))
        if shared["latents"]:
            classes.insert(0, f"Adaptive{_class_name(loss)}")
        shared["exports"] = [*classes, *shared["exports"]]
    return shared


def _called(helpers: list[dict[str, Any]], printed: str) -> list[dict[str, Any]]:
    """The helpers that the printed text calls, and theirs: not every target prints everything."""
    wanted: list[dict[str, Any]] = []
    while True:
        text = printed + "".join(str(h["lines"]) for h in wanted)
        more = [h for h in helpers if h not in wanted and re.search(rf"\b_{h['name']}\(", text)]
        if not more:
            return [h for h in helpers if h in wanted]
        wanted += more


def _public_order(name: str) -> tuple[int, str]:
    first = ("loss", "value_and_grad", "weight")
    return (first.index(name) if name in first else len(first), name)


def _literal(value: float, target: Target) -> str:
    if value in (float("inf"), -float("inf")):
        word = target.dialect.infinity
        return word if value > 0 else f"-{word}"
    return repr(float(value))


def _module_docstring(form: StableForm, prose: Prose) -> str:
    loss = form.loss
    lines = [f"{loss.title.rstrip('.')}.", ""]
    lines += [f"    {line}" for line in wording.definition_lines(loss)]
    lines += ["", wording.domain_line(loss)]
    if loss.description:
        lines += ["", loss.description]
    lines += ["", *prose.notes, f"Source: {loss.source}."]
    return wording.docstring(lines, 0)


def _docstring(loss: Loss, name: str, prose: Prose) -> str:
    lines = [wording.meaning(loss, name)]
    if name == "loss":
        lines += ["", *(f"    {line}" for line in wording.definition_lines(loss)), ""]
        lines += [wording.domain_line(loss)]
        lines += ["Numbers or arrays that broadcast; the dtype of the residual comes out.",
                  "ValueError names a parameter outside its domain. NaN in, NaN out."]  # fmt: skip
    if prose.accuracy.get(name):
        lines += [prose.accuracy[name]] if len(lines) > 1 else ["", prose.accuracy[name]]
    return wording.docstring(lines, 4)


def _checks(loss: Loss, target: Target) -> list[dict[str, str]]:
    found = []
    for p in loss.parameters:
        domain = loss.domain(p)
        conditions = []
        low, high = domain.inf, domain.sup
        if low != -sympy.oo:
            sign = ">=" if domain.contains(low) == True else ">"  # noqa: E712
            conditions.append(f"({p.name} {sign} {float(low)!r})")
        if high != sympy.oo:
            sign = "<=" if domain.contains(high) == True else "<"  # noqa: E712
            conditions.append(f"({p.name} {sign} {float(high)!r})")
        if domain.contains(sympy.oo) != True:  # noqa: E712
            big = "np.inf" if target.name == "numpy" else "math.inf"
            conditions.append(f"(abs({p.name}) < {big})")
        if not conditions:
            conditions.append(f"({p.name} == {p.name})")
        found.append(
            {
                "condition": " & ".join(conditions),
                "message": f"{p.name} must be {_requirement(loss, p)}",
            }
        )
    return found


def _requirement(loss: Loss, p: sympy.Symbol) -> str:
    text = wording.rule(loss, p)
    if text == "real":
        return "a finite number"
    if text == "in [-inf, inf]":
        return "a number in [-inf, inf], not NaN"
    if text.startswith("in "):
        return text
    return f"{text} and finite" if loss.domain(p).sup == sympy.oo else text


def _class_name(loss: Loss) -> str:
    return "".join(part.capitalize() for part in loss.name.split("_")) + "Loss"


def _torch_context(form: StableForm, arguments: str) -> dict[str, Any]:
    loss = form.loss
    names = [p.name for p in loss.parameters]
    return {
        "arguments": arguments,
        "class_name": _class_name(loss),
        "class_docstring": wording.docstring(
            [
                f"{loss.title.rstrip('.')} of `input - target`, as in torch.nn.",
                "",
                'reduction: "mean", "sum" or "none".',
                "",
                *(f"    {line}" for line in wording.definition_lines(loss)),
            ],
            4,
        ),
        "class_arguments": "".join(f", self.{n}" for n in names),
        "parameter_names": names,
        "repr_names": ", ".join([*(f'"{n}"' for n in names), '"reduction"']),
        "nudges": bool(form.diverging),
        "derivatives": _derivative_table(form),
    }


def _derivative_table(form: StableForm) -> list[str]:
    """The line that ties each function to its closed-form partial derivatives."""
    loss = form.loss
    variables = [v.name for v in loss.variables]
    second = [n for n in form.names if n.startswith("d2_")]
    plain: dict[str, list[str]] = {n: [] for n in [*second, "weight"]}
    lines = []
    for name in plain:
        lines.append(f"def _{name}_autograd(*arguments):")
        # No closed forms of a third order: there is no gradient rather than a wrong one.
        lines.append(f"    with torch.no_grad():\n        return _evaluate(_{name}, *arguments)\n")
    return lines + _tied(form, variables, second)


def _tied(form: StableForm, variables: Sequence[str], second: Sequence[str]) -> list[str]:
    lines: list[str] = []
    nudged = {v: form.diverging.get(v, ()) for v in variables}
    order = [*(f"d_{v}" for v in variables), "loss"]
    for name in order:
        if name == "loss":
            targets = [f"d_{v}" for v in variables]
        else:
            mine = name.removeprefix("d_")
            targets = [_second(variables, mine, v) for v in variables]
        lines += ["", f"_{name}_autograd = _differentiable("]
        lines += [f"    _{name},"]
        for style in ("_autograd", ""):
            lines.append("    (")
            for v, target in zip(variables, targets, strict=True):
                inner = ", ".join(
                    f"_below({w}, {nudged[w]!r})" if nudged[w] and (w == v or w in target) else w
                    for w in variables
                )
                call = (
                    f"_{target}_autograd({inner})" if style else f"_evaluate(_{target}, {inner})"
                )
                lines.append(f"        lambda {', '.join(variables)}: {call},")
            lines.append("    ),")
        lines.append(")")
    return lines


def _second(variables: Sequence[str], a: str, b: str) -> str:
    first, last = sorted((a, b), key=variables.index)
    return f"d2_{first}" if first == last else f"d2_{first}_{last}"


def split_functions(source: str) -> list[tuple[str, str]]:
    """The functions of a piece of source text, by name."""
    parts = source.split("\n\n\n")
    return [(part.removeprefix("def ").partition("(")[0], part) for part in parts]


@dataclass(frozen=True)
class _Printing:
    module: Module
    form: StableForm
    target: Target

    def _printer(self, block: Block, varying: Sequence[str]) -> Printer:
        names = frozenset([*varying, *(a.name for a in block.assignments if a.varies)])
        helpers = frozenset(h.helper.name for h in self.module.helpers)
        arguments = ", ".join(["regime", *(v.name for v in self.form.loss.variables)])
        like = varying[0] if varying else ""
        return Printer(self.target.dialect, helpers, names, arguments, like, self._nonzero())

    def _nonzero(self) -> frozenset[str] | None:
        """Barron's family is divided into regimes so that nothing else can be 0."""
        if match(self.form.loss) is not None:
            return None
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
        by_math = {"erf", "erfc", "gamma", "loggamma", "excess_series"} & self.module.operations
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
