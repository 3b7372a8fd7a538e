"""From a density module to the text of its file. Everything is printed before the template."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from derive.definitions.stored import Numbers
from derive.emission.printer import Printer
from derive.emission.render import block, environment, function, library_of
from derive.emission.target import Target
from derive.emission.text import paragraph, quoted
from derive.numerics.nodes import Name, Node, walk
from derive.program.density import DensityModule, Range
from derive.program.module import Module

# An adaptive loss stays this far inside of a bound that it shares with the domain.
FLOOR, SHARE = 1e-5, 2000


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

    def fact(values: Sequence[Node | None]) -> str:
        """A number, a tuple, or a function of the parameters."""
        texts = [syntax.not_a_number if v is None else _of(v, printer) for v in values]
        inside = texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
        plain = all(v is None or not _letters(v) for v in values)
        return inside if plain else f"lambda {', '.join(names)}: {inside}"

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
                "name": "_".join([f"{'d2' if len(f.by) > 1 else 'd'}", *dict.fromkeys(f.by)])
                if f.by
                else "log_z",
                "by": f.by,
                "meaning": f.meaning,
                "lines": block(f.block, printer, 1),
            }
            for f in found.closed
        ],
        "stored": _stored(found.stored.numbers, found.stored.squeeze, found.stored.centre)
        if found.stored is not None
        else None,
        "public": [
            {"name": f"d{'2' * (len(by) > 1)}_log_partition_{'_'.join(dict.fromkeys(by))}", "by": by}
            for by in found.public
        ],
        "slopes": found.slopes,
        "length": fact([found.length]),
        "stretch": found.stretch,
        "points": fact(found.points),
        "tails": fact(found.tails[:1] if same else found.tails),
        "even": found.even,
        "rises": found.rises,
        "requirement": ""
        if found.requirement is None
        else f"lambda {', '.join(names)}: {printer.expression(found.requirement)}",
        "rule": found.rule,
        "vectors": found.vectors,
        "vectors_rule": found.vectors_rule,
        "helpers": [function(h, printer) for h in found.helpers],
        "library": library_of(_operations(found), target),
    }


def _operations(found: DensityModule) -> frozenset[str]:
    return found.operations | ({"stored"} if found.stored is not None else set())


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


def _stored(numbers: Numbers, squeeze: float, centre: float) -> dict[str, Any]:
    """The tables of a stored function, four numbers a line."""
    middle = numbers.centre
    return {
        "squeeze": repr(squeeze),
        "centre": repr(centre),
        "pieces": [
            {
                "head": [_word(v) for v in (p.start, p.stop)]
                + [str(p.variable == "log_ratio")]
                + [repr(v) for v in (p.middle, p.rate, p.value)],
                "polynomial": _rows([p.rest, *p.coefficients]),
            }
            for p in numbers.pieces
        ],
        "singular": [repr(v) for v in (middle.start, middle.stop, middle.value, middle.rest)],
        "below": [[repr(v) for v in row] for row in middle.below],
        "above": [[repr(v) for v in row] for row in middle.above],
    }


def _word(value: float) -> str:
    return repr(value) if math.isfinite(value) else "math.inf"


def _rows(values: Iterable[float], a_line: int = 4) -> list[str]:
    texts = [repr(v) for v in values]
    return [", ".join(texts[i : i + a_line]) for i in range(0, len(texts), a_line)]
