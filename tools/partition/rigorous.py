"""Proved enclosures of log Z(alpha) and its first two derivatives, by python-flint.

Z(alpha) is the integral over the real line of exp(-loss(x, alpha, 1)) for Barron's loss,
alpha in [0, inf]. Three coordinates cover the domain, each with an integrand whose derivatives in
the parameter are written out, and with a bound for the tail that the finite interval leaves out:

    near 0   x = sqrt(b) sinh t, loss = b C f(alpha C), C = ln cosh t, f(y) = (e^y - 1)/y
    middle   x = sqrt(b) sinh t, loss = (b/alpha) (cosh(t)^alpha - 1)
    far      x as it is, in 1/alpha: loss = (1 - 2/alpha) (e^h - 1), finite at alpha = inf
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isinf, log, log2
from typing import Any

from flint import acb, arb, ctx, fmpq

from tools.partition.ratios import Ball, Jet, exponential_ratio, logarithm_ratio

NEAR_ZERO = fmpq(1, 100)
FAR = fmpq(64)
EXTRA_BITS = 40


@dataclass(frozen=True)
class Integrand:
    """exp(-exponent) * factor over (-inf, inf), even in its variable.

    exponent: the loss and its derivatives in the parameter at one point of the variable.
    factor: what does not depend on the parameter.
    end: where the tail begins.
    tail: bounds the integral from `end` to infinity of the integrand and of its derivatives.
    """

    exponent: Callable[[Ball, bool], Jet]
    factor: Callable[[Ball], Ball]
    end: Ball
    tail: Ball


def log_partition(alpha: Any, order: int = 2, bits: int = 90) -> tuple[Ball, ...]:
    """Enclosures of log Z, d log Z/d alpha, d2 log Z/d alpha2 (the first order + 1 of them).

    alpha: a float, an integer, an fmpq or an arb (a narrow ball: the enclosures then hold for
    all of it) in [0, inf]. bits: how many bits of each are wanted, absolutely below 1. At 2 the
    slope is -inf and has no derivative: ValueError unless order is 0, as for a negative alpha.
    """
    if isinstance(alpha, float) and isinf(alpha) and alpha > 0:
        return _raised(lambda: _in_alpha_at_infinity(order), bits)
    if not arb(alpha) >= 0:
        raise ValueError(f"alpha must lie in [0, inf], got {alpha}")
    if arb(alpha) == 2:
        if order:
            raise ValueError("log Z has no finite derivative at alpha = 2")
        return _raised(lambda: ((2 * arb.pi()).log() / 2,), bits)
    # near 2 the derivatives lose a factor of 1/b against their two parts in `_at`
    b = abs(float((arb(alpha) - 2).mid()))
    spare = int(-2 * log2(b)) if 0 < b < 1 else 0
    return _raised(lambda: _at(arb(alpha), order), bits, spare)


def _raised(compute: Callable[[], tuple[Ball, ...]], bits: int, spare: int = 0) -> tuple[Ball, ...]:
    """Repeat with more working bits until every enclosure is as narrow as wanted."""
    before = ctx.prec
    try:
        for attempt in range(8):
            ctx.prec = (bits + EXTRA_BITS + spare) * 3**attempt // 2**attempt
            found = compute()
            if all(_narrow(value, bits) for value in found):
                return found
        raise ArithmeticError("the enclosure of log Z stays wide")
    finally:
        ctx.prec = before


def _narrow(value: Ball, bits: int) -> bool:
    return bool(value.is_finite() and value.rad() <= arb(2) ** -bits * (1 + abs(value)))


def _at(alpha: Ball, order: int) -> tuple[Ball, ...]:
    if alpha > FAR:
        return _through_reciprocal(alpha, _logarithm(_moments(_far(1 / alpha), order)))
    moments = _moments(_near_zero(alpha) if alpha < NEAR_ZERO else _middle(alpha), order)
    width, offset = abs(alpha - 2), alpha - 2
    scale = (width.log() / 2, 1 / (2 * offset), -1 / (2 * offset * offset))
    return tuple(a + b for a, b in zip(_logarithm(moments), scale, strict=False))


def _in_alpha_at_infinity(order: int) -> tuple[Ball, ...]:
    (value,) = _logarithm(_moments(_far(arb(0)), 0))
    return (value, arb(0), arb(0))[: order + 1]


def _through_reciprocal(alpha: Ball, jet: tuple[Ball, ...]) -> tuple[Ball, ...]:
    """From derivatives in 1/alpha to derivatives in alpha."""
    chained = [jet[0]]
    if len(jet) > 1:
        chained.append(-jet[1] / alpha**2)
    if len(jet) > 2:
        chained.append((2 * jet[1] + jet[2] / alpha) / alpha**3)
    return tuple(chained)


def _logarithm(moments: tuple[Ball, ...]) -> tuple[Ball, ...]:
    """The jet of the logarithm of a positive quantity."""
    value = moments[0]
    jet = [value.log()]
    if len(moments) > 1:
        jet.append(moments[1] / value)
    if len(moments) > 2:
        jet.append(moments[2] / value - jet[1] ** 2)
    return tuple(jet)


def _moments(integrand: Integrand, order: int) -> tuple[Ball, ...]:
    """The integral over the real line and its derivatives in the parameter."""

    def value(t: Ball, analytic: bool) -> Ball:
        return integrand.factor(t) * (-integrand.exponent(t, analytic)[0]).exp()

    def slope(t: Ball, analytic: bool) -> Ball:
        loss, first, _ = integrand.exponent(t, analytic)
        return -first * integrand.factor(t) * (-loss).exp()

    def curvature(t: Ball, analytic: bool) -> Ball:
        loss, first, second = integrand.exponent(t, analytic)
        return (first * first - second) * integrand.factor(t) * (-loss).exp()

    beyond = arb(0, integrand.tail.upper())
    found = []
    for function in (value, slope, curvature)[: order + 1]:
        inside = acb.integral(function, 0, integrand.end).real
        found.append(2 * (inside + beyond))
    return tuple(found)


def _middle(alpha: Ball) -> Integrand:
    """(b/alpha)(w - 1) with w = cosh(t)^alpha; b/alpha = +-(2/alpha - 1)."""
    sign = 1 if alpha < 2 else -1
    ratio, first, second = (
        sign * (2 / alpha - 1),
        -sign * 2 / alpha**2,
        sign * 4 / alpha**3,
    )

    def exponent(t: Ball, analytic: bool) -> Jet:
        c = t.cosh().log(analytic=analytic)
        w = (alpha * c).exp()
        return (
            ratio * (w - 1),
            first * (w - 1) + ratio * c * w,
            second * (w - 1) + (2 * first + ratio * c) * c * w,
        )

    # |first derivative| <= m (1 + C) w and |second| <= n (1 + C)^2 w, so that the integrands are
    # at most (m^2 + n + 1) (1 + C)^2 w^2 cosh(t) exp(-exponent), whose logarithm falls at least
    # at the rate tanh(t) (b w - 3 - 2 alpha).
    m, n = abs(first) + ratio, abs(second) + 2 * abs(first) + ratio
    end = _exact((2 * ((1 + _enough() / ratio) ** (1 / alpha))).log())
    c = end.cosh().log()
    w = (alpha * c).exp()
    rate = (abs(alpha - 2) * w - 3 - 2 * alpha) * end.tanh()
    top = (m * m + n + 1) * (1 + c) ** 2 * w * w * end.cosh() * (-ratio * (w - 1)).exp()
    return Integrand(exponent, lambda t: t.cosh(), end, _tail(top, rate))


def _near_zero(alpha: Ball) -> Integrand:
    """b C f(alpha C), f(y) = (e^y - 1)/y; b = 2 - alpha."""
    b = 2 - alpha

    def exponent(t: Ball, analytic: bool) -> Jet:
        c = t.cosh().log(analytic=analytic)
        f, f1, f2 = exponential_ratio(alpha * c)
        return b * c * f, (b * c * f1 - f) * c, (b * c * f2 - 2 * f1) * c * c

    # f, f', f'' <= w = e^(alpha C): the integrands are at most 16 (1 + C)^4 w^2 cosh(t)
    # exp(-exponent), whose logarithm falls at the rate tanh(t) (b w - 1 - 2 alpha - 4/(1 + C)),
    # a growing one.
    end = arb(6)
    while True:
        c = end.cosh().log()
        w = (alpha * c).exp()
        fall = b * c * exponential_ratio(acb(alpha * c))[0].real
        rate = (b * w - 1 - 2 * alpha - 4 / (1 + c)) * end.tanh()
        top = 16 * (1 + c) ** 4 * w * w * (end - fall).exp()
        if rate > arb(0.1) and top / rate < arb(2) ** -ctx.prec:
            return Integrand(exponent, lambda t: t.cosh(), end, _tail(top, rate))
        end += 4


def _far(reciprocal: Ball) -> Integrand:
    """(1 - 2e)(e^h - 1), h = (v/2) ln(1 + y)/y, y = e v, v = x^2/(1 - 2e), e = 1/alpha."""
    ratio = 1 - 2 * reciprocal

    def exponent(x: Ball, analytic: bool) -> Jet:
        v = x * x / ratio
        h, h1, h2 = _warped(v, reciprocal, ratio, analytic)
        w = h.exp()
        loss = ratio * (w - 1)
        first = -2 * (w - 1) + ratio * h1 * w
        second = (-4 * h1 + ratio * (h2 + h1 * h1)) * w
        return loss, first, second

    # for e <= 1/4: |h'| <= 2 (1 + v)^2, |h''| <= 17 (1 + v)^3, so that the integrands are at most
    # 45 (1 + v)^4 e^(2h) exp(-exponent); the fall of its logarithm grows with x once
    # (1 - 2e) e^h > 2.
    h = (1 + _enough() / ratio).log()
    v = (2 * reciprocal * h).expm1() / reciprocal if reciprocal > 0 else 2 * h
    end = _exact((v * ratio).sqrt())
    v = end * end / ratio
    h = _warped(acb(v), reciprocal, ratio, False)[0].real
    turn = (ratio * h.exp() - 2) / (2 * (1 + reciprocal * v)) - 4 / (1 + v)
    top = 45 * (1 + v) ** 4 * (2 * h - ratio * (h.exp() - 1)).exp()
    return Integrand(exponent, lambda x: acb(1), end, _tail(top, 2 * end / ratio * turn))


def _warped(v: Ball, reciprocal: Ball, ratio: Ball, analytic: bool) -> Jet:
    """h and its derivatives in e: v' = 2v/(1 - 2e), y' = v + e v'."""
    v1 = 2 * v / ratio
    v2 = 4 * v1 / ratio
    y1 = v + reciprocal * v1
    y2 = 2 * v1 + reciprocal * v2
    g, g1, g2 = logarithm_ratio(reciprocal * v, analytic)
    h1 = v1 * g + v * g1 * y1
    h2 = v2 * g + 2 * v1 * g1 * y1 + v * (g2 * y1 * y1 + g1 * y2)
    return v * g / 2, h1 / 2, h2 / 2


def _enough() -> Ball:
    """An exponent at which exp(-exponent) times the powers before it is below the precision."""
    return arb(ctx.prec * log(2) + 60)


def _exact(value: Ball) -> Ball:
    return arb(float(value.mid()))


def _tail(top: Ball, rate: Ball) -> Ball:
    if not rate > 0:
        raise ArithmeticError("the tail of Z is not bounded where it was cut")
    return top / rate
