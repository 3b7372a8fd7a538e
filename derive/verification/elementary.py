"""Taylor coefficients of elementary functions at a ball: f(a), f'(a), f''(a)/2, …"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from derive.verification.backend import (
    Ball,
    NeedsPrecision,
    Undefined,
    arb,
    arb_series,
    ctx,
    raised,
)
from derive.verification.jets import Coefficients


def exp(a: Ball, degree: int) -> list[Ball]:
    c = [a.exp()]
    for k in range(1, degree + 1):
        c.append(c[-1] / k)
    return c


def expm1(a: Ball, degree: int) -> list[Ball]:
    return [a.expm1(), *exp(a, degree)[1:]] if degree else [a.expm1()]


def _logarithm_tail(a: Ball, degree: int) -> list[Ball]:
    c: list[Ball] = []
    power = arb(-1)
    for k in range(1, degree + 1):
        power = -power / a
        c.append(power / k)
    return c


def log(a: Ball, degree: int) -> list[Ball]:
    if a.is_zero() or a < 0:
        raise Undefined("the logarithm of a number that is not positive")
    return [a.log(), *_logarithm_tail(a, degree)]


def log1p(a: Ball, degree: int) -> list[Ball]:
    if (a + 1).is_zero() or a < -1:
        raise Undefined("the logarithm of a number that is not positive")
    return [a.log1p(), *_logarithm_tail(a + 1, degree)]


def power(exponent: Fraction) -> Coefficients:
    """a -> a**exponent for a rational exponent."""
    if exponent.denominator == 1 and exponent >= 0:
        n = exponent.numerator

        def whole(a: Ball, degree: int) -> list[Ball]:
            c, binomial = [], 1
            for k in range(degree + 1):
                c.append(binomial * raised(a, n - k) if k <= n else arb(0))
                binomial = binomial * (n - k) // (k + 1)
            return c

        return whole

    def broken(a: Ball, degree: int) -> list[Ball]:
        if a.is_zero():
            if exponent > 0 and degree == 0:
                return [arb(0)]
            raise Undefined("a power of zero")
        if exponent.denominator > 1 and a < 0:
            raise Undefined("a broken power of a negative number")
        c = [_rational_power(a, exponent)]
        for k in range(degree):
            factor = exponent - k
            c.append(c[-1] * factor.numerator / (a * (factor.denominator * (k + 1))))
        return c

    return broken


def _rational_power(a: Ball, exponent: Fraction) -> Ball:
    if exponent.denominator == 1:
        return 1 / a ** (-exponent.numerator)
    if exponent.denominator == 2:
        return a.sqrt() ** exponent.numerator
    return (a.log() * exponent.numerator / exponent.denominator).exp()


def _alternating(first: Ball, second: Ball, sign: int, degree: int) -> list[Ball]:
    """Coefficients of f with f'' = sign * f from f and f'."""
    c, fact = [], 1
    values = [first, second, sign * first, sign * second]
    for k in range(degree + 1):
        fact *= max(k, 1)
        c.append(values[k % 4] / fact)
    return c


def sin(a: Ball, degree: int) -> list[Ball]:
    s, c = a.sin_cos()
    return _alternating(s, c, -1, degree)


def cos(a: Ball, degree: int) -> list[Ball]:
    s, c = a.sin_cos()
    return _alternating(c, -s, -1, degree)


def sinh(a: Ball, degree: int) -> list[Ball]:
    s, c = a.sinh_cosh()
    return _alternating(s, c, 1, degree)


def cosh(a: Ball, degree: int) -> list[Ball]:
    s, c = a.sinh_cosh()
    return _alternating(c, s, 1, degree)


def tanh(a: Ball, degree: int) -> list[Ball]:
    """From t' = 1 - t^2; 1 - t^2 is taken as 1/cosh^2, which keeps its digits in the tails."""
    t = a.tanh()
    c = [t]
    if degree:
        slope = 1 / a.cosh() ** 2
        c.append(slope)
        squares = [slope]  # coefficients of 1 - t^2
        for k in range(1, degree):
            square = -sum((c[i] * c[k - i] for i in range(k + 1)), arb(0))
            squares.append(square)
            c.append(square / (k + 1))
    return c


def log_cosh(a: Ball, degree: int) -> list[Ball]:
    """Of log(cosh(a)): its slope is tanh(a), and cosh of a large number is out of reach."""
    size = abs(a)
    far = size > 1
    value = size + (-2 * size).exp().log1p() - arb(2).log() if far else (a.sinh() ** 2).log1p() / 2
    slopes = tanh(a, degree - 1) if degree else []
    return [value, *(slope / (k + 1) for k, slope in enumerate(slopes))]


def softplus(a: Ball, degree: int) -> list[Ball]:
    """Of log(1 + exp(a)), from u' = u v and v' = -u v for its slope u and v = 1 - u: exp of a large
    number is out of reach."""
    size = abs(a)
    e = (-size).exp()
    u, v = [1 / (1 + e)], [e / (1 + e)]
    if not a > 0:
        u, v = (v, u) if a <= 0 else ([1 / (1 + (-a).exp())], [1 / (1 + a.exp())])
    for k in range(1, degree):
        slope = sum((u[i] * v[k - 1 - i] for i in range(k)), arb(0)) / k
        u.append(slope)
        v.append(-slope)
    return [(a + size) / 2 + e.log1p(), *(u[k] / (k + 1) for k in range(degree))]


def _by_series(name: str) -> Coefficients:
    """A function whose power series the library knows."""

    def coefficients(a: Ball, degree: int) -> list[Ball]:
        if degree == 0:
            return [getattr(a, name)()]
        cap, ctx.cap = ctx.cap, degree + 1
        try:
            series = getattr(arb_series([a, 1], prec=degree + 1), name)()
            return [series[k] for k in range(degree + 1)]
        finally:
            ctx.cap = cap

    return coefficients


def by_mpmath(name: str, *fixed: Any) -> Coefficients:
    """A function that the ball library lacks, by mpmath: its error is judged, not enclosed."""
    function: Callable[..., Any] = getattr(mpmath, name)

    def coefficients(a: Ball, degree: int) -> list[Ball]:
        bits = ctx.prec
        with mpmath.workprec(2 * bits + 64):
            middle, exponent = a.mid().man_exp()
            at = mpmath.ldexp(mpmath.mpf(int(middle)), int(exponent))
            taylor = mpmath.taylor(lambda t: function(*fixed, t), at, degree + 1)
            out = []
            for value in taylor:
                sign, mantissa, power_of_two, _ = mpmath.mpf(mpmath.re(value))._mpf_
                ball = arb((int(-mantissa if sign else mantissa), int(power_of_two)))
                out.append(ball + ball * arb((1, -bits)) * arb(0, 1))
        # the next coefficient bounds what the width of the argument may change
        wide = arb(0, 1) * a.rad()
        return [out[k] + (k + 1) * out[k + 1] * wide * 2 for k in range(degree + 1)]

    return coefficients


def sign_of(a: Ball) -> int:
    """-1, 0 or 1; raises NeedsPrecision where the ball does not decide."""
    if a.is_zero():
        return 0
    if a > 0:
        return 1
    if a < 0:
        return -1
    raise NeedsPrecision


FUNCTIONS: dict[str, Coefficients] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "sin": sin,
    "cos": cos,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "tan": _by_series("tan"),
    "asin": _by_series("asin"),
    "acos": _by_series("acos"),
    "atan": _by_series("atan"),
    "erf": _by_series("erf"),
    "erfc": _by_series("erfc"),
    "gamma": _by_series("gamma"),
    "loggamma": _by_series("lgamma"),
}
