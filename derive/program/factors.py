"""What the parameters alone give, in as few operations as algebra finds."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

import sympy
from sympy import Expr

from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Call, Local, Name, Node, Number

_FUNCTIONS = {
    "abs": sympy.Abs, "sign": sympy.sign, "sqrt": sympy.sqrt, "exp": sympy.exp, "log": sympy.log,
    "min": sympy.Min, "max": sympy.Max, "pow": sympy.Pow, "neg": lambda a: -a,
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "log1p": lambda a: sympy.log(1 + a),
    "expm1": lambda a: sympy.exp(a) - 1, "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan,
    "tanh": sympy.tanh, "sinh": sympy.sinh, "cosh": sympy.cosh, "atan": sympy.atan,
}  # fmt: skip


def shortest(factor: Node, positive: Collection[str]) -> Node:
    """The same number, if algebra writes it shorter. positive: parameters that are > 0."""
    if isinstance(factor, Name | Number):
        return factor
    try:
        exact = expression(factor, positive)
        found = lower(min((exact, sympy.factor_terms(exact), sympy.factor(exact)), key=_length))
    except (CannotLower, KeyError):
        return factor
    return found


def _length(expression: Expr) -> int:
    return int(expression.count_ops())


def expression(factor: Node, positive: Collection[str]) -> Expr:
    """Nodes as SymPy reads them; KeyError for an operation without a counterpart."""
    if isinstance(factor, Name):
        sort = {"positive": True} if factor.name in positive else {"real": True}
        return sympy.Symbol(factor.name, **sort)
    if isinstance(factor, Number):
        exact = factor.value
        return sympy.Rational(exact) if isinstance(exact, Fraction) else sympy.Float(exact, 17)
    if isinstance(factor, Local):
        return expression(factor.value, positive)
    assert isinstance(factor, Call)
    return _FUNCTIONS[factor.op](*(expression(a, positive) for a in factor.args))
