"""Steps in place as lines of Python: calls with out=, or methods, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from derive.emission.printer import Printer
from derive.emission.text import fitted
from derive.numerics.nodes import Call, Name, Node, Number
from derive.program.calls import DIFFERENCE, NUMBER, SLOPE, Step, Sweep, Total

# Between these the parameters of a block are ordinary.
LEAST, MOST = 1e-9, 1e9
_SIGNS = {"lt": "<", "le": "<=", "eq": "==", "ne": "!=", "and": "&", "or": "|"}
_TURNED = {"lt": ">", "le": ">=", "eq": "==", "ne": "!="}


def beyond(condition: Node) -> bool:
    """Whether it holds for no ordinary value of a parameter: 1e-9 < |p| < 1e9."""
    if not isinstance(condition, Call):
        return False
    numbers = [float(a.value) for a in condition.args if isinstance(a, Number)]
    if condition.op == "eq":
        return any(not LEAST < abs(v) < MOST for v in numbers)
    return condition.op == "le" and any(abs(v) >= MOST for v in numbers)


@dataclass(frozen=True)
class Calls:
    """found: what to write; special: where it does not hold; numbers: prints what the parameters
    give; library: what the functions of arrays are called by; indent: where the lines stand."""

    found: Sweep
    special: tuple[Node, ...]
    numbers: Printer
    library: str
    indent: int

    def lines(self, names: Sequence[str]) -> list[str]:
        found, made = self.found, {DIFFERENCE, SLOPE}
        lines = self._guard()
        lines += self._steps(found.value.steps, made)
        lines.append(f"found = [{self._sum(found.value)}{', 0.0' * len(names)}]")
        lines += self._steps(found.slope, made)
        known = set(made)  # of what is made where it is needed, the next place knows nothing
        if found.shared:
            lines.append("if any(ctx.needs_input_grad[3:]):")
            lines += [f"    {line}" for line in self._steps(found.shared, known)]
        for place, name in enumerate(names):
            total = found.by[name]
            lines.append(f"if ctx.needs_input_grad[{place + 3}]:")
            lines += [f"    {line}" for line in self._steps(total.steps, set(known))]
            terms = self._terms(total)
            ends = ("_whole(", ")") if len(terms) > 1 else ("", "")
            start, end = f"found[{place + 1}] = {ends[0]}", ends[1]
            text = fitted(terms, start, end, 4, width=self._width)
            lines += text.split("\n")
        return [*lines, self._share()]

    def few(self, names: Sequence[str], hides: bool) -> list[str]:
        """A statement for each sum, with the functions of the file for parameters where one alone
        does not do. hides: NaN may get lost."""
        found, made = self.found, {DIFFERENCE, SLOPE}
        value, slope = self._steps(found.value.steps, made), self._steps(found.slope, made)
        asked = {n: f"ctx.needs_input_grad[{k}]" for k, n in enumerate(names, 3)}
        called = {n: f"by_{n}" if len(names) > 1 else "by" for n in names}
        by = [self._chained(n, f"{called[n]} = {asked[n]}", made) for n in names]
        before: list[str] = []
        if hides or found.shared or not all(by):
            arguments = ", ".join([DIFFERENCE, *names])
            before = [
                f"{called[n]} = d_{n}({arguments}).sum().item() if {asked[n]} else 0.0"
                for n in names
            ]
            by = []
        total = self._sum(found.value)
        later = [*found.slope, *(s for n in names if by for s in found.by[n].steps)]
        if {s.place for s in later} & {place for _, place in found.value.terms}:
            value.append(f"total = {total}")
            total = "total"
        both = ", ".join([total, *called.values()])
        lines = [*before, *value, *slope, *by, f"sums.append([{both}])", self._share()]
        if hides:  # which no sign or choice of slopes may hide
            lines.append("if math.isnan(sums[-1][0]):")
            lines.append(f"    {SLOPE}.masked_fill_({self.library}.isnan(one - other), math.nan)")
        return lines

    def _chained(self, name: str, before: str, made: Collection[str]) -> str:
        """The sum of the derivative in a parameter as one statement, "" if it takes more."""
        total = self.found.by[name]
        steps, (term, *more) = self._steps(total.steps, set(made)), self._terms(total)
        what = total.terms[0][1]
        if steps:
            start = f"{what} = "
            term = term.replace(f"{what}.sum()", f"{steps[0].removeprefix(start)}.sum()")
            if what not in (total.steps[-1].place, steps[0][: len(what)]):
                return ""
        text = f"{before} and {term}"
        return text if not more and len(steps) < 2 and len(text) <= self._width else ""

    def _share(self) -> str:
        """The slope, divided by the number of elements for a mean."""
        share = self.numbers.expression(_times(self.found.stretch, Name("ctx.share")))
        if self.found.place == SLOPE:
            return f"{SLOPE}.mul_({share})"
        return f"{self.library}.mul({self.found.place}, {share}, out={SLOPE})"

    @property
    def _width(self) -> int:
        return self.numbers.syntax.width - self.indent

    @property
    def guarded(self) -> bool:
        return bool(self._guard())

    def _guard(self) -> list[str]:
        """Nothing is summed at special parameters, or where a residual may be too large."""
        before, conditions = self._far()
        conditions = [*map(self.numbers.expression, self.special), *conditions]
        if not conditions:
            return []
        return [*before, f"if {' or '.join(conditions)}:", "    return [math.nan]"]

    def _far(self) -> tuple[list[str], list[str]]:
        bounds = [self.numbers.expression(b) for b in self.found.bounds]
        if not bounds and not self.found.infinite:
            return [], []
        least = ["math.inf", *bounds][-1] if len(bounds) < 2 else f"min({', '.join(bounds)})"
        far = f"not {self.library}.linalg.vector_norm({DIFFERENCE}).item() < "
        if len(f"if {far}{least}:") > self._width:
            return [f"most = {least}"], [f"{far}most"]
        return [], [f"{far}{least}"]

    def _terms(self, total: Total) -> list[str]:
        return [self.numbers.expression(_times(f, Name(_summed(w)))) for f, w in total.terms]

    def _sum(self, total: Total) -> str:
        """The sum of the terms, of which `_whole` makes NaN where they cancel."""
        terms = self._terms(total)
        return terms[0] if len(terms) == 1 else f"_whole({', '.join(terms)})"

    def _steps(self, steps: Sequence[Step], made: set[str]) -> list[str]:
        """The calls; the first value in a buffer makes it."""
        lines: list[str] = []
        place = ""
        for step in steps:
            text, chained = self._call(step)
            if step.place not in made:
                made.add(step.place)
                if step.op == "growth":
                    lines.append(f"{step.place} = {self.library}.empty_like({DIFFERENCE})")
                text = text.replace(f", out={step.place})", ")")
                text = text if " = " in text else f"{step.place} = {text}"
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
            if not isinstance(first, str):  # the tensor decides what == means
                return f"{place} = {args[1]} {_TURNED[step.op]} {args[0]}", False
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
