"""Formulas as LaTeX in the order and shape of the paper; a closed vocabulary, nothing guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, Symbol, default_sort_key
from sympy.logic.boolalg import Boolean

from derive.definitions.notation import oriented
from derive.definitions.order import divided, flat, halved, joins_roots, over_roots, rank, terms
from derive.errors import BadInput

OPERATORS: Mapping[Any, str] = {
    sympy.log: r"\ln", sympy.sin: r"\sin", sympy.cos: r"\cos", sympy.tan: r"\tan",
    sympy.asin: r"\arcsin", sympy.acos: r"\arccos", sympy.atan: r"\arctan",
    sympy.sinh: r"\sinh", sympy.cosh: r"\cosh", sympy.tanh: r"\tanh", sympy.coth: r"\coth",
    sympy.sech: r"\operatorname{sech}", sympy.csch: r"\operatorname{csch}",
    sympy.asinh: r"\operatorname{arsinh}", sympy.acosh: r"\operatorname{arcosh}",
    sympy.atanh: r"\operatorname{artanh}", sympy.sign: r"\operatorname{sgn}",
    sympy.erf: r"\operatorname{erf}", sympy.erfc: r"\operatorname{erfc}",
    sympy.erfi: r"\operatorname{erfi}", sympy.gamma: r"\Gamma",
    sympy.loggamma: r"\ln\Gamma", sympy.digamma: r"\operatorname{digamma}",
    sympy.Max: r"\max", sympy.Min: r"\min",
}  # fmt: skip
ORDERED: Mapping[Any, str] = {sympy.besselk: "K", sympy.besseli: "I",
                              sympy.polygamma: r"\operatorname{polygamma}"}  # fmt: skip
RELATIONS: Mapping[Any, str] = {
    sympy.StrictLessThan: "<", sympy.LessThan: r"\le", sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: r"\ge", sympy.Equality: "=", sympy.Unequality: r"\ne",
}  # fmt: skip
CONSTANTS: Mapping[Any, str] = {
    sympy.pi: r"\pi", sympy.E: "e", sympy.oo: r"\infty", -sympy.oo: r"-\infty",
    sympy.EulerGamma: r"\gamma_{\mathrm{E}}", sympy.zoo: r"\pm\infty",
}  # fmt: skip
UPRIGHT = r"\mathrm"
TALL = (r"\frac", r"\begin", r"\sqrt", r"\left")

Write = Callable[[Expr], str]


@dataclass(frozen=True)
class Printer:
    """symbols: how each symbol is written, by name."""

    symbols: Mapping[str, str]

    @property
    def has_letter_e(self) -> bool:
        """Whether a variable is called so: then exponentials are written with exp."""
        return r"\mathrm{e}" in self.symbols.values()

    def show(self, expression: Expr) -> str:
        """In display size, fractions stacked."""
        return self._print(expression, False)

    def inline(self, expression: Expr) -> str:
        """On one line, as in an exponent: fractions with a slash."""
        return self._print(expression, True)

    def condition(self, condition: Boolean) -> str:
        """A condition, what is bounded on its left."""
        if condition in (sympy.true, True):
            return r"\text{otherwise}"
        if isinstance(condition, sympy.And | sympy.Or):
            word = r"\text{ and }" if isinstance(condition, sympy.And) else r"\text{ or }"
            return word.join(
                self.condition(c) for c in sorted(condition.args, key=default_sort_key)
            )
        if isinstance(condition, sympy.Not):
            return rf"\text{{not }} {self.condition(condition.args[0])}"
        if condition.func not in RELATIONS:
            raise _unknown(condition)
        condition = oriented(condition)
        left, right = condition.args
        return f"{self.inline(left)} {RELATIONS[condition.func]} {self.inline(right)}"

    def _print(self, e: Expr, inline: bool) -> str:
        if isinstance(e, Symbol):
            return self.symbols[e.name]
        if e == sympy.E and self.has_letter_e:
            return r"\exp(1)"
        if e in CONSTANTS:
            return CONSTANTS[e]
        if e.is_Integer:
            return str(e)
        if isinstance(e, Add):
            shared = halved(e)
            if shared is not None:
                return self._quotient(sympy.S.One, [shared[0]], shared[1], [], inline)
            return self.joined([self.signed(t, inline) for t in terms(e)])
        if isinstance(e, sympy.exp):
            return self._exponential(e, inline)
        if isinstance(e, Mul | Pow | Rational):
            minus, body = self.signed(e, inline)
            return minus + body
        if isinstance(e, sympy.Float):
            return str(e)
        return self._applied(e, inline, "")

    def _applied(self, e: Expr, inline: bool, power: str) -> str:
        if isinstance(e, sympy.Abs):
            body = rf"\left|{self._print(e.args[0], inline)}\right|"
            return f"{body}^{{{power}}}" if power else body
        if isinstance(e, sympy.Piecewise):
            return self._cases(e)
        if e.func in ORDERED:
            name = f"{ORDERED[e.func]}_{{{self.inline(e.args[0])}}}"
            arguments = e.args[1:]
        elif e.func in OPERATORS:
            name, arguments = OPERATORS[e.func], e.args
        else:
            raise _unknown(e)
        if isinstance(e, sympy.Max | sympy.Min):
            arguments = sorted(arguments, key=default_sort_key)
        if power:
            name = f"{name}^{{{power}}}"
        if len(arguments) == 1 and arguments[0].is_Atom and e.func not in ORDERED:
            plain = not arguments[0].could_extract_minus_sign() and not arguments[0].is_Rational
            if plain or (arguments[0].is_Integer and arguments[0] >= 0):
                return f"{name} {self._print(arguments[0], inline)}"
        return applied(name, ", ".join(self._print(a, inline) for a in arguments))

    def _cases(self, e: Expr) -> str:
        rows = [f"{self.show(value)}, & {self.condition(when)}" for value, when in e.args]
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def _exponential(self, e: Expr, inline: bool) -> str:
        (argument,) = e.args
        if self.has_letter_e or argument.has(sympy.Piecewise) or len(self.inline(argument)) > 60:
            return applied(r"\exp", self._print(argument, inline))
        return f"e^{{{self.inline(argument)}}}"

    def _power(self, base: Expr, exponent: Expr, inline: bool) -> str:
        if exponent == 1:
            return self.bracketed(base, inline)
        if exponent == Rational(1, 2):
            return rf"\sqrt{{{self._print(base, inline)}}}"
        over = self.inline(exponent)
        if isinstance(base, sympy.Abs) or (exponent.is_Integer and base.func in OPERATORS):
            return self._applied(base, inline, over)
        if isinstance(base, sympy.exp | sympy.Function | Pow):
            return f"{brackets(self._print(base, inline))}^{{{over}}}"
        return f"{self.bracketed(base, inline)}^{{{over}}}"

    def bracketed(self, e: Expr, inline: bool) -> str:
        """As a factor: in brackets where it is a sum, a product, a fraction or negative."""
        body = self._print(e, inline)
        loose = isinstance(e, Add | Mul | sympy.Piecewise) or (e.is_number and e.is_negative)
        return brackets(body) if loose or (e.is_Rational and not e.is_Integer) else body

    def joined(self, parts: list[tuple[str, str]]) -> str:
        """Signed parts as one sum."""
        first = parts[0][0] + parts[0][1]
        return first + "".join(f" {sign or '+'} {body}" for sign, body in parts[1:])

    def signed(self, e: Expr, inline: bool) -> tuple[str, str]:
        """The sign of a term ("" or "-") and the term without it, never a sum's inner sign."""
        if e.is_Add:
            return "", brackets(self._print(e, inline))
        if not isinstance(e, Mul | Pow | Rational):
            text = self._print(e, inline)
            return ("-", text[1:]) if text.startswith("-") else ("", text)
        coefficient, rest = e.as_coeff_Mul()
        sign = "-" if coefficient.is_negative else ""
        above, below = divided(rest)
        top, bottom = abs(coefficient).as_numer_denom() if coefficient.is_Rational else (1, 1)
        if not coefficient.is_Rational:
            above = [abs(coefficient), *above]
        return sign, self._quotient(top, above, bottom, below, inline)

    def _quotient(
        self, top: Expr, above: list[Expr], bottom: Expr, below: list[Expr], inline: bool
    ) -> str:
        above, bottom, below = over_roots(top, above, bottom, below)
        under = self._product(bottom, below, inline)
        if not under:
            return self._product(top, above, inline) or "1"
        beside = [f for f in above if not flat(f)]
        inside = [f for f in above if flat(f)]
        sums = [f for f in beside if f.is_Add and all(map(flat, f.args))]
        signs = [f for f in beside if isinstance(f, sympy.sign)]
        if len(beside) == len(sums) or len(beside) == len(signs) == 1:
            inside, beside = above, []
        if inline:
            over = self._product(top, above, True) or "1"
            if len(above) == 1 and above[0].is_Add and top == 1:
                over = brackets(over) if not over.startswith("(") else over
            joined = max(sum(map(joins_roots, below)) - 1, 0)  # under one sign
            several = len(below) - joined + (bottom != 1) > 1
            return f"{over}/{brackets(under) if several else under}"
        if not inside and top == 1 and len(beside) == 1 and beside[0].as_base_exp()[0].is_Symbol:
            inside, beside = beside, []
        over = self._product(top, inside, False) or "1"
        if top == 1 and len(inside) == 1 and inside[0].is_Add:
            over = self._print(inside[0], False)
        if bottom == 1 and len(below) == 1 and below[0].is_Add:
            under = self._print(below[0], False)
        after = self._product(sympy.S.One, beside, False)
        return rf"\frac{{{over}}}{{{under}}}" + (f" {after}" if after else "")

    def _product(self, number: Expr, factors: list[Expr], inline: bool) -> str:
        """Factors side by side; with a dot or a space where they would run together."""
        parts = [str(number)] if number != 1 else []
        roots = [f.base for f in factors if joins_roots(f)]
        if len(roots) > 1:
            joined = self._product(sympy.S.One, sorted(roots, key=rank), inline)
            parts.append(rf"\sqrt{{{joined}}}")
            factors = [f for f in factors if not joins_roots(f)]
        for factor in factors:
            base, exponent = factor.as_base_exp()
            if isinstance(factor, sympy.exp):
                part = self._exponential(factor, inline)
            elif isinstance(factor, Pow):
                part = self._power(base, exponent, inline)
            else:
                part = self.bracketed(factor, inline)
            if factor is not factors[-1] and _open_ended(part):
                part = brackets(part)
            parts.append(part)
        text, last = "", ""
        for part in parts:
            if text and (part[0].isdigit() or part.startswith(r"\frac")):
                text += r" \cdot "
            elif text and (part.startswith(UPRIGHT) or last.startswith(UPRIGHT)):
                text += r" \, "
            elif text:
                text += " "
            text += part
            last = part
        return text


def brackets(body: str) -> str:
    """Round brackets, as high as their content asks."""
    if any(mark in body for mark in TALL):
        return rf"\left({body}\right)"
    return f"({body})"


def applied(name: str, arguments: str) -> str:
    around = brackets(arguments)
    # \left opens a gap after an operator that round brackets do not have.
    return rf"{name}\!{around}" if around.startswith(r"\left") else f"{name}{around}"


def _open_ended(part: str) -> bool:
    """Whether the argument of an operator stands without brackets, so that a factor could join."""
    return part.startswith(tuple(OPERATORS.values())) and not part.endswith(")")


def _unknown(e: Any) -> BadInput:
    return BadInput(f"latex: no notation for {e.func.__name__}; please report this")
