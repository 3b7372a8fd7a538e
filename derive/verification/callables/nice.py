"""Numbers that a person would write down: a simple constant times powers of parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import product

import sympy

from derive.verification.backend import Ball, arb, ctx

COEFFICIENTS = tuple(
    Fraction(text) for text in ("1", "2", "1/2", "4", "1/4", "3", "1/3", "8", "1/8", "6", "1/6")
)
BASES = (2, 10)  # of logarithms, beside e
CLOSE = 1e-6
BITS = 256
LARGEST = 3  # of the sum of exponents
# what degrees of freedom do to a factor: (p + a)/b, as numerator and denominator in p
SHAPES = ("", "p/(p+1)", "(p+1)/p", "p+1", "1/(p+1)")


@dataclass(frozen=True)
class Nice:
    """coefficient * sqrt(2)**half * product of name**exponent * a quotient in one name, over
    log(base) where logarithms have another base."""

    coefficient: Fraction = Fraction(1)
    half: int = 0
    exponents: tuple[tuple[str, int], ...] = ()
    shape: str = ""
    of: str = ""
    base: int = 0
    _hash: int = field(default=0, compare=False, repr=False)

    @property
    def complexity(self) -> tuple[int, int]:
        simple = self.coefficient.numerator * self.coefficient.denominator - 1
        size = abs(simple) + 2 * abs(self.half) + 3 * bool(self.shape)
        return size + sum(abs(n) for _, n in self.exponents), self.coefficient.denominator

    @property
    def letter(self) -> str:
        """The name, where this is a parameter itself and nothing else."""
        plain = self.coefficient == 1 and self.half == 0 and not self.shape and not self.base
        return (
            self.exponents[0][0]
            if plain and len(self.exponents) == 1 == self.exponents[0][1]
            else ""
        )

    @property
    def is_one(self) -> bool:
        return self == Nice()

    @property
    def is_zero(self) -> bool:
        return self.coefficient == 0

    def ball(self, values: Mapping[str, float]) -> Ball:
        ctx.prec = BITS
        out = arb(self.coefficient.numerator) / self.coefficient.denominator
        if self.half:
            out = out * arb(2).sqrt() ** self.half
        if self.base:
            out = out / arb(self.base).log()
        for name, n in self.exponents:
            out = out * arb(values[name]) ** n
        if self.shape:
            p = arb(values[self.of])
            out = out * {"p/(p+1)": p / (p + 1), "(p+1)/p": (p + 1) / p, "p+1": p + 1,
                         "1/(p+1)": 1 / (p + 1)}[self.shape]  # fmt: skip
        return out

    def expression(self) -> sympy.Expr:
        out = sympy.Rational(self.coefficient.numerator, self.coefficient.denominator)
        out *= sympy.sqrt(2) ** self.half
        out /= sympy.log(self.base) if self.base else 1
        for name, n in self.exponents:
            out *= sympy.Symbol(name, positive=True) ** n
        if self.shape:
            p = sympy.Symbol(self.of, positive=True)
            out *= {"p/(p+1)": p / (p + 1), "(p+1)/p": (p + 1) / p, "p+1": p + 1,
                    "1/(p+1)": 1 / (p + 1)}[self.shape]  # fmt: skip
        return out

    def __str__(self) -> str:
        return str(self.expression())


ZERO = Nice(Fraction(0))


@cache
def nice_numbers(names: tuple[str, ...]) -> tuple[Nice, ...]:
    """All of them, the simplest first."""
    found = []
    for powers in product(range(-2, 3), repeat=len(names)):
        if sum(map(abs, powers)) > LARGEST:
            continue
        exponents = tuple((n, p) for n, p in zip(names, powers, strict=True) if p)
        for coefficient, half, shape in product(COEFFICIENTS, (0, 1, -1), SHAPES):
            for of in names if shape else ("",):
                found.append(Nice(coefficient, half, exponents, shape, of))
    return tuple(sorted(found, key=lambda n: n.complexity))


def lengths(names: Sequence[str]) -> list[Nice]:
    """What a length may be in somebody else's parameters, the simplest first."""
    return [
        n for n in nice_numbers(tuple(names))
        if not n.shape and n.coefficient in (1, 2, Fraction(1, 2)) and abs(n.half) <= 1
        and sum(e for _, e in n.exponents) in (1, 2, 0, -1)
        and all(abs(e) == 1 for _, e in n.exponents)
    ]  # fmt: skip


def named(
    found: Sequence[float], settings: Sequence[Mapping[str, float]], names: Sequence[str],
    close: float = CLOSE,
) -> Nice | None:  # fmt: skip
    """The simplest number that has these values at these settings of the parameters."""
    if all(value == 0.0 for value in found):
        return ZERO
    for sign in (1, -1):
        for nice in nice_numbers(tuple(names)):
            if all(
                abs(sign * float(nice.ball(at)) - value) <= close * abs(value)
                for value, at in zip(found, settings, strict=True)
            ):
                return Nice(sign * nice.coefficient, *_rest(nice))
    for base in BASES:
        moved = [value * math.log(base) for value in found]
        if all(math.isclose(value, 1, rel_tol=close) for value in moved):
            return Nice(base=base)
    return None


def _rest(nice: Nice) -> tuple[int, tuple[tuple[str, int], ...], str, str]:
    return nice.half, nice.exponents, nice.shape, nice.of
