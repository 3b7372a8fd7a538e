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
# Other libraries' names of what formulas have.
OTHER_NAMES = {
    "ln": "log", "arctan": "atan", "arcsin": "asin", "arccos": "acos", "fabs": "abs",
    "absolute": "abs", "sgn": "sign", "signum": "sign", "lgamma": "loggamma",
    "gammaln": "loggamma", "maximum": "max", "minimum": "min", "cases": "piecewise",
}  # fmt: skip
# What formulas lack, and what to write for it.
INSTEAD = {
    "log10": "log(u)/log(10)", "log2": "log(u)/log(2)", "exp2": "2**u", "pow": "u**v",
    "power": "u**v", "square": "u**2", "sqr": "u**2", "cbrt": "sign(u)*abs(u)**(1/3)",
    "hypot": "sqrt(u**2 + v**2)", "sigmoid": "1/(1 + exp(-u))", "expit": "1/(1 + exp(-u))",
    "logistic": "1/(1 + exp(-u))", "logit": "log(u/(1 - u))", "softplus": "log(1 + exp(u))",
    "logsigmoid": "-log(1 + exp(-u))", "logaddexp": "log(exp(u) + exp(v))",
    "logcosh": "log(cosh(u))", "relu": "max(u, 0)", "clip": "max(low, min(u, high))",
    "clamp": "max(low, min(u, high))", "where": "piecewise((u, condition), (v, True))",
    "select": "piecewise((u, condition), (v, True))",
    "sinc": "sin(u)/u, with its value at 0",
    "heaviside": "piecewise((0, u < 0), (1, True))",
    "sech": "1/cosh(u)", "csch": "1/sinh(u)", "coth": "1/tanh(u)", "sec": "1/cos(u)",
    "csc": "1/sin(u)", "cot": "1/tan(u)", "asinh": "log(u + sqrt(u**2 + 1))",
    "arcsinh": "log(u + sqrt(u**2 + 1))", "acosh": "log(u + sqrt(u**2 - 1))",
    "arccosh": "log(u + sqrt(u**2 - 1))", "atanh": "log((1 + u)/(1 - u))/2",
    "arctanh": "log((1 + u)/(1 - u))/2",
}  # fmt: skip
