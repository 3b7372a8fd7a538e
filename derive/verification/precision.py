"""At how many bits to begin: what was enough for points alike."""

from __future__ import annotations

from collections.abc import Sequence

from derive.verification.backend import Ball, arb, ctx

MOST_BITS = 1 << 16
HOPELESS = 1 << 10  # no finite bound by then, at inputs too far out for any precision: never
SPARE = 64  # bits beyond those that are wanted, at first


class Precision:
    """Remembers, for points of one reach, what the last one took."""

    def __init__(self) -> None:
        self._enough: dict[tuple[int, int], int] = {}

    def start(self, reached: int, bits: int) -> int:
        return self._enough.get((bits, reached), bits + SPARE)

    def enough(self, reached: int, bits: int, precision: int, spare: int) -> None:
        """The next one starts with less, if this one had bits to spare."""
        self._enough[bits, reached] = max(bits + SPARE, precision - spare // 2)


def more(precision: int, bits: int, accuracy: int) -> int:
    """The next number of bits: what was lacking, or twice as many where not even a sign is told."""
    lacking = bits - accuracy if accuracy > 0 else precision
    return max(precision + min(lacking, precision), 192)


def reach(point: Sequence[Ball]) -> int:
    """How far the numbers of a point lie from 1, or how long they are: a coarse size of either."""
    most = 0
    for value in point:
        if value.is_finite():
            mantissa, exponent = value.mid().man_exp()
            most = max(most, abs(int(exponent)), int(mantissa).bit_length())
    return most.bit_length()


def is_hopeless(ball: Ball, point: Sequence[Ball]) -> bool:
    """Whether no more bits bound a value: an input is so large that 1 beside it is lost."""
    if ball.is_finite() or ctx.prec < HOPELESS:
        return False
    return any(abs(v) > arb((1, MOST_BITS)) for v in point)
