"""The prose of a generated file: docstrings, signatures, messages. Nothing here is code."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol
from sympy.printing.str import StrPrinter

from derive.definitions.loss import Loss

WIDTH = 96


class _Plain(StrPrinter):  # type: ignore[misc]
    """Formulas as people type them: ^ for powers, |x| for absolute values."""

    def _print_Abs(self, expr: Expr) -> str:
        return f"|{self._print(expr.args[0])}|"

    def _print_Pow(self, expr: Expr, rational: bool = False) -> str:
        return super()._print_Pow(expr, rational=rational).replace("**", "^")  # type: ignore[no-any-return]

    def _print_Piecewise(self, expr: Expr) -> str:
        parts = []
        for value, condition in expr.args:
            when = "otherwise" if condition == sympy.true else f"if {self._print(condition)}"
            parts.append(f"{self._print(value)} {when}")
        return ", ".join(parts)

    def _print_Infinity(self, expr: Expr) -> str:
        return "inf"

    def _print_NegativeInfinity(self, expr: Expr) -> str:
        return "-inf"


def formula(expression: Expr) -> str:
    return str(_Plain({"order": "none"}).doprint(expression))


def definition_lines(loss: Loss) -> list[str]:
    """`loss = …` in the paper's letters, with its named sub-expressions below."""
    lines = [f"loss = {formula(loss.loss)}"]
    lines += [f"{name} = {formula(name.definition)}" for name in loss.where]
    return lines


def domain_line(loss: Loss) -> str:
    parts = [f"{v.name} {rule(loss, v)}" for v in loss.variables]
    return f"Domain: {', '.join(parts)}."


def rule(loss: Loss, variable: Symbol) -> str:
    """The domain of a variable in words."""
    domain = loss.domain(variable)
    low, high = domain.inf, domain.sup
    if (low, high) == (-sympy.oo, sympy.oo):
        extended = domain.contains(sympy.oo) == True  # noqa: E712
        return "in [-inf, inf]" if extended else "real"
    if high == sympy.oo and low == 0 and domain.contains(high) != True:  # noqa: E712
        return "> 0" if domain.contains(low) != True else ">= 0"  # noqa: E712
    left = "[" if domain.contains(low) == True else "("  # noqa: E712
    right = "]" if domain.contains(high) == True else ")"  # noqa: E712
    return f"in {left}{formula(low)}, {formula(high)}{right}"


def quoted(text: str) -> str:
    """Any text inside a triple-quoted docstring, where it means itself."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def docstring(lines: list[str], indent: int) -> str:
    pad = " " * indent
    wrapped: list[str] = []
    for line in lines:
        hanging = "    " if line.startswith("    ") else ""
        pieces = textwrap.wrap(
            line, WIDTH - indent, subsequent_indent=hanging + ("  " if hanging else ""),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        wrapped += pieces or [""]
    safe = [quoted(line) for line in wrapped]
    if len(safe) == 1 and len(safe[0]) + indent + 6 <= WIDTH and not safe[0].endswith('"'):
        return f'{pad}"""{safe[0]}"""'
    safe[0] = f'{pad}"""{safe[0]}'
    rest = [f"{pad}{line}" if line else "" for line in safe[1:]]
    return "\n".join([safe[0], *rest, f'{pad}"""'])


_MEANING: Mapping[str, str] = {
    "loss": "{title}, elementwise.",
    "weight": (
        "d_{x}/{x}, continued at {x} = 0: the weight of iteratively reweighted least squares."
    ),
    "value_and_grad": "(loss, d_{x}) in one pass.",
    "log_partition": "log Z, Z the integral of exp(-loss) over all real {x}.",
    "log_density": "-loss - log Z: the logarithm of the density.",
    "density": "exp(-loss)/Z: the density whose negative logarithm is the loss, up to log Z.",
}


def meaning(loss: Loss, name: str) -> str:
    x = loss.residual.name
    if name in _MEANING:
        return _MEANING[name].format(title=loss.title.rstrip("."), x=x)
    what = "log Z" if "log_partition" in name else "the loss"
    kind, _, variables = name.replace("log_partition_", "").partition("_")
    if kind == "d":
        return f"The first derivative of {what} in {variables}."
    names = [v.name for v in loss.variables]
    for v in names:
        if variables == v:
            return f"The second derivative of {what} in {v}."
        for w in names:
            if variables == f"{v}_{w}":
                return f"The mixed second derivative of {what} in {v} and {w}."
    return name


def command(loss: Loss, target: str, subject: str) -> str:
    return f"derive regenerate {subject} --target {target}"
