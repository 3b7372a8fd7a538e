"""From a module of a loss over classes to the text of one file."""

from __future__ import annotations

from typing import Any

from derive.emission.printer import Printer
from derive.emission.render import block, environment, function, library_of
from derive.emission.target import Target
from derive.emission.text import head, paragraph, quoted
from derive.numerics.nodes import Name
from derive.program.classwise import ClasswiseFunction, ClasswiseModule
from derive.program.expanded import substituted


def render_classwise(module: ClasswiseModule, target: Target) -> str:
    """ClasswiseModule -> the text of one file."""
    template = environment().get_template(f"{target.name}/{target.classes}")
    return template.render(_context(module, target)).rstrip("\n") + "\n"


def _context(module: ClasswiseModule, target: Target) -> dict[str, Any]:
    syntax = target.syntax
    printer = Printer(syntax, frozenset(h.name for h in module.helpers))
    z, sort = module.prediction
    t, kind = module.target or ("", "")
    parameters = [
        {
            "name": p.name,
            "default": printer.real(p.default),
            "rule": p.rule,
            "test": printer.expression(substituted(p.condition, {p.name: Name("p")})),
        }
        for p in module.parameters
    ]
    functions = [_function(f, module, printer) for f in module.functions]
    names = [f.name for f in module.functions]
    return {
        "title": quoted(module.documentation.title, syntax),
        "origin": paragraph(
            f"From the definition of {module.name} (sha256 {module.digest}) by: "
            f"derive regenerate {module.subject} --target {target.name}",
            syntax.width - 2,
            syntax,
        ),
        "head": head(module.documentation, syntax),
        "prediction": z,
        "of_chances": sort == "probability",
        "target": t,
        "kind": kind,
        "direction": module.direction,
        "arrays": module.arrays,
        "parameters": parameters,
        "functions": functions,
        "softens": any(f.probabilities for f in module.functions),
        "many": [f.name for f in module.functions if all(f.many)],
        "moved": [f.name for f in module.functions if f.moves],
        "helpers": [function(h, printer) for h in module.helpers],
        "operations": module.operations,
        "library": library_of(module.operations, target),
        "exports": [f'"{name}"' for name in sorted(names)],
        "class_name": "".join(part.capitalize() for part in module.name.split("_")) + "Loss",
        "by": [p.name for p in module.parameters],
    }


def _function(f: ClasswiseFunction, module: ClasswiseModule, printer: Printer) -> dict[str, Any]:
    arguments = [f"{name}: Any" for name in module.arrays]
    arguments += [f"{module.direction}: Any"] if f.moves else []
    arguments += [f"{p.name}: Any = {printer.real(p.default)}" for p in module.parameters]
    return {
        "name": f.name,
        "meaning": quoted(f.meaning, printer.syntax),
        "moves": f.moves,
        "names": [a.partition(" = ")[0] for a in arguments],
        "arguments": [*arguments, "axis: int = -1"],
        "lines": block(f.block, printer, 1) if f.block is not None else [],
        "soft": block(f.probabilities, printer, 2) if f.probabilities is not None else [],
    }
