"""The strict printer: nodes to Python text, in the order in which the nodes were written."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from derive.numerics.nodes import Call, Local, Name, Node, Number

WIDTH = 96
_INFIX = {"add": ("+", 4), "sub": ("-", 4), "mul": ("*", 5), "div": ("/", 5), "pow": ("**", 7),
          "lt": ("<", 2), "le": ("<=", 2), "eq": ("==", 2), "ne": ("!=", 2), "and": ("&", 3),
          "or": ("|", 3)}  # fmt: skip
_UNARY = 6
_ATOM = 9


@dataclass(frozen=True)
class Dialect:
    """How a target spells what is not an infix operator.

    spell(op, arguments, varies) -> (callable name, arguments); lazy operations wrap an argument
    in a lambda. infinity: the word for inf. choice: what picks between two numbers by a condition
    on the residual, if the target's `where` cannot; it gets the residual as a last argument.
    of_numbers: what takes the place of an infix operation between parameters, which may be Python
    numbers: Python raises where IEEE arithmetic has an infinity.
    """

    infinity: str
    spell: Callable[[str, tuple[bool, ...]], str]
    lazy: Mapping[str, int]
    choice: str = ""
    of_numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Printer:
    """varying: the names that depend on the residual; nonzero: the parameters that are never
    0, None where no divisor can be 0."""

    dialect: Dialect
    helpers: frozenset[str]
    varying: frozenset[str]
    quantity_arguments: str = ""
    like: str = ""
    nonzero: frozenset[str] | None = None

    def expression(self, current: Node) -> str:
        return self._print(current, 0)

    def lines(self, head: str, current: Node, indent: int) -> list[str]:
        """`head` and the expression, broken where it is wider than the page."""
        pad = " " * indent
        flat = f"{pad}{head}{self.expression(current)}"
        if len(flat) <= WIDTH:
            return [flat]
        broken = self._broken(current, indent)
        return [f"{pad}{head}{broken[0]}", *broken[1:]]

    def varies(self, current: Node) -> bool:
        if isinstance(current, Name):
            return current.name in self.varying
        if isinstance(current, Call):
            called = current.op in ("quantity", "far_limit")
            return called or any(self.varies(a) for a in current.args)
        return False

    def _print(self, current: Node, outer: int) -> str:
        text, level = self._text(current)
        return f"({text})" if level < outer else text

    def _text(self, current: Node) -> tuple[str, int]:
        if isinstance(current, Name):
            return current.name, _ATOM
        if isinstance(current, Number):
            return number(current.value, self.dialect.infinity)
        if isinstance(current, Local):
            return self._text(current.value)
        assert isinstance(current, Call)
        if current.op in _INFIX:
            return self._infix(current)
        if current.op == "quantity":
            assert isinstance(current.args[0], Name)
            return f"_{current.args[0].name}({self.quantity_arguments})[0]", _ATOM
        if current.op == "far_limit":
            assert isinstance(current.args[0], Name)
            return f"_far_limit(_{current.args[0].name}, {self.quantity_arguments})", _ATOM
        if current.op == "neg":
            return f"-{self._print(current.args[0], _UNARY)}", _UNARY
        name, args = self._called(current)
        return f"{name}({', '.join(args)})", _ATOM

    def _infix(self, current: Call) -> tuple[str, int]:
        sign, level = _INFIX[current.op]
        left, right = current.args
        of_numbers = self.dialect.of_numbers.get(current.op, "")
        if of_numbers and not self.varies(current) and not self._is_safe(current):
            return f"{of_numbers}({self.expression(left)}, {self.expression(right)})", _ATOM
        if current.op == "pow":
            return f"{self._print(left, level + 1)} ** {self._print(right, level)}", level
        return f"{self._print(left, level)} {sign} {self._print(right, level + 1)}", level

    def _is_safe(self, current: Call) -> bool:
        """A quotient whose divisor is never 0."""
        if current.op != "div" or self.nonzero is None:
            return current.op == "div"
        divisor = current.args[1]
        if isinstance(divisor, Call) and divisor.op == "sqrt":
            divisor = divisor.args[0]
        if isinstance(divisor, Name):
            return divisor.name in self.nonzero
        return isinstance(divisor, Number)

    def _called(self, current: Call) -> tuple[str, list[str]]:
        args = [self.expression(a) for a in current.args]
        if current.op in self.helpers:
            return f"_{current.op}", args
        kinds = tuple(self.varies(a) for a in current.args)
        if current.op == "where" and self.dialect.choice and kinds[0] and not all(kinds[1:]):
            return self.dialect.choice, [*args, self.like]
        if current.op == "horner":
            args = [args[0], f"({', '.join(args[1:])})"]
        if current.op in self.dialect.lazy:
            place = self.dialect.lazy[current.op]
            args[place] = f"lambda: {args[place]}"
        return self.dialect.spell(current.op, kinds), args

    def _broken(self, current: Node, indent: int) -> list[str]:
        """The expression over several lines; the first starts behind whatever stands before."""
        inner = " " * (indent + 4)
        if isinstance(current, Call) and current.op == "neg":
            first, *rest = self._broken(current.args[0], indent)
            return [f"-{first}", *rest]
        if isinstance(current, Call) and current.op not in _INFIX:
            name, flat = self._called(current)
            lines = [f"{name}("]
            if current.op == "horner":
                body = textwrap.wrap(
                    flat[1][1:-1],
                    max(WIDTH - indent - 8, 24),
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                inside = [f"{inner}    {line}" for line in body]
                return [*lines, f"{inner}{flat[0]},", f"{inner}(", *inside, f"{inner}),",
                        f"{' ' * indent})"]  # fmt: skip
            for text, argument in zip(flat, current.args, strict=False):
                if len(inner) + len(text) < WIDTH:
                    lines.append(f"{inner}{text},")
                    continue
                prefix = "lambda: " if text.startswith("lambda: ") else ""
                parts = self._broken(argument, indent + 4)
                lines.append(f"{inner}{prefix}{parts[0]}")
                lines.extend(parts[1:])
                lines[-1] += ","
            lines += [f"{inner}{extra}," for extra in flat[len(current.args) :]]
            return [*lines, f"{' ' * indent})"]
        if not isinstance(current, Call):
            return [self.expression(current)]
        return ["(", *self._terms(current, indent + 4), f"{' ' * indent})"]

    def _terms(self, current: Node, indent: int) -> list[str]:
        """A chain of one precedence, one operand a line."""
        pad = " " * indent
        flat = self.expression(current)
        if len(pad) + len(flat) <= WIDTH:
            return [f"{pad}{flat}"]
        if not (isinstance(current, Call) and current.op in _INFIX):
            return self._piece("", current, indent, 0)
        sign, level = _INFIX[current.op]
        left, right = current.args
        same = isinstance(left, Call) and left.op in _INFIX and _INFIX[left.op][1] == level
        first = self._terms(left, indent) if same else self._piece("", left, indent, level)
        return [*first, *self._piece(f"{sign} ", right, indent, level + 1)]

    def _piece(self, prefix: str, current: Node, indent: int, outer: int) -> list[str]:
        pad = " " * indent
        flat = f"{pad}{prefix}{self._print(current, outer)}"
        if len(flat) <= WIDTH or not isinstance(current, Call):
            return [flat]
        broken = self._broken(current, indent)
        return [f"{pad}{prefix}{broken[0]}", *broken[1:]]


def number(value: Fraction | float, infinity: str) -> tuple[str, int]:
    """A literal and its precedence; rationals are rounded once, here."""
    if isinstance(value, float) and math.isinf(value):
        return (infinity, _ATOM) if value > 0 else (f"-{infinity}", _UNARY)
    if isinstance(value, float) and math.isnan(value):
        return 'float("nan")', _ATOM
    exact = Fraction(value)
    text, level = _magnitude(abs(exact))
    return (text, level) if exact >= 0 else (f"-{text}", _UNARY)


def _magnitude(exact: Fraction) -> tuple[str, int]:
    if exact.denominator == 1 and exact < 10**6:
        return str(exact.numerator), _ATOM
    mantissa, exponent = math.frexp(float(exact))
    if mantissa == 0.5 and not 2.0**-8 <= exact <= 2.0**19:
        return f"2.0**{exponent - 1}", 7
    return repr(float(exact)), _ATOM
