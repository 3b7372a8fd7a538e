"""Nodes evaluated by mpmath: what a program means, with nothing rounded and nothing truncated.

A helper means its `exact` definition; the remainder of a rounded product is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from mpmath import mp

from derive.numerics.differences import basis
from derive.numerics.helpers import HELPERS
from derive.numerics.nodes import Call, Local, Name, Node, Number


def _horner(z: Any, *coefficients: Any) -> Any:
    return mp.polyval(list(reversed(coefficients)), z)


def _exp_series(argument: Any, *rates: Any) -> Any:
    """The divided difference of exp, from equal rates' residues."""
    with mp.workdps(4 * mp.dps):
        n = len(rates) - 1
        terms = basis([mp.mpf(r) for r in rates]).items()
        total = mp.fsum(c * argument**m * mp.exp(r * argument) for (r, m), c in terms)
        return total / argument**n if argument else 1 / mp.factorial(n)


MEANING: dict[str, Any] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "neg": lambda a: -a, "abs": abs, "sign": mp.sign, "min": min,
    "max": max, "sqrt": mp.sqrt, "pow": lambda a, b: mp.power(a, b), "exp": mp.exp,
    "expm1": mp.expm1, "log": mp.log, "log1p": mp.log1p, "sin": mp.sin, "cos": mp.cos,
    "tan": mp.tan, "asin": mp.asin, "acos": mp.acos, "atan": mp.atan, "sinh": mp.sinh,
    "cosh": mp.cosh, "tanh": mp.tanh, "erf": mp.erf, "erfc": mp.erfc, "gamma": mp.gamma,
    "loggamma": mp.loggamma, "digamma": mp.digamma, "trigamma": lambda v: mp.psi(1, v),
    "product_error": lambda a, b: mp.mpf(0), "horner": _horner, "exp_series": _exp_series,
    "huge": lambda v: mp.mpf(2) ** 900, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "and": lambda a, b: a and b,
    "or": lambda a, b: a or b, "is_nan": mp.isnan, "finite": lambda a: a,
    "least": lambda a: mp.mpf(2) ** -970,
    "clamp": lambda a, low, high: min(max(a, low), high),
}  # fmt: skip


def meaning(expression: Node, names: Mapping[str, Any]) -> Any:
    """The value at mpmath's precision; only the branch that is taken is evaluated."""
    known: dict[int, Any] = {}

    def visit(current: Node) -> Any:
        if id(current) not in known:
            known[id(current)] = compute(current)
        return known[id(current)]

    def compute(current: Node) -> Any:
        if isinstance(current, Number):
            v = current.value
            return mp.mpf(v.numerator) / v.denominator if isinstance(v, Fraction) else mp.mpf(v)
        if isinstance(current, Name):
            return mp.mpf(names[current.name])
        if isinstance(current, Local):
            return visit(current.value)
        assert isinstance(current, Call)
        if current.op in ("where", "patch"):
            return visit(current.args[1] if visit(current.args[0]) else current.args[2])
        args = [visit(a) for a in current.args]
        if current.op in HELPERS:
            return HELPERS[current.op].exact(*args)
        return MEANING[current.op](*args)

    return visit(expression)
