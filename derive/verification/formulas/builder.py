"""From the tree of a text to an expression over its letters; what has two readings is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy
from lark import Tree
from sympy import Expr, Rational, oo

from derive.verification.formulas.base import EULER, Node, digit_first, is_function, minus
from derive.verification.formulas.functions import Functions


class Builder(Functions):
    """Sums, products, powers and atoms."""

    # Sums and products

    def _sum(self, tree: Node) -> Expr:
        total = self._signed(tree.children[0])
        for sign, term in zip(tree.children[1::2], tree.children[2::2], strict=True):
            value = self.build(term)
            total += -value if minus(sign) else value
        return total

    def _signed(self, tree: Any) -> Expr:
        *signs, body = tree.children
        value = self.build(body)
        return -value if sum(map(minus, signs)) % 2 else value

    _signed_term = _signed
    _signed_factor = _signed

    def _term(self, tree: Node) -> Expr:
        first, *rest = tree.children
        self._check_call(tree)
        total, divided = self.build(first), None
        for link in rest:
            value = self.build(link.children[-1])
            if link.data == "slash":
                if value.is_zero:
                    raise self.error(link, "division by zero")
                total, divided = total / value, link
                continue
            if link.data == "beside" and divided is not None:
                raise self.error(
                    link, "two readings: what stands behind the slash and a factor beside it; "
                    "write brackets or \\frac",
                )  # fmt: skip
            if link.data == "beside" and digit_first(link):
                raise self.error(link, "a number behind a factor: an operator is missing")
            total *= value
        return total

    def _check_call(self, tree: Node) -> None:
        """f(u) of an unknown f, and a function without brackets with more behind it."""
        for here, link in zip(tree.children, tree.children[1:], strict=False):
            factor = here.children[-1] if here.data in ("times", "slash", "beside") else here
            if link.data != "beside":
                continue
            while isinstance(factor, Tree) and factor.data in ("factor", "applied"):
                factor = factor.children[0]
            kind = factor.data if isinstance(factor, Tree) else ""
            if kind in ("bare_call", "powered_bare_call", "nested_call") and not is_function(link):
                raise self.error(link, "two readings: does it belong to the function's argument? "
                                 "write brackets")  # fmt: skip

    def _factor(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _plain(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _power(self, tree: Node) -> Expr:
        base, _, exponent = tree.children
        power = self.build(exponent)
        inner = base
        if inner.data == "name" and inner.children[0] == EULER and power.free_symbols:
            return sympy.exp(power)
        value = self.build(base)
        return self.raised(tree, value, power)

    def _exponent(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _in_brackets(self, tree: Node) -> Expr:
        return self.build(tree.children[1])

    def _signed_exponent(self, tree: Node) -> Expr:
        raise self.error(tree, "an exponent of more than one symbol stands in braces")

    _bad_exponent = _signed_exponent

    # Atoms

    def _number(self, tree: Node) -> Expr:
        value = Fraction(str(tree.children[0]))
        return Rational(value.numerator, value.denominator)

    def _name(self, tree: Node) -> Expr:
        if tree.children[0] == "partial":
            raise self.error(tree, "a derivative is read on the left side only")
        return self.symbol(str(tree.children[0]))

    def _primed(self, tree: Node) -> Expr:
        primes = len(tree.children[1].children)
        return self.symbol(f"{tree.children[0]}{'prime' * primes}")

    def _pi(self, _tree: Node) -> Expr:
        return sympy.pi

    def _infinity(self, _tree: Node) -> Expr:
        return oo

    def _braces(self, tree: Node) -> Expr:
        return self.build(tree.children[1])

    def _bars(self, tree: Node) -> Expr:
        return sympy.Abs(self.build(tree.children[1]))

    def _group(self, tree: Node) -> Expr:
        return self.only(tree, self.arguments(tree))

    def _fraction(self, tree: Node) -> Expr:
        top, bottom = (self.build(a.children[0]) for a in tree.children[1:])
        if bottom.is_zero:
            raise self.error(tree, "division by zero")
        return top / bottom

    def _root(self, tree: Node) -> Expr:
        return sympy.sqrt(self.build(tree.children[1].children[0]))
