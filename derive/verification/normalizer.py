"""Rigorous normalizers: exp(-loss), from the raw definition, integrated with enclosures.

The integral over a range is enclosed, the parts near 0 and far out have proved bounds (`side`).
Shares nothing with the coefficients that the emitted files carry. Derivatives in parameters are
differences of enclosures at small steps, and a singular or infinite parameter is approached to
2^-200: not rigorous.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.backend import Ball, Undefined, arb, ctx, flint
from derive.verification.bounds import CHOICES, MEROMORPHIC, SIZE, in_pieces
from derive.verification.oracle import Oracle
from derive.verification.side import Side

METHOD = "quadrature with enclosures (Arb) of the raw definition"
BY_DIFFERENCES = METHOD + ", differences at steps of 2^-36"

BITS = 136  # of accuracy relative to the largest value of the integrand
ENOUGH = 100  # of accuracy relative to the logarithm of the integral
ATTEMPTS = 3
HUGE = 70  # beyond 2^HUGE the loss itself is the logarithm of the integral, to PART e-folds
PART = 150
BESIDE = 200  # a singular parameter is replaced by its neighbour at 2^-BESIDE
STEP = 36
GUARD = 96

DISTANCES = (20, 70)  # x = 2^(2^20): the tail; 2^(2^70): that of an exponent near 0

KNOWN = (sympy.log, sympy.atan, sympy.Piecewise, *CHOICES, *MEROMORPHIC)

Point = Mapping[str, Ball]


class Normalizer:
    """log of the integral of exp(-loss) over all x, or over an interval, for one loss."""

    def __init__(self, loss: Loss) -> None:
        strangers = loss.expression.atoms(sympy.Function) - loss.expression.atoms(*KNOWN)
        if strangers:
            raise BadInput(f"the quadrature does not know {min(map(str, strangers))}")
        self.loss, self.oracle = loss, Oracle(loss)
        self.names = [p.name for p in loss.parameters]
        self.bits = BITS + GUARD
        self._logs: dict[tuple[Any, ...], Ball] = {}
        self.sides = [
            in_pieces(loss.expression.subs(loss.residual, sign * SIZE)) for sign in (1, -1)
        ]

    def exists(self, parameters: Mapping[str, float]) -> bool:
        """Whether the integral over all x converges: by proof, or as x d_x > 1 far out, and
        farther out."""
        proved = self.converges(parameters)
        if proved is not None:
            return proved
        return all(
            self._falls(sign, 1 << distance, parameters)
            for sign in (1, -1)
            for distance in DISTANCES
        )

    def converges(self, parameters: Mapping[str, float]) -> bool | None:
        """Whether the integral over all x is proved to be finite, or to be infinite."""
        try:
            sides = self._sides(self._moved(parameters), None)
            found = [side.converges for side in sides]
        except (BadInput, Undefined):
            return None
        return False if False in found else None if None in found else True

    def _falls(self, sign: int, exponent: int, parameters: Mapping[str, float]) -> bool:
        """Whether x d_x > 1 at x = ±2^exponent; a d_x that is surely less is known well enough."""
        x = arb((sign, exponent))
        point = [x, *(arb(parameters[n]) for n in self.names)]
        if not all(p.is_finite() for p in point) and exponent > 1 << DISTANCES[0]:
            return True  # a limit in a parameter, whose order with that in x is not free
        slope = self.oracle.enclose(self.oracle.wanted("d_x"), point, 64, below=-exponent - 1)
        if slope.infinite or slope.ball is None:
            return bool(slope.infinite * x > 0)
        return bool(slope.ball * x > 1 + arb((1, -40)))

    def log_partition(self, parameters: Mapping[str, float]) -> Ball:
        """log Z over all x."""
        return self._log(self._moved(parameters), None)

    def log_partition_on(self, a: float, b: float, parameters: Mapping[str, float]) -> Ball:
        """log of the integral over [a, b]."""
        return self._log(self._moved(parameters), (arb(a), arb(b)))

    def slopes(self, name: str, parameters: Mapping[str, float]) -> tuple[Ball, Ball]:
        """First and second derivative of log Z in a parameter, by differences."""
        here = self._moved(parameters)
        ctx.prec = self.bits
        size = abs(here[name])
        for special in self.special(name):
            distance = abs(here[name] - arb(float(special)))
            if special.is_finite and not distance.is_zero():
                size = min(size, distance, key=float)
        step = arb(float(size)) * arb((1, -STEP))
        more = 2 * max(0, -math.floor(math.log2(float(size))))  # lost in the second difference
        low, middle, high = (
            self._log({**here, name: here[name] + k * step}, None, more) for k in (-1, 0, 1)
        )
        return (high - low) / (2 * step), (high - 2 * middle + low) / step**2

    def special(self, name: str) -> Sequence[Any]:
        """The special points of a parameter."""
        for p in self.loss.parameters:
            if p.name == name:
                return tuple(self.loss.special.get(p, ()))
        return ()

    def _moved(self, parameters: Mapping[str, float]) -> dict[str, Ball]:
        """Parameters as balls, moved off the points where the definition has only a limit."""
        special = [
            parameters[p.name] in map(float, self.loss.special.get(p, ()))
            for p in self.loss.parameters
        ]
        self.bits = BITS + GUARD + 2 * BESIDE * any(special)
        ctx.prec = self.bits
        moved = {}
        for p in self.loss.parameters:
            value = parameters[p.name]
            ball = arb(value)
            if any(float(s) == value for s in self.loss.special.get(p, ())):
                if math.isinf(value):
                    ball = arb((1 if value > 0 else -1, BESIDE))
                else:
                    ball = ball + arb((1, -BESIDE))
            moved[p.name] = ball
        return moved

    def _log(self, point: Point, interval: tuple[Ball, Ball] | None, more: int = 0) -> Ball:
        """The logarithm of the integral, with `more` bits than BITS; each is found once."""
        ends = () if interval is None else interval
        key = (*(_exactly(v) for v in (*point.values(), *ends)), self.bits, more)
        if key not in self._logs:
            self._logs[key] = self._log_anew(point, interval, more)
        return self._logs[key]

    def _log_anew(self, point: Point, interval: tuple[Ball, Ball] | None, more: int) -> Ball:
        ctx.prec = self.bits
        sides = self._sides(point, interval)
        height = max(side.peak for side in sides)
        if not abs(height) < arb((1, HUGE)):
            return self._roughly(sides)
        bits = BITS + more
        for _ in range(ATTEMPTS):
            ctx.prec = self.bits + bits - BITS + int(max(abs(float(height)), 1.0)).bit_length()
            sides = self._sides(point, interval)
            total = sum((side.integral(bits) for side in sides), arb(0))
            if interval is None and len(sides) == 1:
                total = 2 * total
            found = total.log()
            if found.is_finite() and found.rad() < arb((1, -ENOUGH)) * max(1.0, float(abs(found))):
                break
            bits *= 2
        return found

    def _roughly(self, sides: Sequence[Side]) -> Ball:
        """From bounds of the loss over the interval, and over a small part of it."""
        logs = []
        for side in sides:
            assert side.high is not None
            width = side.high - side.low
            logs.append(((width * arb((1, -PART))).log() - side.range(PART)[1],
                         width.log() - side.range()[0]))  # fmt: skip
        lower = max(low.lower() for low, _ in logs)
        upper = max(high.upper() for _, high in logs) + arb(len(logs)).log()
        return lower.union(upper)

    def _sides(self, point: Point, interval: tuple[Ball, Ball] | None) -> list[Side]:
        """The sides of 0 that the interval has a part of; one of two equal ones."""
        unit = next((point[p.name] for p in self.loss.parameters if p.is_positive), arb(1))
        names = {name: flint.acb(value) for name, value in point.items()}
        if interval is None:
            return [Side(e, names, unit, arb(0), None) for e in dict.fromkeys(self.sides)]
        found = []
        for sign, expression in zip((1, -1), self.sides, strict=True):
            a, b = interval if sign > 0 else (-interval[1], -interval[0])
            if b > 0:
                found.append(Side(expression, names, unit, a if a > 0 else arb(0), b))
        return found


def _exactly(value: Ball) -> tuple[Any, ...]:
    return (*value.mid().man_exp(), *value.rad().man_exp())
