"""Numbers from expressions, by mpmath: an own walk over the tree, no generated source text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy
from mpmath import mp
from sympy import Expr, Symbol

Numbers = Mapping[Symbol, Any]


class NotReal(ArithmeticError):
    """The expression has no real value at the point, or no value at all."""


class OutOfReach(NotReal):
    """The value has too many digits in its exponent to be held."""


def _max(*values: Any) -> Any:
    return max(values)


def _min(*values: Any) -> Any:
    return min(values)


def _power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        raise NotReal("division by zero")
    if base < 0 and not mpmath.isint(exponent):
        raise NotReal("fractional power of a negative number")
    if base > 0 and _is_out_of_reach(base, exponent):
        raise OutOfReach("a power out of reach")
    return mp.power(base, exponent)


def _is_out_of_reach(base: Any, exponent: Any) -> bool:
    """By the exponent of the base first: a logarithm takes longer than most powers."""
    most = abs(exponent) * (abs(mp.mag(base)) + 1)
    return bool(most > LARGEST_EXPONENT and abs(exponent * mp.log(base)) > LARGEST_EXPONENT)


def _log(value: Any) -> Any:
    if value <= 0:
        raise NotReal("logarithm of a number that is not positive")
    return mp.log(value)


# Beyond this an exponential would have more digits than memory.
LARGEST_EXPONENT = 2**200


def exponential(value: Any) -> Any:
    """exp(value), 0 where it is out of reach below; raises OutOfReach above."""
    if value > LARGEST_EXPONENT:
        raise OutOfReach("an exponential out of reach")
    return mp.mpf(0) if value < -LARGEST_EXPONENT else mp.exp(value)


def _hyperbolic(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def bounded(value: Any) -> Any:
        if abs(value) > LARGEST_EXPONENT:
            raise OutOfReach("an exponential out of reach")
        return function(value)

    return bounded


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    sympy.Abs: abs,
    sympy.sign: mp.sign,
    sympy.exp: exponential,
    sympy.log: _log,
    sympy.sin: mp.sin,
    sympy.cos: mp.cos,
    sympy.tan: mp.tan,
    sympy.asin: mp.asin,
    sympy.acos: mp.acos,
    sympy.atan: mp.atan,
    sympy.sinh: _hyperbolic(mp.sinh),
    sympy.cosh: _hyperbolic(mp.cosh),
    sympy.tanh: _hyperbolic(mp.tanh),
    sympy.sech: _hyperbolic(mp.sech),
    sympy.coth: _hyperbolic(mp.coth),
    sympy.csch: _hyperbolic(mp.csch),
    sympy.asinh: mp.asinh,
    sympy.acosh: mp.acosh,
    sympy.atanh: mp.atanh,
    sympy.erf: mp.erf,
    sympy.erfc: mp.erfc,
    sympy.erfi: mp.erfi,
    sympy.gamma: mp.gamma,
    sympy.loggamma: mp.loggamma,
    sympy.digamma: mp.digamma,
    sympy.polygamma: mp.polygamma,
    sympy.besselk: mp.besselk,
    sympy.besseli: mp.besseli,
    sympy.Max: _max,
    sympy.Min: _min,
    sympy.Pow: _power,
}

RELATIONS: dict[Any, Callable[[Any, Any], bool]] = {
    sympy.StrictLessThan: lambda a, b: bool(a < b),
    sympy.LessThan: lambda a, b: bool(a <= b),
    sympy.StrictGreaterThan: lambda a, b: bool(a > b),
    sympy.GreaterThan: lambda a, b: bool(a >= b),
    sympy.Equality: lambda a, b: bool(a == b),
    sympy.Unequality: lambda a, b: bool(a != b),
}


def evaluate(expression: Expr, at: Numbers) -> Any:
    """The real value at a point, with mpmath's current precision.

    Raises NotReal where the value is complex or undefined, KeyError for a symbol without a
    value, NotImplementedError for a function without a numerical counterpart.
    """
    return _value(expression, at, {})


def along(expression: Expr, x: Symbol, at: Numbers) -> Callable[[Any], Any]:
    """The expression as a function of x alone; whatever x does not touch is computed once."""
    fixed: dict[Any, Any] = {}
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if part.has(x):
            waiting.extend(part.args)
        elif isinstance(part, Expr):
            _value(part, at, fixed)
    return lambda value: _value(expression, {**at, x: value}, dict(fixed))


def _value(expression: Any, at: Numbers, seen: dict[Any, Any]) -> Any:
    if expression in seen:
        return seen[expression]
    value = _node(expression, at, seen)
    if isinstance(value, mpmath.mpc):
        if value.imag != 0:
            raise NotReal(f"{expression.func} is complex")
        value = value.real
    if mpmath.isnan(value):
        raise NotReal(f"{expression.func} has no value")
    seen[expression] = value
    return value


def _node(expression: Any, at: Numbers, seen: dict[Any, Any]) -> Any:
    if expression.is_Symbol:
        return mp.mpf(at[expression])
    if expression.is_Rational:
        return mp.mpf(expression.p) / expression.q
    if expression.is_Atom and expression.is_number:
        return _constant(expression)
    if expression.is_Add:
        return mp.fsum(_value(a, at, seen) for a in expression.args)
    if expression.is_Mul:
        return mp.fprod(_value(a, at, seen) for a in expression.args)
    if isinstance(expression, sympy.Piecewise):
        return _branch(expression, at, seen)
    rule = FUNCTIONS.get(expression.func)
    if rule is None:
        raise NotImplementedError(f"no numerical rule for {expression.func}")
    try:
        return rule(*(_value(a, at, seen) for a in expression.args))
    except (ValueError, ZeroDivisionError, OverflowError) as trouble:
        raise NotReal(str(trouble)) from trouble


def _constant(expression: Any) -> Any:
    if expression in (sympy.oo, sympy.zoo):
        return mp.inf
    if expression == -sympy.oo:
        return -mp.inf
    if expression is sympy.nan:
        raise NotReal("undefined")
    return mp.mpf(expression._to_mpmath(mp.prec))


def _branch(expression: Any, at: Numbers, seen: dict[Any, Any]) -> Any:
    for value, condition in expression.args:
        if truth(condition, at, seen):
            return _value(value, at, seen)
    raise NotReal("no branch applies")


def truth(condition: Any, at: Numbers, seen: dict[Any, Any] | None = None) -> bool:
    """Whether a condition holds at a point."""
    seen = {} if seen is None else seen
    if condition in (True, False, sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And):
        return all(truth(c, at, seen) for c in condition.args)
    if isinstance(condition, sympy.Or):
        return any(truth(c, at, seen) for c in condition.args)
    if isinstance(condition, sympy.Not):
        return not truth(condition.args[0], at, seen)
    left, right = (_value(side, at, seen) for side in condition.args)
    return RELATIONS[condition.func](left, right)
