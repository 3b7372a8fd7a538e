"""What the oracle answers: a ball that holds the exact value, an infinity, or nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from derive.definitions.floats import FORMATS, Format
from derive.verification.backend import Ball, arb
from derive.verification.ulp import error_in_ulp


@dataclass(frozen=True)
class Enclosure:
    """The exact value at one point.

    ball: holds it (None for an infinity, and where there is no value).
    infinite: 1 or -1 where the value is +inf or -inf.
    rigorous: False where a limit was read off from evaluations at several distances.
    reason: why there is no value.
    """

    ball: Ball | None
    infinite: int = 0
    rigorous: bool = True
    reason: str = ""

    @property
    def defined(self) -> bool:
        return self.ball is not None or self.infinite != 0

    @property
    def is_zero(self) -> bool:
        return self.ball is not None and bool(self.ball.is_zero())

    def exact_middle(self) -> Fraction:
        """The midpoint as a fraction; only for values of moderate exponent."""
        assert self.ball is not None
        mantissa, exponent = self.ball.mid().man_exp()
        return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)

    def radius(self) -> float:
        return float(self.ball.rad()) if self.ball is not None else 0.0

    def float64(self) -> float:
        """The value correctly rounded to float64 (inf beyond its range, NaN where undefined)."""
        if self.ball is None:
            return math.inf * self.infinite if self.infinite else math.nan
        return float(self.ball.mid())

    def float32(self) -> float:
        """The value correctly rounded to float32, as a Python float."""
        return self.rounded("float32")

    def rounded(self, dtype: str) -> float:
        """The value correctly rounded to the dtype, as a Python float."""
        approximate = self.float64()
        form = FORMATS[dtype]
        if self.ball is None or dtype == "float64":
            return approximate
        if approximate == 0 or abs(approximate) >= 2.0 ** (form.largest_exponent + 1):
            return math.copysign(math.inf, approximate) if approximate else approximate
        return _round(self.exact_middle(), form)

    def ulps(self, candidate: float, dtype: str = "float64") -> float:
        """How far a candidate is from the value, in ULP of the dtype."""
        high, low = self.high_low()
        return error_in_ulp(candidate, high, low, dtype)

    def high_low(self) -> tuple[float, float]:
        """The value as a float64 and the rest, the latter in ULP of float64 at the former.

        Beyond the range of float64 the rest is the value in units of 2^1024 instead.
        """
        high = self.float64()
        if self.ball is None:
            return high, math.inf if self.infinite else 0.0
        if high == 0:
            return high, float(self.ball.mid() * _two(1074))
        if math.isinf(high):
            return high, abs(float(self.ball.mid() * _two(-1024)))
        exponent = max(math.frexp(high)[1] - 53, -1074)
        return high, float((self.ball - high).mid() * _two(-exponent))


def _two(exponent: int) -> Ball:
    return arb((1, exponent))


def _round(value: Fraction, form: Format) -> float:
    """Round half to even at the format's precision, subnormals included."""
    exponent = max(math.frexp(float(value))[1] - 1, form.smallest_exponent)
    unit = Fraction(2) ** (exponent - form.precision + 1)
    rounded = float(round(value / unit) * unit)
    if abs(rounded) >= 2.0 ** (form.largest_exponent + 1):
        return math.copysign(math.inf, rounded)
    return rounded


def undefined(reason: str) -> Enclosure:
    return Enclosure(None, reason=reason)
