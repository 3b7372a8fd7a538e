"""The density's part of a file's context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derive.definitions.loss import Loss
from derive.emission import wording
from derive.emission.printer import Printer
from derive.emission.target import Target
from derive.numerics.forms import StableForm
from derive.program.module import Module, ParameterFunction


def density_names(module: Module) -> list[str]:
    """The public functions of the density, in the order of the file."""
    if not module.parameter_functions:
        return []
    return [*(f.name for f in module.parameter_functions), "log_density", "density"]


def density_context(module: Module, form: StableForm, target: Target) -> dict[str, Any]:
    """The fields about the density; no functions where there is none to emit."""
    loss, rule = form.loss, module.density.rule
    functions = [
        {"name": f.name, "docstring": _docstring(loss, f.name, rule), "lines": _lines(f, target)}
        for f in module.parameter_functions
    ]
    fields: dict[str, Any] = {
        "density_functions": functions,
        "log_density_docstring": _docstring(loss, "log_density", rule),
        "density_docstring": _docstring(loss, "density", rule),
        "density_condition": _condition(module, target),
        "density_rule": rule,
    }
    if target.name == "torch":
        fields["density_derivatives"] = _tied(module, form) if functions else []
    return fields


def _docstring(loss: Loss, name: str, rule: str) -> str:
    lines = [wording.meaning(loss, name)]
    if rule and name in ("log_partition", "log_density", "density"):
        lines += ["", f"ValueError: {rule}."]
    return wording.docstring(lines, 4)


def _condition(module: Module, target: Target) -> str:
    if module.density.requirement is None:
        return ""
    printer = Printer(target.dialect, frozenset(), frozenset())
    return printer.expression(module.density.requirement)


def _lines(function: ParameterFunction, target: Target) -> list[str]:
    printer = Printer(target.dialect, frozenset(), frozenset())
    lines: list[str] = []
    for a in function.block.assignments:
        lines += printer.lines(f"{a.name} = ", a.value, 4)
    return [*lines, *printer.lines("return ", function.block.results[0], 4)]


def _tied(module: Module, form: StableForm) -> list[str]:
    """The lines that tie log Z and its slopes to their closed-form derivatives."""
    names = [p.name for p in form.loss.parameters]
    known = [f.name for f in module.parameter_functions]
    lines: list[str] = []
    for name in known:
        if name.startswith("d2_"):
            lines += [f"def _{name}_autograd(*arguments):"]
            lines += [f"    return _at_parameters(_{name}, *arguments)", "", ""]
    for p in names:
        if f"d_log_partition_{p}" in known:
            slopes = [_second(names, p, q) for q in names]
            lines += _differentiable(f"d_log_partition_{p}", slopes, known, names, form.diverging)
    slopes = [f"d_log_partition_{p}" for p in names]
    return lines + _differentiable("log_partition", slopes, known, names, form.diverging)


def _second(names: Sequence[str], a: str, b: str) -> str:
    first, last = sorted((a, b), key=names.index)
    return f"d2_log_partition_{first}" + ("" if first == last else f"_{last}")


def _differentiable(
    name: str,
    slopes: Sequence[str],
    known: Sequence[str],
    names: Sequence[str],
    diverging: Mapping[str, tuple[float, ...]],
) -> list[str]:
    arguments = ", ".join(["like", *names])
    near = ", ".join(["like", *(_nudged(n, diverging) for n in names)])
    lines = [f"_{name}_autograd = _differentiable(", f"    _{name},"]
    for style in ("_autograd", ""):
        lines += ["    (", f"        lambda {arguments}: torch.zeros_like(like),"]
        for slope in slopes:
            call = f"_{slope}_autograd({near})" if style else f"_at_parameters(_{slope}, {near})"
            call = call if slope in known else "torch.zeros_like(like)"
            lines.append(f"        lambda {arguments}: {call},")
        lines.append("    ),")
    return [*lines, "    _at_parameters,", ")", ""]


def _nudged(name: str, diverging: Mapping[str, tuple[float, ...]]) -> str:
    points = diverging.get(name, ())
    return f"_below({name}, {points!r})" if points else name
