"""The printer: one walk over nodes, in the order in which they were written, by a syntax table."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.emission.syntax import (
    ATOM,
    POWER,
    PRODUCT,
    SIGN,
    Called,
    Infix,
    Pattern,
    Prefix,
    Syntax,
)
from derive.numerics.nodes import Call, Local, Name, Node, Number


class NoSpelling(Exception):
    """The table of a target lacks an operation."""


@dataclass(frozen=True)
class Printer:
    """helpers: the operations that are private functions of the file."""

    syntax: Syntax
    helpers: frozenset[str] = frozenset()

    def expression(self, current: Node) -> str:
        return self._print(current, 0)

    def lines(self, head: str, current: Node, indent: int) -> list[str]:
        """`head` and the expression, broken where it is wider than the page."""
        pad = " " * indent
        flat = f"{pad}{head}{self.expression(current)}"
        if len(flat) <= self.syntax.width:
            return [flat]
        broken = self._broken(current, indent, len(head))
        return [f"{pad}{head}{broken[0]}", *broken[1:]]

    def table(self, head: str, numbers: Sequence[Node], indent: int) -> list[str]:
        """A list of numbers, as many on a line as it holds."""
        opening, closing = self.syntax.brackets
        pad, step = " " * indent, " " * (indent + self.syntax.indent)
        texts = ", ".join(map(self.expression, numbers))
        if len(pad + head + texts) + 2 <= self.syntax.width:
            return [f"{pad}{head}{opening}{texts}{closing}{self.syntax.end}"]
        words = [f"{self.expression(n).replace(' ', chr(0))}," for n in numbers]
        lines = textwrap.wrap(" ".join(words), self.syntax.width, initial_indent=step,
                              subsequent_indent=step, break_long_words=False,
                              break_on_hyphens=False)  # fmt: skip
        body = [line.replace(chr(0), " ") for line in lines]
        last = f"{pad}{closing}{self.syntax.end}{self.syntax.as_it_is}"
        return [f"{pad}{head}{opening}", *body, last]

    def real(self, value: float) -> str:
        """A literal that is no whole number to the language."""
        text = self._number(value)[0]
        return f"{text}.0" if text.lstrip("-").isdigit() else text

    def _print(self, current: Node, outer: int) -> str:
        text, level = self._text(current)
        return f"({text})" if level < outer else text

    def _text(self, current: Node) -> tuple[str, int]:
        if isinstance(current, Name):
            return current.name, ATOM
        if isinstance(current, Number):
            return self._number(current.value)
        if isinstance(current, Local):
            return self._text(current.value)
        assert isinstance(current, Call)
        current = self._turned(current)
        spelling = self._spelling(current)
        if isinstance(spelling, Infix):
            left, right = current.args
            one, other = spelling.level + 1, spelling.level
            if not spelling.from_right:
                one, other = other, one
            sign = spelling.sign if self._hugs(current, spelling) else f" {spelling.sign} "
            return f"{self._print(left, one)}{sign}{self._print(right, other)}", spelling.level
        if isinstance(spelling, Prefix):
            # -(a ** b): the brackets say what Python means anyway.
            power = self._text(current.args[0])[1] == POWER
            inside = self._print(current.args[0], ATOM if power else spelling.level)
            return f"{spelling.sign}{inside}", spelling.level
        if isinstance(spelling, Pattern):
            least = 0 if spelling.level == ATOM else spelling.level + 1
            args = (self._print(a, least) for a in current.args)
            return spelling.pattern.format(*args), spelling.level
        return f"{spelling.name}({', '.join(self._arguments(current, spelling))})", ATOM

    def _hugs(self, current: Call, spelling: Infix) -> bool:
        """Whether the sign stands without spaces, between a name or a number on both sides."""
        if not spelling.hugs:
            return False
        left, right = (self._text(a) for a in current.args)
        plain = left[1] == ATOM and isinstance(current.args[0], Name | Number)
        return plain and isinstance(current.args[1], Name | Number) and right[1] in (ATOM, SIGN)

    def _turned(self, current: Call) -> Call:
        """0 < p as p > 0 and c < f(x) as f(x) > c, where the language has the sign."""
        turned = {"lt": "gt", "le": "ge"}.get(current.op, "")
        if turned not in self.syntax.operations:
            return current
        left, right = current.args
        fixed, other = (
            isinstance(n, Number) or (isinstance(n, Call) and n.op == "least")
            for n in (left, right)
        )
        bound = not isinstance(left, Call) and isinstance(right, Call)
        if fixed or (bound and not other):
            return Call(turned, current.args[::-1])
        return current

    def _spelling(self, current: Call) -> Infix | Prefix | Called | Pattern:
        if current.op == "quantity":
            assert isinstance(current.args[0], Name)
            return Called(self.syntax.function.format(current.args[0].name))
        if current.op in self.helpers:
            return Called(self.syntax.helper.format(current.op))
        if current.op not in self.syntax.operations:
            raise NoSpelling(current.op)
        return self.syntax.operations[current.op]

    def _arguments(self, current: Call, spelling: Called) -> list[str]:
        nodes = current.args[1:] if current.op == "quantity" else current.args
        before = spelling.later.get
        args = [f"{before(place, '')}{self.expression(a)}" for place, a in enumerate(nodes)]
        named = len(nodes) == 2 and isinstance(nodes[-1], Name)
        if spelling.listed is not None and not named:
            opening, closing = spelling.brackets
            inside = ", ".join(args[spelling.listed :])
            args = [*args[: spelling.listed], f"{opening}{inside}{closing}"]
        return args

    def _number(self, value: Fraction | float) -> tuple[str, int]:
        """A literal and its level; what is not exact is rounded once, here."""
        if isinstance(value, float) and math.isnan(value):
            return self.syntax.not_a_number, ATOM
        if isinstance(value, float) and math.isinf(value):
            text, level = self.syntax.infinity, ATOM
        else:
            text, level = self._magnitude(abs(Fraction(value)))
        if value >= 0:
            return text, level
        if level == POWER:
            return f"-({text})", SIGN  # the brackets say what Python means anyway
        return f"-{text}", SIGN if level == ATOM else level

    def _magnitude(self, exact: Fraction) -> tuple[str, int]:
        if exact.denominator == 1 and exact < 10**6:
            return str(exact.numerator), ATOM
        if exact.denominator < 1000 and exact < 1000 and exact.denominator & exact.denominator - 1:
            return self.syntax.fraction.format(exact.numerator, exact.denominator), PRODUCT
        mantissa, exponent = math.frexp(float(exact))
        if mantissa == 0.5 and not 2.0**-8 <= exact <= 2.0**19:
            return self.syntax.power_of_two.format(exponent - 1), POWER
        text = repr(float(exact)).replace("e+", "e")
        short = f"{float(exact):.0e}".replace("e+0", "e").replace("e+", "e")  # 1e9
        plain = exact >= 10**6 and "e" not in text
        return short if plain and float(short) == exact else text, ATOM

    # Lines wider than the page, broken as the formatters of Python do it.

    def _broken(self, current: Node, indent: int, before: int = 0) -> list[str]:
        """The expression over several lines; the first starts behind whatever stands before."""
        if not isinstance(current, Call):
            return [self.expression(current)]
        spelling = self._spelling(current)
        if isinstance(spelling, Called):
            return self._broken_call(current, spelling, indent)
        if isinstance(spelling, Pattern):
            return [self.expression(current)]
        if isinstance(spelling, Prefix) and self._is_call(current.args[0]):
            first, *rest = self._broken(current.args[0], indent, before + 1)
            return [f"{spelling.sign}{first}", *rest]
        if isinstance(spelling, Prefix):
            step = indent + self.syntax.indent
            inside = self._terms(current.args[0], step, split=True)
            return [f"{spelling.sign}(", *inside, f"{' ' * indent})"]
        if isinstance(spelling, Infix):
            left, right = current.args
            start = f"{self._print(left, spelling.level)} {spelling.sign} "
            alone = not self._same_level(left, spelling)
            if alone and self._is_call(right) and not self._is_call(left):
                first, *rest = self._broken(right, indent)
                if indent + before + len(start) + len(first) <= self.syntax.width:
                    return [f"{start}{first}", *rest]
        step = indent + self.syntax.indent
        return ["(", *self._terms(current, step), f"{' ' * indent})"]

    def _is_call(self, current: Node) -> bool:
        return isinstance(current, Call) and isinstance(self._spelling(current), Called)

    def _same_level(self, current: Node, spelling: Infix) -> bool:
        if not isinstance(current, Call):
            return False
        other = self._spelling(current)
        return isinstance(other, Infix) and other.level == spelling.level

    def _broken_call(self, current: Call, spelling: Called, indent: int) -> list[str]:
        step = indent + self.syntax.indent
        inner = " " * step
        flat = self._arguments(current, spelling)
        if step + len(", ".join(flat)) <= self.syntax.width:
            return [f"{spelling.name}(", f"{inner}{', '.join(flat)}", f"{' ' * indent})"]
        nodes = current.args[1:] if current.op == "quantity" else current.args
        if len(nodes) == 1 and not self._is_call(nodes[0]):
            return [f"{spelling.name}(", *self._terms(nodes[0], step), f"{' ' * indent})"]
        lines = [f"{spelling.name}("]
        for place, text in enumerate(flat):
            if step + len(text) < self.syntax.width:
                lines.append(f"{inner}{text},")
            elif place == spelling.listed:
                lines += self._list(nodes[place:], spelling.brackets, step)
            else:
                before = spelling.later.get(place, "")
                first, *rest = self._broken(nodes[place], step, len(before))
                lines += [f"{inner}{before}{first}", *rest]
                lines[-1] += ","
        return [*lines, f"{' ' * indent})"]

    def _list(self, items: Sequence[Node], brackets: tuple[str, str], indent: int) -> list[str]:
        pad = " " * indent
        inner = " " * (indent + self.syntax.indent)
        opening, closing = brackets
        return [
            f"{pad}{opening}",
            *(f"{inner}{self.expression(i)}," for i in items),
            f"{pad}{closing},",
        ]

    def _terms(self, current: Node, indent: int, split: bool = False) -> list[str]:
        """A chain of one level, one operand a line; split: although it would fit on a line."""
        flat = f"{' ' * indent}{self.expression(current)}"
        if not split and len(flat) <= self.syntax.width:
            return [flat]
        spelling = self._spelling(current) if isinstance(current, Call) else None
        if not isinstance(current, Call) or not isinstance(spelling, Infix):
            return self._piece("", current, indent, 0)
        left, right = current.args
        inside = self._spelling(left) if isinstance(left, Call) else None
        if isinstance(inside, Infix) and inside.level >= spelling.level:
            first = self._terms(left, indent, split=inside.level == spelling.level)
        else:
            first = self._piece("", left, indent, spelling.level)
        return [*first, *self._piece(f"{spelling.sign} ", right, indent, spelling.level + 1)]

    def _piece(self, prefix: str, current: Node, indent: int, outer: int) -> list[str]:
        pad = " " * indent
        flat = f"{pad}{prefix}{self._print(current, outer)}"
        if len(flat) <= self.syntax.width or not isinstance(current, Call):
            return [flat]
        if self._text(current)[1] < outer:
            step = indent + self.syntax.indent
            return [f"{pad}{prefix}(", *self._terms(current, step), f"{pad})"]
        broken = self._broken(current, indent)
        return [f"{pad}{prefix}{broken[0]}", *broken[1:]]
