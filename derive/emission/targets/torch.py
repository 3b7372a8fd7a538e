"""PyTorch: tensors of any floating dtype; parameters are tensors in every formula."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from derive.emission.printer import NoSpelling, Printer
from derive.emission.render import block, function
from derive.emission.syntax import ATOM, BOTH, EITHER, PYTHON, Called, Infix, Pattern, Syntax
from derive.emission.target import Target
from derive.emission.text import fitted
from derive.numerics.nodes import Call, Name, Node, Number
from derive.program.branchless import branchless, is_plain
from derive.program.expanded import substituted
from derive.program.module import Function, Module, Parameter
from derive.program.sweep import DIFFERENCE, NUMBER, SLOPE, Step, Sweep, Total, sweep

_FUNCTIONS = [
    "abs", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "erf", "erfc", "digamma", "where",
]  # fmt: skip

SYNTAX = Syntax(
    operations={
        **PYTHON,
        "and": Infix("&", BOTH),
        "or": Infix("|", EITHER),
        **{name: Called(f"torch.{name}") for name in _FUNCTIONS},
        "patch": Called("torch.where"),
        "loggamma": Called("torch.lgamma"),
        "clamp": Called("torch.clamp"),
        "is_nan": Called("torch.isnan"),
        "exp_series": Called("_exp_series", listed=1),
        "copy": Pattern("{0}.clone()", ATOM),
        "trigamma": Pattern("torch.polygamma(1, {0})", ATOM),
        "gamma": Pattern("torch.exp(torch.lgamma({0}))", ATOM),
        "min": Pattern("torch.clamp({0}, max={1})", ATOM),
        "max": Pattern("torch.clamp({0}, min={1})", ATOM),
        "horner": Called("_horner", listed=1),
        "sign": Called("_sign"),
        "product_error": Called("_product_error"),
    },
    infinity="math.inf",
    not_a_number="math.nan",
    as_it_is="  # fmt: skip",
    escapes={"\\": "\\\\", '"""': '\\"\\"\\"'},
)

# What Python computes with the parameters of a block, which are numbers there.
NUMBERS = Syntax(
    operations={
        **PYTHON,
        "abs": Called("abs"),
        "min": Called("min"),
        "max": Called("max"),
        **{n: Called(f"math.{n}") for n in ("sqrt", "exp", "expm1", "log", "log1p")},
        "loggamma": Called("math.lgamma"),
        "gamma": Called("math.gamma"),
        "sign": Pattern("math.copysign(1.0, {0})", ATOM),
    },
    infinity="math.inf",
    not_a_number="math.nan",
)


def context(module: Module, printer: Printer) -> Mapping[str, Any]:
    """What the template of a loss file needs beside what every target prints."""
    x = module.residual
    firsts = [f"d_{v}" for v in module.variables]
    formulas = [
        {
            "name": f.name,
            "meaning": function(f, printer)["meaning"],
            "lines": block(branchless(f, module), printer, 1),
        }
        for f in module.functions
        if f.name != "value_and_grad"
    ]
    signature = ", ".join(
        [f"{x}: Tensor", *(f"{p.name}: Any = {printer.real(p.default)}" for p in module.parameters)]
    )
    swapped = len(module.parameters) == 1
    first = module.parameters[0] if swapped else None
    closed, program = not is_plain(module), _block(module)
    return {
        "formulas": formulas,
        "signature": signature,
        "exports": _exports([_class_name(module), *(f.name for f in module.functions)]),
        "class_name": _class_name(module),
        "example": "0.0",
        "given": [
            "self",
            *(f"{p.name}: Any = {printer.real(p.default)}" for p in module.parameters),
            f'reduction: {"Any" if swapped else "str"} = "mean"',
            "*",
            "validate: bool = False",
        ],
        "rules": _rules(module, printer),
        "named": _tuple([p.name for p in module.parameters]),
        "own": ", ".join(f"self.{p.name}" for p in module.parameters),
        "shown": ", ".join(f'"{n}"' for n in [*(p.name for p in module.parameters), "reduction"]),
        "swapped": (
            {"name": first.name, "default": printer.real(first.default)} if first else None
        ),
        "closed": closed,
        "masked": not module.operations.isdisjoint({"abs", "min", "max", "clamp"}),
        "slopes": _slopes(module),
        "diverging": [
            (module.variables.index(name), _tuple([repr(p) for p in points]))
            for name, points in module.diverging.items()
            if points
        ],
        "firsts": _tuple(firsts),
        "sums": _tuple(["loss", *firsts[1:]]),
        "block": program,
        "exact": program is None or program["guarded"],
    }


def _exports(names: Sequence[str]) -> list[str]:
    """The names in lists that each fit on a line."""
    lines = textwrap.wrap(", ".join(f'"{n}"' for n in sorted(names)), 85)
    return [line.rstrip(",") for line in lines]


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


def _rules(module: Module, printer: Printer) -> list[str]:
    """(name, rule, test) of each parameter; one alone with a comma, to be a tuple."""
    rows = [f'("{p.name}", "{p.rule}", lambda p: {_test(p, printer)})' for p in module.parameters]
    return [f"{rows[0]},"] if len(rows) == 1 else rows


def _test(parameter: Parameter, printer: Printer) -> str:
    """The condition on a parameter, in the letter p."""
    return printer.expression(substituted(parameter.condition, {parameter.name: Name("p")}))


def _class_name(module: Module) -> str:
    return "".join(part.capitalize() for part in module.name.split("_")) + "Loss"


def _slopes(module: Module) -> list[dict[str, Any]]:
    """The functions of which all derivatives are in the file, too, and these."""
    rows = []
    for f in module.functions:
        if f.name == "loss" or f.by:
            found = [module.derivative(*f.by, v) for v in module.variables]
            names = [g.name for g in found if isinstance(g, Function)]
            if len(names) == len(found):
                rows.append({"name": f.name, "by": names})
    return rows


def _block(module: Module) -> Mapping[str, Any] | None:
    """The block program as lines, None where there is none."""
    found = sweep(module)
    if found is None:
        return None
    try:
        special = [c for c in module.special if not _beyond(c)]
        lines = _Calls(found, special).lines(tuple(p.name for p in module.parameters))
    except NoSpelling:
        return None
    names = [p.name for p in module.parameters]
    return {
        "lines": lines,
        "buffers": list(found.buffers),
        "difference": DIFFERENCE,
        "slope": SLOPE,
        "arguments": [
            f"{DIFFERENCE}: Tensor",
            f"{SLOPE}: Tensor",
            "spare: list[Tensor]",
            "ctx: Any",
            *(f"{n}: float" for n in names),
        ],
        "summed": ", ".join(["loss", *(f"d_{n}" for n in names)]),
        "guarded": bool(found.infinite or found.bounds or found.risky or found.cancels),
        "risky": found.risky,
        "cancels": found.cancels,
        "grows": any(s.op == "growth" for s in found.steps),
    }


def _beyond(condition: Node) -> bool:
    """Whether it is about a value that is no ordinary one: 0, or infinite."""
    if not isinstance(condition, Call) or condition.op != "eq":
        return False
    value = condition.args[1]
    return isinstance(value, Number) and (value.value == 0 or abs(value.value) == math.inf)


class _Calls:
    """Steps as lines of Python: calls with out=, or in place, one after the other."""

    def __init__(self, found: Sweep, special: Sequence[Node]) -> None:
        self._found, self._special = found, special
        self._printer = Printer(NUMBERS)

    def lines(self, names: Sequence[str]) -> list[str]:
        found = self._found
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
            text = fitted(terms, start, end, 4, width=SYNTAX.width - SYNTAX.indent)
            lines += text.split("\n")
        share = self._printer.expression(_times(found.stretch, Name("ctx.share")))
        if found.place == SLOPE:
            lines.append(f"{SLOPE}.mul_({share})")
        else:
            lines.append(f"torch.mul({found.place}, {share}, out={SLOPE})")
        return lines

    def _guard(self) -> list[str]:
        """Nothing is summed at special parameters, or where a residual may be too large."""
        lines = []
        for condition in self._special:
            lines += [f"if {self._printer.expression(condition)}:", "    return [math.nan]"]
        return [*lines, *self._far()]

    def _far(self) -> list[str]:
        bounds = [self._printer.expression(b) for b in self._found.bounds]
        if not bounds and not self._found.infinite:
            return []
        least = ["math.inf", *bounds][-1] if len(bounds) < 2 else f"min({', '.join(bounds)})"
        far = f"if not torch.linalg.vector_norm({DIFFERENCE}).item() < "
        lines = [f"{far}{least}:"]
        if len(lines[0]) > SYNTAX.width - SYNTAX.indent:
            lines = [f"most = {least}", f"{far}most:"]
        return [*lines, "    return [math.nan]"]

    def _terms(self, total: Total) -> list[str]:
        return [self._printer.expression(_times(f, Name(_summed(w)))) for f, w in total.terms]

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
        args = [a if isinstance(a, str) else self._printer.expression(a) for a in step.arguments]
        first, place = step.arguments[0], step.place
        if step.op in ("lt", "le", "eq", "ne"):
            return f"{place} = {args[0]} {SYNTAX.operations[step.op].sign} {args[1]}", False  # type: ignore[union-attr]
        if step.op in ("and", "or"):
            return f"{place} = {args[0]} {'&' if step.op == 'and' else '|'} {args[1]}", False
        if step.op == "where":
            values = [
                a if isinstance(s, str) else f"{DIFFERENCE}.new_full((), {a})"
                for s, a in zip(step.arguments, args, strict=True)
            ]
            return f"torch.where({', '.join(values)}, out={place})", False
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
        return f"torch.{name}({', '.join(args)}, out={place})", False


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


TARGET = Target(
    name="torch",
    title="PyTorch",
    folder="for_torch",
    suffix=".py",
    syntax=SYNTAX,
    template="loss.py.j2",
    density="density.py.j2",
    runtime=("_special.py", "_quadrature.py", "_density.py", "_distribution.py", "_adaptive.py"),
    package="package.py.j2",
    library="torch",
    dtype="float32",
    more=context,
)
