"""Functions that NumPy lacks, elementwise in float64, and functions that are stored as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Of half a step of log gamma in 1/z, odd powers: (B_m(1/2) - B_m)/(m n), m = n + 1 (DLMF 5.11.8).
_GAP = (
    -1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224, -5461 / 425984,
    929569 / 15728640, -3202291 / 8912896, 221930581 / 79691776, -4722116521 / 176160768,
    968383680827 / 3087007744, -14717667114151 / 3355443200,
)  # fmt: skip
# Of digamma(z + 1/2) - log(z) in 1/z, even powers: -B_m(1/2)/m, m = 2, 4, … (likewise).
_BENDS = (
    1 / 24, -7 / 960, 31 / 8064, -127 / 30720, 511 / 67584, -1414477 / 67092480, 8191 / 98304,
    -118518239 / 267386880, 5749691557 / 1882718208,
)  # fmt: skip
# digamma is 0 at 1 + _ZERO; the first number is one of every dtype.
_ZERO = 0.4616321325302124, 1.2438149938918909e-08


def _elementwise(function: Callable[[float], float], value: ArrayLike) -> Floats:
    return np.asarray(np.frompyfunc(function, 1, 1)(value), dtype=np.float64)


def erf(value: ArrayLike) -> Floats:
    """The error function."""
    return _elementwise(math.erf, value)


def erfc(value: ArrayLike) -> Floats:
    """1 - erf, without cancellation."""
    return _elementwise(math.erfc, value)


def loggamma(value: ArrayLike) -> Floats:
    """log |gamma|."""
    return _elementwise(math.lgamma, value)


def horner(z: ArrayLike, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


def digamma(value: ArrayLike) -> Floats:
    """The logarithmic derivative of gamma for value > 0: recurrence, then its asymptotic series."""
    steps, z = _from_twelve(value)
    r = 1 / (z * z)
    tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132)))))
    return np.asarray(np.log(z) - 0.5 / z - tail - sum(np.where(on, 1 / y, 0) for y, on in steps))


def trigamma(value: ArrayLike) -> Floats:
    """The second logarithmic derivative of gamma for value > 0."""
    steps, z = _from_twelve(value)
    r = 1 / (z * z)
    tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66)))))
    total = sum(np.where(on, 1 / y / y, 0) for y, on in steps)
    return np.asarray(total + (1 + 0.5 / z + tail) / z)


def _from_twelve(value: ArrayLike) -> tuple[list[tuple[Floats, Any]], Floats]:
    """Steps of 1 from value up to 12 or beyond: where each begins, and which count."""
    z, steps = np.asarray(value, dtype=np.float64), []
    for _ in range(12):
        steps.append((z, z < 12))
        z = np.where(z < 12, z + 1, z)
    return steps, z


def loggamma1p(a: ArrayLike) -> Floats:
    """log gamma(1 + a) for a > 0."""
    return loggamma(1 + np.asarray(a, dtype=np.float64))


def digamma1p(a: ArrayLike) -> Floats:
    """digamma(1 + a) for a > 0, also beside its zero r: the sum over k > 0 of
    (a - r)/((k + r) (k + a)), from k = 9 on as a difference of asymptotic series."""
    a = np.asarray(a, dtype=np.float64)
    r, first = sum(_ZERO), 8.5 + sum(_ZERO)
    beside, y = (a - _ZERO[0]) - _ZERO[1], 1 / (a + 8.5)
    series = (
        sum(c / first ** (n - i) for n, c in zip(range(2, 20, 2), _BENDS, strict=True) if i < n)
        for i in range(2 * len(_BENDS))
    )
    total = sum(1 / (k + r) / (k + a) for k in range(8, 0, -1)) - y * horner(y, tuple(series))
    return np.asarray(np.where(a > 1e18, np.log(a), np.log1p(beside / first) + beside * total))


def gamma_gap(z: ArrayLike) -> Floats:
    """log gamma(z + 1/2) - log gamma(z) - log(z)/2 for z > 0; 0 at inf.

    gap(z) = gap(z + 1) - log(1 + 1/(4 z (z + 1)))/2 up to 8, from there an asymptotic series.
    """
    z = np.asarray(z, dtype=np.float64)
    grown: Any = 0.0
    for k in range(8):
        term = 0.25 / (z + k) / (z + k + 1)
        grown = grown + term + grown * term
    near = _gap_series(z, 0) - np.where(z < 8, np.log1p(grown) / 2, 0)
    return np.asarray(np.where(z < 1e-300, (np.log(z) + math.log(math.pi)) / 2, near))


def gamma_gap1(z: ArrayLike) -> Floats:
    """The derivative of gamma_gap."""
    z = np.asarray(z, dtype=np.float64)
    steps = (0.5 / y / (y + 1) / (2 * y + 1) for y in (z + k for k in range(8)))
    return np.asarray(_gap_series(z, 1) + np.where(z < 8, sum(steps), 0))


def gamma_gap2(z: ArrayLike) -> Floats:
    """The second derivative of gamma_gap."""
    z = np.asarray(z, dtype=np.float64)
    total: Any = 0.0
    for y in (z + k for k in range(8)):
        ratio = (6 * y * (y + 1) + 1) / 2 / (y + 1) / (2 * y + 1)
        total = total + ratio / y / y / (y + 1) / (2 * y + 1)
    return np.asarray(_gap_series(z, 2) - np.where(z < 8, total, 0))


def _gap_series(z: Floats, order: int) -> Any:
    """A derivative of the asymptotic series, at z + 8 where z < 8."""
    inverse = 1 / np.where(z < 8, z + 8, z)
    total: Any = 0.0
    for place, c in reversed(list(enumerate(_GAP))):
        n = 2 * place + 1
        total = total * inverse * inverse + c * math.prod(-(n + k) for k in range(order))
    return total * inverse ** (1 + order)


class Stored:
    """A function of p in [0, inf] as numbers, with two derivatives; NaN elsewhere.

    pieces: text, a line each: start, end, kind, middle, rate, value, then the polynomial in
    z = (v - middle) rate, where v = p/(p + squeeze) (kind 0) or log(|p - centre|/p) (kind 1).
    Next to the centre it is singular: with l = centre/p - 1, m = |l| and w = m^((1 + l)/2) it is
    m - l/2 log m + a polynomial in l and w. around: start, end, value, and the polynomial's
    constant; below and above the centre, rows of w^0, w^1, …: the coefficients of l^0, l^1, ….
    """

    def __init__(
        self, squeeze: float, centre: float, pieces: str, around: str, below: str, above: str
    ) -> None:
        self.squeeze, self.centre = squeeze, centre
        self.pieces = _numbers(pieces)
        ((self.start, self.stop, self.value, self.rest),) = _numbers(around)
        self.sides = _numbers(below), _numbers(above)

    def __call__(self, p: ArrayLike, order: int) -> Any:
        """The value (order 0), or the first or second derivative."""
        p = np.asarray(p, dtype=np.float64)
        found = np.full(p.shape, np.nan)
        for start, stop, kind, *piece in self.pieces:
            here = (p >= start) & ((p < stop) | (p == stop) & (stop == np.inf))
            if here.any():
                found[here] = self._piece(p[here], kind, piece)[order]
        here = (p >= self.start) & (p < self.stop)
        if here.any():
            found[here] = self._next_to_centre(p[here])[order]
        return found[()]

    def _piece(self, p: Floats, kind: float, piece: list[float]) -> tuple[Floats, ...]:
        (middle, rate, value, *polynomial), large = piece, 2 * self.centre
        small = p + self.squeeze
        v, v1, v2 = p / small, self.squeeze / (small * small), 2.0 / small
        if kind:
            near = np.abs(p - self.centre) / np.minimum(p, large)
            v = np.log(np.where(p < large, near, 1.0 - self.centre / p))
            v1 = self.centre / p / (p - self.centre)
            v2 = 1.0 / p + 1.0 / (p - self.centre)
        z = (v - middle) * rate
        f, f1, f2 = np.zeros_like(z), np.zeros_like(z), np.zeros_like(z)
        for c in reversed(polynomial):
            f2, f1, f = f2 * z + f1, f1 * z + f, f * z + c
        f1 = f1 * rate
        return value + f, f1 * v1, 2.0 * f2 * (rate * v1) ** 2 + f1 * (-v1 * v2)

    def _next_to_centre(self, p: Floats) -> tuple[Floats, ...]:
        """At the centre the slope is -inf and the second derivative NaN."""
        l = (self.centre - p) / p  # noqa: E741  # as in the formula
        at, sign = l == 0, np.where(l > 0, 1.0, -1.0)
        m = np.abs(l)
        log_m = np.log(np.where(at, 1.0, m))
        power, grown = np.exp(l * log_m), l * (log_m + 1.0)
        w = np.sqrt(m * power)
        q1 = sign * power * (1.0 + grown)
        q2 = sign * power * ((log_m + 1.0) * (1.0 + grown) + log_m + 2.0)
        w1 = q1 / (2.0 * np.where(at, 1.0, w))
        w2 = (q2 - 2.0 * w1 * w1) / (2.0 * np.where(at, 1.0, w))
        g = g_w = g_ww = g_l = g_lw = g_ll = np.zeros_like(l)
        for low, high in zip(*(reversed(side) for side in self.sides), strict=True):
            r = r1 = r2 = np.zeros_like(l)
            for one, other in zip(reversed(low), reversed(high), strict=True):
                r2, r1, r = r2 * l + r1, r1 * l + r, r * l + np.where(l > 0, one, other)
            g_ww, g_w, g = g_ww * w + g_w, g_w * w + g, g * w + r
            g_lw, g_l, g_ll = g_lw * w + g_l, g_l * w + r1, g_ll * w + 2.0 * r2
        slope = g_l + g_w * w1 + (sign - 0.5 * (log_m + 1.0))
        bend = g_ll + 2.0 * g_lw * w1 + 2.0 * g_ww * w1 * w1 + g_w * w2
        bend = bend - 0.5 / np.where(at, 1.0, l)
        l1 = -self.centre / (p * p)
        return (
            self.value + (self.rest + (g + m - 0.5 * l * log_m)),
            np.where(at, -np.inf, slope * l1),
            np.where(at, np.nan, bend * l1 * l1 - slope * (2.0 * l1 / p)),
        )


def _numbers(text: str) -> list[list[float]]:
    """Rows of numbers, separated by semicolons."""
    return [[float(word) for word in row.split()] for row in text.split(";") if row.strip()]
