"""Half a step of log gamma, and digamma beside its zero: for integrals in which gamma stands.

    gap(z) = log gamma(z + 1/2) - log gamma(z) - log(z)/2
    gap(z) = gap(z + 1) - log(1 + 1/(4 z (z + 1)))/2

    digamma(1 + z) = the sum over k > 0 of (z - r)/((k + r) (k + z)), 1 + r being its zero

Every term has one sign; from z = 8 on, or after 8 of them, the asymptotic series is summed
(Bernoulli polynomials at 1/2 and 0, DLMF 5.11.8).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import sympy
from mpmath import mp

from derive.numerics.helpers.helper import Helper, define
from derive.numerics.nodes import Local, Name, Node, call, node, patch, polynomial, where

STEPS, TERMS = 8, 13
# A parameter, not a residual: PyTorch may get it as a number.
_a = Name("a")


def _coefficient(n: int) -> Fraction:
    """Of z^(-n), n odd: (B_m(1/2) - B_m)/(m n), m = n + 1; B_m(1/2) = (2^(1-m) - 1) B_m."""
    number = sympy.bernoulli(n + 1)
    bernoulli = Fraction(int(number.p), int(number.q))
    return (Fraction(2, 2 ** (n + 1)) - 2) * bernoulli / (n * (n + 1))


def _series(order: int) -> Node:
    """The derivative of the asymptotic series, at z + 8 where z < 8."""
    coefficients = []
    for n in range(1, 2 * TERMS, 2):
        factor = Fraction(1)
        for k in range(order):
            factor *= -(n + k)
        coefficients.append(factor * _coefficient(n))
    inverse = Local("inverse", 1 / where(_a < STEPS, _a + STEPS, _a))
    lead: Node = inverse
    for _ in range(order):
        lead = lead * inverse
    return lead * polynomial(inverse * inverse, tuple(coefficients))


def _gap() -> Node:
    """The logarithms of the recurrence as one: of a product of factors above 1, less 1."""
    total: Node = node(0)
    for k in range(STEPS):
        term = Fraction(1, 4) / (_a + k) / (_a + (k + 1))
        total = Local(f"step_{k}", total + term + total * term if k else term)
    near = _series(0) - where(_a < STEPS, call("log1p", total) / 2, 0)
    return patch(_a < 1e-300, (call("log", _a) + float(mp.log(mp.pi))) / 2, near)


def _gap1() -> Node:
    total: Node = node(0)
    for k in range(STEPS):
        y = _a + k
        total = total + Fraction(1, 2) / y / (y + 1) / (2 * y + 1)
    return _series(1) + where(_a < STEPS, total, 0)


def _gap2() -> Node:
    """The steps (6 y^2 + 6 y + 1)/(2 (y (y + 1) (2 y + 1))^2), y = z + k."""
    total: Node = node(0)
    for k in range(STEPS):
        y = _a + k
        ratio = (6 * y * (y + 1) + 1) / 2 / (y + 1) / (2 * y + 1)
        total = total + ratio / y / y / (y + 1) / (2 * y + 1)
    return _series(2) - where(_a < STEPS, total, 0)


def _exact(order: int) -> Any:
    def value(z: Any) -> Any:
        if mp.isinf(z):
            return mp.mpf(0)
        with mp.workdps(3 * mp.dps):
            half = mp.mpf(1) / 2
            if order == 0:
                gap = mp.loggamma(z + half) - mp.loggamma(z)
            else:
                gap = mp.polygamma(order - 1, z + half) - mp.polygamma(order - 1, z)
            return gap - (mp.log(z) / 2, 1 / (2 * z), -1 / (2 * z * z))[order]

    return value


_DIGITS = 60
_BENDS = 9  # terms of the series of digamma(y + 1/2) - log(y) in 1/y^2
_FAR = 10**18


def _digamma1p() -> Node:
    """After the first terms what is left is the difference of digamma at two y + 1/2, whose
    logarithms are one; of its series the common factor z - r is taken out."""
    with mp.workdps(_DIGITS):
        zero = mp.findroot(lambda z: mp.digamma(1 + z), 0.46)
        start = zero + STEPS + mp.mpf(1) / 2
        known = math.ldexp(round(math.ldexp(float(zero), 24)), -24)  # in every dtype
        high = float(zero - known)
        beside = Local("beside", (_a - known) - high - float(zero - known - high))
        inverse = Local("inverse", 1 / (_a + (STEPS + 0.5)))
        bends = [mp.bernpoly(2 * k, 0.5) / (2 * k) for k in range(1, _BENDS + 1)]
        series = [
            mp.fsum(c / start ** (2 * k - i) for k, c in enumerate(bends, start=1) if i < 2 * k)
            for i in range(2 * _BENDS)
        ]
        total = inverse * polynomial(inverse, tuple(map(float, series)))
        for k in range(STEPS, 0, -1):
            total = total + float(1 / (k + zero)) / (_a + k)
        near = call("log1p", beside / float(start)) + beside * total
    return patch(_a > _FAR, call("log", _a), near)


digamma1p = define(
    Helper(
        "digamma1p",
        ("a",),
        "digamma(1 + a) for a > 0, also beside its zero.",
        _digamma1p,
        lambda z: mp.digamma(1 + z),
    )
)
loggamma1p = define(
    Helper(
        "loggamma1p",
        ("a",),
        "log gamma(1 + a) for a > 0, whose slope is digamma1p.",
        call("loggamma", 1 + _a),
        lambda z: mp.loggamma(1 + z),
    )
)
gamma_gap = define(
    Helper(
        "gamma_gap",
        ("a",),
        "log gamma(a + 1/2) - log gamma(a) - log(a)/2 for a > 0; 0 at inf.",
        _gap,
        _exact(0),
    )
)
gamma_gap1 = define(Helper("gamma_gap1", ("a",), "The derivative of gamma_gap.", _gap1, _exact(1)))
gamma_gap2 = define(
    Helper("gamma_gap2", ("a",), "The second derivative of gamma_gap.", _gap2, _exact(2))
)
