"""From a module to the text of a file. Everything is printed before the template is filled."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from derive.emission.printer import Printer
from derive.emission.statements import Statements, tables
from derive.emission.syntax import Syntax
from derive.emission.target import Target
from derive.emission.text import fitted, head, paragraph, quoted
from derive.errors import BadInput
from derive.numerics.nodes import Call, Name, Node, node, walk
from derive.program.blocks import cost
from derive.program.branchless import joined
from derive.program.expanded import expanded
from derive.program.gathered import gathered
from derive.program.module import Assignment, Block, Function, Helper, Module
from derive.program.together import together

# The loss and its slope may cost so many times what they cost together.
MORE = 1.2
# So few operations a result make no array beside it: blocks would cost more than they save.
LIGHT = 2
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg", "abs", "sign"})


def templates_folder() -> Path:
    """templates/ beside the package, or inside it in an installed wheel."""
    package = Path(str(resources.files("derive")))
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"


@functools.lru_cache(1)
def environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    found.filters["fitted"] = fitted
    return found


def render(module: Module, target: Target) -> str:
    """Module -> the text of one file."""
    template = environment().get_template(f"{target.name}/{template_of(module, target)}")
    return template.render(context(module, target)).rstrip("\n") + "\n"


def template_of(module: Module, target: Target) -> str:
    """By the kind of the loss: of a residual, or of a prediction and a target."""
    if not module.roles:
        return target.template
    if not target.pointwise:
        raise BadInput(f"{module.name}: {target.title} has no file for a prediction and a target")
    return target.pointwise


def context(module: Module, target: Target) -> dict[str, Any]:
    """All that a template of a loss file may use: names, and lines of text."""
    syntax = target.syntax
    printer = Printer(syntax, frozenset(h.name for h in module.helpers))
    found = {
        "origin": paragraph(
            f"From the definition (sha256 {module.digest}) by: "
            f"derive regenerate {module.subject} --target {target.name}",
            syntax.width - 2,
            syntax,
        ),
        "head": head(module.documentation, syntax),
        "residual": module.residual,
        "variables": module.variables,
        "parameters": [
            {
                "name": p.name,
                "default": printer.real(p.default),
                "test": printer.expression(_renamed(p.condition)),
                "rule": p.rule,
            }
            for p in module.parameters
        ],
        "related": {
            "names": ", ".join(f"{n}: Any" for n in module.related.parameters),
            "test": printer.expression(module.related.condition),
            "rule": module.related.rule,
        }
        if module.related
        else False,
        "functions": [
            {
                **function(_owned(f, syntax), printer),
                "ordinary": _ordinary(f, module, printer),
                "together": _together(f, module, printer),
            }
            for f in module.functions
        ],
        "special": [printer.expression(c) for c in module.special],
        "branched": _is_branched(module),
        "light": [f'"{f.name}"' for f in module.functions if _is_light(f, module)],
        "title": quoted(module.documentation.title, syntax),
        "kinds": _kinds(module.special, printer),
        "helpers": [function(h, printer) for h in module.helpers],
        "library": library_of(module.operations, target),
        "exports": exports([f.name for f in module.functions]),
    }
    if module.roles:
        found["roles"] = [
            {"name": r.name, "test": printer.expression(_renamed(r.condition)), "rule": r.rule}
            for r in module.roles
        ]
        found["predictions"] = [r.name for r in module.predictions]
    return found if target.more is None else {**found, **target.more(module, printer)}


def _kinds(special: Sequence[Node], printer: Printer) -> list[str]:
    """A number for each set of conditions that holds: every one adds a power of 2."""
    if not special:
        return []
    kind, *more = special
    for place, condition in enumerate(more, 1):
        kind = Call("add", (kind, Call("mul", (node(2**place), condition))))
    return printer.lines(printer.syntax.assign.format("kind"), kind, printer.syntax.indent)


def _together(found: Function, module: Module, printer: Printer) -> list[str]:
    """The lines of value_and_grad in one go; none where the loss and its slopes, one after the
    other, do little twice."""
    if found.name != "value_and_grad" or not _shares(found, module):
        return []
    whole = replace(found, block=together(found, module))
    return block(_owned(whole, printer.syntax).block, printer, 1)


def _shares(both: Function, module: Module) -> bool:
    names = ["loss", *(f"d_{v}" for v in module.inputs[: len(both.block.results) - 1])]
    alone = [f for f in module.functions if f.name in names]
    if module.special or any(gathered(f, module) for f in alone):
        return False
    apart = sum(cost(together(f, module)) for f in alone)
    return apart >= MORE * cost(together(both, module))


def _owned(found: Function, syntax: Syntax) -> Function:
    """What is given back is no array that came in, nor twice the same one, where there are any."""
    if "copy" not in syntax.operations:
        return found

    def of_block(block: Block) -> Block:
        mine = {a.name for a in block.assignments}
        results = []
        for r in block.results:
            results.append(_copied(r, mine))
            mine -= {r.name} if isinstance(r, Name) else set()
        return replace(block, results=tuple(results))

    branches = tuple(replace(b, block=of_block(b.block)) for b in found.branches)
    return replace(found, branches=branches, block=of_block(found.block))


def _copied(result: Node, mine: Collection[str]) -> Node:
    if isinstance(result, Name) and result.name not in mine:
        return Call("copy", (result,))
    if isinstance(result, Call) and result.op == "patch":
        return Call("patch", (*result.args[:2], _copied(result.args[2], mine)))
    return result


def _is_branched(module: Module) -> bool:
    return any(f.branches for f in module.functions) or any(h.branches for h in module.helpers)


def _ordinary(found: Function, module: Module, printer: Printer) -> dict[str, Any]:
    """The parameter, and what holds where it is ordinary; empty where nothing is gained."""
    short = gathered(found, module)
    if short is None:
        return {}
    return {"parameter": short.parameter, "lines": block(Block((), (short.value,)), printer, 2)}


def _is_light(found: Function, module: Module) -> bool:
    if len(found.block.results) > 1:
        names = [f"d_{v}" for v in module.inputs[: len(found.block.results) - 1]]
        parts = [f for f in module.functions if f.name in ("loss", *names)]
        return not _shares(found, module) and all(_is_light(f, module) for f in parts)
    (value,) = expanded(found.block)
    plain = all(n.op in _ARITHMETIC for n in walk(value) if isinstance(n, Call))
    light = not found.branches and cost(found.block) <= LIGHT
    return plain and (light or gathered(found, module) is not None)


def exports(names: Sequence[str]) -> list[str]:
    """The names in lists that each fit on a line."""
    lines = textwrap.wrap(", ".join(f'"{n}"' for n in sorted(names)), 88)
    lines = lines[:1] + textwrap.wrap(" ".join(lines[1:]), 87)
    return [line.rstrip(",") for line in lines]


def function(found: Function | Helper, printer: Printer) -> dict[str, Any]:
    """A function of the residual, or a helper, as lines of the target's language."""
    syntax = printer.syntax
    shared = _shared(found)
    branches = joined(found.branches)
    return {
        "name": found.name,
        "by": found.by if isinstance(found, Function) else (),
        "parameters": found.parameters if isinstance(found, Helper) else (),
        "meaning": quoted(found.meaning, syntax),
        "shared": _assignments(shared, printer, 1)[0],
        "branches": [
            {
                "condition": printer.expression(b.condition),
                "meaning": quoted(b.meaning, syntax),
                "lines": block(_without(b.block, shared), printer, 2),
            }
            for b in branches
        ],
        "lines": block(_without(found.block, shared), printer, 1),
    }


def _shared(found: Function | Helper) -> list[Assignment]:
    """The locals that every branch begins with stand before them, and quotients that several
    need."""
    if not found.branches:
        return []
    blocks = [found.block, *(b.block for b in found.branches)]
    shared: list[Assignment] = []
    own = {a.name for block in blocks for a in block.assignments}
    for a in (a for block in blocks for a in block.assignments):
        needed = own & {n.name for n in walk(a.value) if isinstance(n, Name)}
        if not needed <= {s.name for s in shared}:
            continue
        users = sum(a in block.assignments for block in blocks)
        other = any(o.name == a.name and o != a for block in blocks for o in block.assignments)
        plain = isinstance(a.value, Call) and all(isinstance(n, Name) for n in a.value.args)
        if a not in shared and not other and (users == len(blocks) or (plain and users > 1)):
            shared.append(a)
    return shared


def _without(found: Block, shared: Sequence[Assignment]) -> Block:
    return Block(tuple(a for a in found.assignments if a not in shared), found.results)


def block(found: Block, printer: Printer, depth: int) -> list[str]:
    """Assignments and results as lines, indented by `depth` steps."""
    syntax = printer.syntax
    indent = depth * syntax.indent
    found = Statements(printer, indent).of(found)
    lines, count = _assignments(found.assignments, printer, depth)
    if len(found.results) == 1:
        return lines + _statement(syntax.give, found.results[0], printer, indent, count)[0]
    texts = [printer.expression(r) for r in found.results]
    many = syntax.give_many.replace("{}, {}", ", ".join("{}" for _ in texts))
    return [*lines, f"{' ' * indent}{many.format(*texts)}"]


def _assignments(
    found: Sequence[Assignment], printer: Printer, depth: int
) -> tuple[list[str], int]:
    """Their lines, and how many lists of numbers have names."""
    syntax = printer.syntax
    lines: list[str] = []
    count = 0
    for a in found:
        start = syntax.assign.format(a.name)
        more, named = _statement(start, a.value, printer, depth * syntax.indent, count)
        lines, count = lines + more, count + named
    return lines, count


def _statement(
    start: str, value: Node, printer: Printer, indent: int, count: int
) -> tuple[list[str], int]:
    """One statement; long lists of numbers in it get names, and stand before it. Also how many."""
    before: list[str] = []
    named, value = tables(value, count)
    for name, numbers in named:
        before += printer.table(printer.syntax.assign.format(name), numbers, indent)
    lines = printer.lines(start, value, indent)
    lines[-1] += printer.syntax.end
    return [*before, *lines], len(named)


def library_of(operations: Iterable[str], target: Target) -> list[str]:
    """The functions that the language lacks, for the operations that occur.

    Each is a file in library/ of the target's templates: its imports, two empty lines, functions.
    """
    folder = templates_folder() / target.name / "library"
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    texts = [p.read_text(encoding="utf-8") for p in files if p.stem in operations]
    return [text.partition("\n\n\n")[2].rstrip("\n") for text in texts]


def _renamed(condition: Node) -> Node:
    """A condition on one parameter, in the letter p."""
    if isinstance(condition, Name):
        return Name("p")
    if isinstance(condition, Call):
        return Call(condition.op, tuple(map(_renamed, condition.args)))
    return condition
