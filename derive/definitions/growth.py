"""Bounds on what SymPy would compute while a formula is built, asked before it is computed.

SymPy evaluates powers, exponentials and gamma functions of numbers at once, so that a short text
can ask for gigabytes. Every bound is on the size of the result, in bits.
"""

from __future__ import annotations

from sympy import (
    Add,
    Expr,
    Mul,
    Rational,
    Symbol,
    cosh,
    gamma,
    log,
    loggamma,
    preorder_traversal,
    sinh,
)

MAX_BITS = 100_000
MAX_EXPONENT = 100_000
MAX_GAMMA = 1_000


def bits(expression: Expr) -> int:
    """The size of all rational numbers in an expression, in bits."""
    return sum(
        int(number.p).bit_length() + int(number.q).bit_length()
        for number in preorder_traversal(expression)
        if isinstance(number, Rational) and number not in (-1, 0, 1)
    )


def sum_is_too_big(terms: tuple[Expr, ...]) -> bool:
    """Whether a sum or product of these would hold numbers beyond the bound."""
    return sum(bits(term) for term in terms) > MAX_BITS


def power_is_too_big(base: Expr, exponent: Expr) -> bool:
    """Whether SymPy would make a number beyond the bound of base**exponent."""
    magnitude = rational_part(exponent)
    if magnitude > MAX_EXPONENT:
        return True
    if base.is_number and exponent.is_number and not base.is_zero:
        exact = base.is_Rational and exponent.is_Rational
        size = abs(exponent * log(abs(base)))  # no number where it holds a count of classes
        if not exact and size.is_comparable and size.evalf(15) > MAX_EXPONENT:
            return True
    inside = 1 if isinstance(base, Symbol) else max(1, bits(base))
    return bool(magnitude * inside + bits(exponent) > MAX_BITS)


def exponential_is_too_big(argument: Expr) -> bool:
    """Whether exp(argument) would turn logarithms of numbers back into huge powers."""
    for term in Add.make_args(argument):
        for factor in Mul.make_args(term):
            if isinstance(factor, log) and power_is_too_big(factor.args[0], term / factor):
                return True
    if argument.is_comparable and argument.is_finite is not False:
        return bool(argument.evalf(15) > MAX_EXPONENT) or bits(argument) > MAX_BITS
    return bits(argument) > MAX_BITS


def function_is_too_big(function: object, argument: Expr) -> bool:
    """Whether gamma would be expanded into very many factors, or the value cannot be handled."""
    if function in (gamma, loggamma):
        large = argument.is_comparable and abs(argument.evalf(15)) > MAX_GAMMA
        return bool(large) or rational_part(argument) > MAX_GAMMA
    if function in (sinh, cosh) and argument.is_comparable:
        return exponential_is_too_big(abs(argument))
    return False


def rational_part(expression: Expr) -> Rational:
    """The magnitude of the largest rational coefficient among an expression's terms."""
    return max(abs(term.as_coeff_Mul()[0]) for term in _terms(expression))


def _terms(expression: Expr) -> tuple[Expr, ...]:
    terms: tuple[Expr, ...] = Add.make_args(expression)
    return terms


def exceeds(expression: Expr, limit: int) -> bool:
    """Whether an expression has more than `limit` parts; counts no further than that."""
    return any(count >= limit for count, _ in enumerate(preorder_traversal(expression), 1))
