"""From a module to text: the context is printed completely before a template sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sympy
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from derive.definitions.loss import Loss
from derive.emission import wording
from derive.emission.density import density_context, density_names, distribution_name
from derive.emission.derivatives import autograd_context
from derive.emission.printing import Printing
from derive.emission.target import Target
from derive.numerics.forms import StableForm
from derive.program.module import Module


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
    printing = Printing(module, form, target)
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
        shared |= autograd_context(form, arguments)
        shared["class_name"] = _class_name(loss)
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
