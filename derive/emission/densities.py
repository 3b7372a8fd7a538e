"""From a density module to the text of its file. Everything is printed before the template."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from derive.definitions.stored import Stored
from derive.emission.printer import Printer
from derive.emission.render import block, environment, function, library_of, templates_folder
from derive.emission.target import Target
from derive.emission.text import paragraph, quoted
from derive.numerics.nodes import Call, Name, Node, walk
from derive.program.density import DensityModule, ParameterFunction, Range
from derive.program.module import Module

# An adaptive loss stays this far inside of a bound that it shares with the domain.
FLOOR, SHARE = 1e-5, 2000
# The width of a table of numbers.
TABLE = 100


def render_density(found: DensityModule, target: Target) -> str:
    """DensityModule -> the text of one file."""
    template = environment().get_template(f"{target.name}/{target.density}")
    text = template.render(**context(found, target))
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"


def context(found: DensityModule, target: Target) -> dict[str, Any]:
    """All that a template of a density file may use: names, and lines of text."""
    syntax, loss = target.syntax, found.loss
    printer = Printer(syntax, frozenset(h.name for h in found.helpers))
    names = [p.name for p in loss.parameters]
    shared = shared_functions(target)
    called = _called(found, shared)

    def fact(values: Sequence[Node | None]) -> str:
        """A number, a tuple, or a function of the parameters."""
        texts = [syntax.not_a_number if v is None else _of(v, printer) for v in values]
        inside = texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
        plain = all(v is None or not _letters(v) for v in values)
        return inside if plain else f"lambda {', '.join(names)}: {inside}"

    def inline(form: ParameterFunction) -> str:
        """The formula as an item of a list of its own, if it fits on a line there; else ""."""
        if form.block.assignments:
            return ""
        text = f"lambda {', '.join(names)}: {printer.expression(form.block.results[0])}"
        key = sum(len(n) + 4 for n in form.by) + 2
        return text if 8 + key + 2 + len(text) + 1 <= syntax.width else ""

    same = found.tails[0] == found.tails[1]
    return {
        "name": loss.name,
        "title": quoted(loss.documentation.title, syntax),
        "class_name": "".join(part.capitalize() for part in loss.name.split("_")),
        "digest": loss.digest,
        "command": f"derive regenerate {loss.subject} --target {target.name}",
        "notes": [line for n in found.notes for line in paragraph(n, syntax.width, syntax)],
        "residual": loss.residual,
        "names": names,
        "parameters": [_parameter(r, loss, printer) for r in found.ranges],
        "exists": found.exists,
        "closed": [
            {
                "name": _derivative(f.by) if f.by else "log_z",
                "by": f.by,
                "meaning": f.meaning,
                "lines": block(f.block, printer, 1),
                "inline": inline(f),
            }
            for f in found.closed
        ],
        "stored": _stored(found.stored) if found.stored is not None else None,
        "public": [{"name": _derivative(by, "log_partition_"), "by": by} for by in found.public],
        "slopes": [{"by": by, "name": name} for by, name in found.slopes.items()],
        "length": fact([found.length]),
        "stretch": found.stretch,
        "points": fact(found.points),
        "decay": fact(found.tails[:1] if same else found.tails),
        "even": found.even,
        "rises": found.rises,
        "requirement": ""
        if found.requirement is None
        else f"lambda {', '.join(names)}: {printer.expression(found.requirement)}",
        "rule": found.rule,
        "vectors": found.vectors,
        "vectors_rule": found.vectors_rule,
        "shared": sorted(called & shared),
        "helpers": [function(h, printer) for h in found.helpers if h.name not in shared],
        "library": library_of(called - shared, target),
    }


def _derivative(by: Sequence[str], of: str = "") -> str:
    """d_alpha, d2_alpha, d2_alpha_scale, with a word before the variables."""
    return f"d{'2' if len(by) > 1 else ''}_{of}{'_'.join(dict.fromkeys(by))}"


def shared_functions(target: Target) -> frozenset[str]:
    """The functions that the target's runtime modules offer to every density."""
    files = [templates_folder() / target.name / name for name in target.runtime]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    return frozenset(name for text in texts for name in re.findall(r"^def ([a-z]\w*)", text, re.M))


def _called(found: DensityModule, shared: frozenset[str]) -> frozenset[str]:
    """The operations of the formulas and of the helpers that are printed."""
    roots = [n for f in found.closed for n in f.block.expressions]
    roots += [n for h in found.helpers if h.name not in shared for n in h.expressions]
    return frozenset(n.op for r in roots for n in walk(r) if isinstance(n, Call))


def _of(value: Node, printer: Printer) -> str:
    text = printer.expression(value)
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def _letters(value: Node) -> bool:
    return any(isinstance(n, Name) for n in walk(value))


def _parameter(r: Range, loss: Module, printer: Printer) -> dict[str, Any]:
    diverging = [v for v in loss.diverging.get(r.name, ()) if r.low < v < r.high]
    low, high = r.low, min([r.high, *diverging])
    inner = (high - low) / SHARE if math.isfinite(high - low) else 0.0
    learned = (low + (inner or FLOOR), high - inner if inner else math.inf)
    if low == -math.inf:
        learned = (-math.inf, math.inf) if high == math.inf else (-math.inf, high - FLOOR)
    return {
        "name": r.name,
        "default": printer.real(r.default),
        "ends": [printer.real(r.low), printer.real(r.high)],
        "belong": [r.has_low, r.has_high],
        "constraint": _constraint(r, printer),
        "learned": [printer.real(v) for v in learned],
    }


def _constraint(r: Range, printer: Printer) -> str:
    """The word of torch.distributions.constraints for a range."""
    low, high = printer.real(r.low), printer.real(r.high)
    if (r.low, r.high) == (-math.inf, math.inf):
        return "real"
    if r.high == math.inf and r.low == 0:
        return "nonnegative" if r.has_low else "positive"
    if r.high == math.inf:
        return f"{'greater_than_eq' if r.has_low else 'greater_than'}({low})"
    if r.low == -math.inf:
        return f"less_than({high})"
    return f"interval({low}, {high})"


def _stored(found: Stored) -> dict[str, Any]:
    """A stored function: texts of numbers, rows ended by semicolons, as lines."""
    numbers, middle = found.numbers, found.numbers.centre
    pieces = [
        [p.start, p.stop, float(p.variable == "log_ratio"), p.middle, p.rate, p.value, p.rest,
         *p.coefficients]
        for p in numbers.pieces
    ]  # fmt: skip
    return {
        "squeeze": repr(found.squeeze),
        "centre": repr(found.centre),
        "pieces": _table(pieces),
        "around": _table([[middle.start, middle.stop, middle.value, middle.rest]]),
        "below": _table(middle.below),
        "above": _table(middle.above),
    }


def _table(rows: Iterable[Iterable[float]]) -> list[str]:
    text = "; ".join(" ".join(repr(v).removesuffix(".0") for v in row) for row in rows)
    return textwrap.wrap(text, TABLE, break_long_words=False, break_on_hyphens=False)
