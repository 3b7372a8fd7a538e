"""The value of a formula at a point, in real arithmetic of high precision.

Only what the formula reader knows can be evaluated: nothing is printed to code and run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mp, mpf
from sympy import Expr, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

MAX_EXPONENTIAL = mpf(10) ** 6

Point = Mapping[Symbol, mpf]


class NotReal(ArithmeticError):
    """A part of the formula is complex at the point."""


class NoBranch(ArithmeticError):
    """No branch of a piecewise formula covers the point."""


class OutOfReach(ArithmeticError):
    """A part of the formula is too large to be computed at the point."""


class UnknownPart(TypeError):
    """The expression holds something that no formula can say."""


def _exp(u: mpf) -> mpf:
    if mpmath.isfinite(u) and abs(u) > MAX_EXPONENTIAL:
        if u > 0:
            raise OutOfReach
        return mpf(0)
    return mp.exp(u)


def _hyperbolic(function: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
    def bounded(u: mpf) -> mpf:
        if mpmath.isfinite(u) and abs(u) > MAX_EXPONENTIAL:
            raise OutOfReach
        return function(u)

    return bounded


def _log(u: mpf) -> mpf:
    return mpf("-inf") if u == 0 else mp.log(u)


def _gamma(u: mpf) -> mpf:
    if abs(u) > MAX_EXPONENTIAL:
        raise OutOfReach
    return mp.gamma(u)


def _tanh(u: mpf) -> mpf:
    return mp.sign(u) if abs(u) > MAX_EXPONENTIAL else mp.tanh(u)


def _power(base: mpf, exponent: mpf) -> mpf:
    if mpmath.isinf(exponent):
        if abs(base) == 1 or base < 0:
            return mpf("nan")
        grows = (abs(base) > 1) == (exponent > 0)
        return mpf("inf") if grows else mpf(0)
    if mpmath.isinf(base) and exponent == 0:
        return mpf("nan")
    if base != 0 and mpmath.isfinite(base):
        size = exponent * mp.log(abs(base))
        if size > MAX_EXPONENTIAL:
            raise OutOfReach
        if size < -MAX_EXPONENTIAL:
            return mpf(0)
    return base**exponent


_FUNCTIONS: Mapping[str, Callable[..., mpf]] = {
    "Abs": abs,
    "sign": mp.sign,
    "exp": _exp,
    "log": _log,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "sinh": _hyperbolic(mp.sinh),
    "cosh": _hyperbolic(mp.cosh),
    "tanh": _tanh,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "gamma": _gamma,
    "loggamma": mp.loggamma,
    "Max": max,
    "Min": min,
    "Pow": _power,
    "Add": lambda *terms: mp.fsum(terms),
    "Mul": lambda *factors: mp.fprod(factors),
}
_CONSTANTS: Mapping[str, Callable[[], mpf]] = {
    "Pi": lambda: +mp.pi,
    "Exp1": lambda: +mp.e,
    "Infinity": lambda: mpf("inf"),
    "NegativeInfinity": lambda: mpf("-inf"),
}


def evaluate(expression: Expr, point: Point) -> mpf:
    """The value at a point, at mpmath's working precision; nan and ±inf where it has no other.

    Raises NotReal, NoBranch or OutOfReach where there is no real value to give, and UnknownPart
    for an expression outside of the formulas' vocabulary.
    """
    kind = type(expression).__name__
    if expression in point:
        return point[expression]
    if expression.is_Rational:
        return mpf(int(expression.p)) / int(expression.q)
    if kind in _CONSTANTS:
        return _CONSTANTS[kind]()
    if kind == "Piecewise":
        for value, condition in expression.args:
            if holds(condition, point):
                return evaluate(value, point)
        raise NoBranch
    if kind not in _FUNCTIONS:
        raise UnknownPart(str(expression)[:60])
    arguments = [evaluate(argument, point) for argument in expression.args]
    if any(map(mpmath.isnan, arguments)):
        return mpf("nan")
    try:
        result = _FUNCTIONS[kind](*arguments)
    except (ZeroDivisionError, ValueError):  # poles, as of 1/0 and gamma(0)
        return mpf("nan")
    except OverflowError as error:
        raise OutOfReach from error
    if isinstance(result, mp.mpc):
        raise NotReal
    return mpf(result)


def holds(condition: Boolean, point: Point) -> bool:
    """Whether a condition is true at a point."""
    match condition:
        case BooleanTrue():
            return True
        case BooleanFalse():
            return False
        case And():
            return all(holds(part, point) for part in condition.args)
        case Or():
            return any(holds(part, point) for part in condition.args)
        case Not():
            return not holds(condition.args[0], point)
        case Relational():
            left, right = (evaluate(side, point) for side in condition.args)
            compared: bool = {
                "<": left < right,
                "<=": left <= right,
                ">": left > right,
                ">=": left >= right,
                "==": left == right,
                "!=": left != right,
            }[condition.rel_op]
            return compared
    raise UnknownPart(str(condition)[:60])
