"""Functions and cases of a text as expressions; a power that could belong to two is refused."""

from __future__ import annotations

from typing import Any

import sympy
from lark import Token, Tree
from sympy import Expr, Integer, S

from derive.verification.formulas import commands as c
from derive.verification.formulas.base import EULER, MOST_POWER, Base, Node

RELATIONS = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "==": sympy.Eq,
             "!=": sympy.Ne}  # fmt: skip


class Functions(Base):
    """What stands behind a function's name or between the rows of cases."""

    # Functions

    def applied(self, tree: Any, name: str, values: list[Expr]) -> Expr:
        if name in ("Min", "Max"):
            return getattr(sympy, name)(*values)
        name, _, base = name.partition(":")
        if name == "polygamma" and len(values) == 2:
            return sympy.polygamma(*values)
        value = self.only(tree, values)
        if name == "log" and base:
            return sympy.log(value) / sympy.log(Integer(base))
        own = {"log1p": lambda u: sympy.log(1 + u), "expm1": lambda u: sympy.exp(u) - 1,
               "softplus": lambda u: sympy.log(1 + sympy.exp(u))}  # fmt: skip
        function = own.get(name) or getattr(sympy, name)
        grows = name in ("exp", "gamma", "loggamma", "cosh", "sinh") and value.is_number
        if grows and not (abs(value) < MOST_POWER) == True:  # noqa: E712
            raise self.error(tree, "a number too big")
        if name == "log" and isinstance(value, sympy.gamma):
            return sympy.loggamma(value.args[0])
        return function(value)

    def _call(self, tree: Node) -> Expr:
        name, group = tree.children
        return self.applied(tree, str(name), self.arguments(group))

    def _call_power(self, tree: Node) -> Expr:
        name, group, _, exponent = tree.children
        if str(name) not in c.VALUES:
            raise self.error(
                exponent, f"two readings: {name} of the power, or the power of {name}; write "
                f"brackets around one of them",
            )  # fmt: skip
        value = self.applied(tree, str(name), self.arguments(group))
        return self.raised(tree, value, self.build(exponent))

    def _powered_call(self, tree: Node) -> Expr:
        name, _, exponent, group = tree.children
        return self._function_power(tree, name, exponent, self.arguments(group))

    def _powered_bare_call(self, tree: Node) -> Expr:
        name, _, exponent, argument = tree.children
        return self._function_power(tree, name, exponent, [self.build(argument)])

    def _function_power(self, tree: Any, name: Any, exponent: Any, values: list[Expr]) -> Expr:
        power = self.build(exponent)
        if power == -1:
            raise self.error(exponent, f"{name}^{{-1}}: two readings, the inverse or 1/{name}")
        return self.raised(tree, self.applied(tree, str(name), values), power)

    def _bare_call(self, tree: Node) -> Expr:
        name, argument = tree.children
        return self.applied(tree, str(name), [self.build(argument)])

    def _bare_call_power(self, tree: Node) -> Expr:
        name, argument, _, exponent = tree.children
        power = self.build(exponent)
        base = self.raised(tree, self.build(argument), power)
        if argument.data == "name" and argument.children[0] == EULER and power.free_symbols:
            base = sympy.exp(power)
        return self.applied(tree, str(name), [base])

    def _nested_call(self, tree: Node) -> Expr:
        name, inner = tree.children
        return self.applied(tree, str(name), [self.build(inner)])

    def _applied(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _bessel(self, tree: Node) -> Expr:
        head, group = tree.children[:2]
        kind, _, order = str(head).partition(":")
        inner = self.read(order)
        if inner.free_symbols and kind != "polygamma":
            raise self.error(tree, "a Bessel function's order is a number")
        values = self.arguments(group)
        if kind == "polygamma":
            return sympy.polygamma(inner, self.only(tree, values))
        function = sympy.besselk if kind == "K" else sympy.besseli
        return function(inner, self.only(tree, values))

    def _bessel_power(self, tree: Node) -> Expr:
        return self.raised(tree, self._bessel(tree), self.build(tree.children[3]))

    # Cases

    def _indicator(self, tree: Node) -> Expr:
        (when,) = (child for child in tree.children if isinstance(child, Tree))
        return sympy.Piecewise((S.One, self.condition(when)), (S.Zero, True))

    def _cases(self, tree: Node) -> Expr:
        rows = tree.children[1].children
        pairs = []
        rows = [row for row in rows if isinstance(row, Tree)]
        for index, row in enumerate(rows):
            parts = [part for part in row.children if isinstance(part, Tree)]
            if row.data == "single":
                if index != len(rows) - 1 or index == 0:
                    raise self.error(row, "a row of the cases has no condition")
                pairs.append((self.build(parts[0]), sympy.true))
            else:
                pairs.append((self.build(parts[0]), self.condition(parts[1])))
        if len(pairs) > 24:
            raise self.error(tree, "more than 24 cases")
        return sympy.Piecewise(*pairs, evaluate=False)

    def condition(self, tree: Node) -> Any:
        if tree.data == "otherwise":
            return sympy.true
        total: Any = None
        joiner = "AND"
        for child in tree.children:
            if isinstance(child, Token):
                continue
            if child.data == "joiner":
                joiner = child.children[0].type
                continue
            clause = self._clause(child)
            if total is None:
                total = clause
            else:
                total = (sympy.Or if joiner == "OR" else sympy.And)(total, clause)
        return total

    def _clause(self, tree: Node) -> Any:
        parts = [child for child in tree.children if not isinstance(child, Token) or
                 child.type == "REL"]  # fmt: skip
        relations = []
        for left, op, right in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            if str(op) not in RELATIONS:
                raise self.error(tree, f"{op} is no comparison")
            made = RELATIONS[str(op)](self.build(left), self.build(right))
            relations.append(made)
        return sympy.And(*relations)
