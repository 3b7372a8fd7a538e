"""Steps in place as lines of Python: calls with out=, or methods, one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from derive.emission.printer import Printer
from derive.emission.text import fitted
from derive.numerics.nodes import Call, Name, Node, Number
from derive.program.calls import DIFFERENCE, NUMBER, SLOPE, Step, Sweep, Total

_SIGNS = {"lt": "<", "le": "<=", "eq": "==", "ne": "!=", "and": "&", "or": "|"}


def beyond(condition: Node) -> bool:
    """Whether it is about a value that is no ordinary one: 0, or infinite."""
    if not isinstance(condition, Call) or condition.op != "eq":
        return False
    value = condition.args[1]
    return isinstance(value, Number) and (value.value == 0 or abs(value.value) == math.inf)


@dataclass(frozen=True)
class Calls:
    """found: what to write; special: where it does not hold; numbers: prints what the parameters
    give; library: what the functions of arrays are called by."""

    found: Sweep
    special: tuple[Node, ...]
    numbers: Printer
    library: str

    def lines(self, names: Sequence[str]) -> list[str]:
        found = self.found
        lines = self._guard()
        lines += self._steps(found.value.steps)
        lines.append(f"sums = [{self._sum(found.value)}{', 0.0' * len(names)}]")
        lines += self._steps(found.slope)
        if found.shared:
            lines.append("if any(ctx.needs_input_grad[3:]):")
            lines += [f"    {line}" for line in self._steps(found.shared)]
        for place, name in enumerate(names):
            total = found.by[name]
            lines.append(f"if ctx.needs_input_grad[{place + 3}]:")
            lines += [f"    {line}" for line in self._steps(total.steps)]
            terms = self._terms(total)
            ends = ("_whole(", ")") if len(terms) > 1 else ("", "")
            start, end = f"sums[{place + 1}] = {ends[0]}", ends[1]
            # Within a function: one step deeper than it is written here.
            text = fitted(
                terms, start, end, 4, width=self.numbers.syntax.width - self.numbers.syntax.indent
            )
            lines += text.split("\n")
        share = self.numbers.expression(_times(found.stretch, Name("ctx.share")))
        if found.place == SLOPE:
            lines.append(f"{SLOPE}.mul_({share})")
        else:
            lines.append(f"{self.library}.mul({found.place}, {share}, out={SLOPE})")
        return lines

    def _guard(self) -> list[str]:
        """Nothing is summed at special parameters, or where a residual may be too large."""
        lines = []
        for condition in self.special:
            lines += [f"if {self.numbers.expression(condition)}:", "    return [math.nan]"]
        return [*lines, *self._far()]

    def _far(self) -> list[str]:
        bounds = [self.numbers.expression(b) for b in self.found.bounds]
        if not bounds and not self.found.infinite:
            return []
        least = ["math.inf", *bounds][-1] if len(bounds) < 2 else f"min({', '.join(bounds)})"
        far = f"if not {self.library}.linalg.vector_norm({DIFFERENCE}).item() < "
        lines = [f"{far}{least}:"]
        if len(lines[0]) > self.numbers.syntax.width - self.numbers.syntax.indent:
            lines = [f"most = {least}", f"{far}most:"]
        return [*lines, "    return [math.nan]"]

    def _terms(self, total: Total) -> list[str]:
        return [self.numbers.expression(_times(f, Name(_summed(w)))) for f, w in total.terms]

    def _sum(self, total: Total) -> str:
        """The sum of the terms, of which `_whole` makes NaN where they cancel."""
        terms = self._terms(total)
        return terms[0] if len(terms) == 1 else f"_whole({', '.join(terms)})"

    def _steps(self, steps: Sequence[Step]) -> list[str]:
        lines: list[str] = []
        place = ""
        for step in steps:
            text, chained = self._call(step)
            if chained and place == step.place:
                lines[-1] += text.removeprefix(step.place)
            else:
                lines.append(text)
            place = step.place
        return lines

    def _call(self, step: Step) -> tuple[str, bool]:
        """The call, and whether it can follow another one on the same buffer."""
        args = [a if isinstance(a, str) else self.numbers.expression(a) for a in step.arguments]
        first, place = step.arguments[0], step.place
        if step.op in _SIGNS:
            if step.op in ("eq", "ne") and not isinstance(first, str):
                args = [args[1], args[0]]  # the tensor decides what == means
            return f"{place} = {args[0]} {_SIGNS[step.op]} {args[1]}", False
        if step.op == "where":
            values = [
                a if isinstance(s, str) else f"{DIFFERENCE}.new_full((), {a})"
                for s, a in zip(step.arguments, args, strict=True)
            ]
            return f"{self.library}.where({', '.join(values)}, out={place})", False
        if step.op == "growth":
            return f"{args[2]} = _growth({args[0]}, {args[1]}, {place})", False
        if step.op == "div" and not isinstance(first, str):
            return self._written("reciprocal", args[1:], place)
        if step.op == "scaled_add":
            return self._written("add", [*args[:2], f"alpha={args[2]}"], place)
        if step.op in ("min", "max") and not isinstance(step.arguments[1], str):
            bound = "max" if step.op == "min" else "min"
            return self._written("clamp", [args[0], f"{bound}={args[1]}"], place)
        names = {"min": "minimum", "max": "maximum"}
        return self._written(names.get(step.op, step.op), args, place)

    def _written(self, name: str, args: Sequence[str], place: str) -> tuple[str, bool]:
        turns = name in ("add", "mul") and "alpha" not in args[-1]
        if turns and place in args[1:]:
            args = [args[1], args[0], *args[2:]]
        if args[0] == place and name not in ("minimum", "maximum"):
            return f"{place}.{name}_({', '.join(args[1:])})", args[1:2] != [place]
        return f"{self.library}.{name}({', '.join(args)}, out={place})", False


def _summed(what: str) -> str:
    if what == NUMBER:
        return f"{DIFFERENCE}.numel()"
    return what if what.startswith("excess") else f"{what}.sum().item()"


def _times(factor: Node, value: Node) -> Node:
    one = Call("mul", (factor, value))
    if getattr(factor, "value", None) == 1:
        return value
    if getattr(factor, "value", None) == -1:
        return Call("neg", (value,))
    if isinstance(factor, Call) and factor.op == "neg":
        return Call("neg", (_times(factor.args[0], value),))
    if isinstance(factor, Call) and factor.op == "div":
        return Call("div", (_times(factor.args[0], value), factor.args[1]))
    return one
