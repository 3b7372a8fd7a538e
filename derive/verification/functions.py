"""The functions that formulas may use, by their Taylor coefficients."""

from __future__ import annotations

import sympy
from sympy.codegen import cfunctions

from derive.errors import BadInput
from derive.verification import elementary
from derive.verification.jets import Coefficients

NAMES = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.gamma: "gamma",
    sympy.loggamma: "loggamma",
    cfunctions.log1p: "log1p",
    cfunctions.expm1: "expm1",
}
# second argument last: the functions that the ball library is not asked for
BY_MPMATH = {
    sympy.besseli: "besseli",
    sympy.besselj: "besselj",
    sympy.besselk: "besselk",
    sympy.bessely: "bessely",
    sympy.digamma: "digamma",
    sympy.LambertW: "lambertw",
    sympy.zeta: "zeta",
    sympy.asinh: "asinh",
    sympy.acosh: "acosh",
    sympy.atanh: "atanh",
    sympy.erfi: "erfi",
    sympy.Ei: "ei",
}


def coefficients_of(node: sympy.Basic) -> Coefficients:
    """The coefficients of a function in its last argument; BadInput for one not known here."""
    kind = type(node)
    if kind in NAMES:
        return elementary.FUNCTIONS[NAMES[kind]]
    fixed = node.args[:-1]
    if kind in BY_MPMATH and not any(part.free_symbols for part in fixed):
        return elementary.by_mpmath(BY_MPMATH[kind], *[float(part) for part in fixed])
    raise BadInput(f"the oracle does not know the function {kind.__name__}")
