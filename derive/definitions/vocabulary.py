"""What formulas can say: every function, constant and relation, with its SymPy meaning."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from sympy import (
    Abs,
    E,
    Eq,
    Expr,
    Ge,
    Gt,
    Le,
    Lt,
    Max,
    Min,
    Ne,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    gamma,
    log,
    loggamma,
    oo,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from sympy.logic.boolalg import Boolean

CONSTANTS: Mapping[str, Expr] = {"pi": pi, "E": E, "oo": oo}


def log1p(u: Expr) -> Expr:
    return log(1 + u)


def expm1(u: Expr) -> Expr:
    return exp(u) - 1


UNARY: Mapping[str, Callable[[Expr], Expr]] = {
    "abs": Abs, "Abs": Abs, "sign": sign, "sqrt": sqrt, "exp": exp, "log": log,
    "log1p": log1p, "expm1": expm1, "sin": sin, "cos": cos, "tan": tan,
    "asin": asin, "acos": acos, "atan": atan, "sinh": sinh, "cosh": cosh, "tanh": tanh,
    "erf": erf, "erfc": erfc, "gamma": gamma, "loggamma": loggamma,
}  # fmt: skip
EXTREMES: Mapping[str, Callable[..., Expr]] = {
    "min": Min,
    "Min": Min,
    "max": Max,
    "Max": Max,
}
CASES = ("piecewise", "Piecewise")
SUM = "sum"
RELATIONS: Mapping[type[ast.cmpop], Callable[[Expr, Expr], Boolean]] = {
    ast.Lt: Lt, ast.LtE: Le, ast.Gt: Gt, ast.GtE: Ge, ast.Eq: Eq, ast.NotEq: Ne,
}  # fmt: skip
OTHER_NAMES = {
    "ln": "log",
    "arctan": "atan",
    "arcsin": "asin",
    "arccos": "acos",
    "fabs": "abs",
}
