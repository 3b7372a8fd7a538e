"""Quantities in units of a length of the loss: c^e Q(x/c), with x/c computed once.

A parameter p is a length where stretching x by k and p by k^w multiplies the loss by a power of
k; the unit is then p^(1/w): c itself, the root of a variance, one over a rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb
from sympy import Expr, Rational, S, Symbol

from derive.calculus.derivatives import partial
from derive.calculus.samples import generic_points
from derive.definitions.labels import is_met
from derive.definitions.loss import Loss, let
from derive.numerics.columns import Ball
from derive.numerics.exact import Exact, NoValue
from derive.numerics.lower import lower
from derive.numerics.nodes import Node

_WEIGHTS = (1, 2, -1, -2, Rational(1, 2))
_STRETCH = 4.0
_POINTS = 12  # so that every branch has some
_HALVES = tuple(Rational(n, 2) for n in range(-12, 13))


@dataclass(frozen=True)
class Unit:
    """The parameter whose power `1/weight` is a length, and that length."""

    parameter: Symbol
    weight: Expr

    @property
    def length(self) -> Expr:
        return self.parameter ** (1 / self.weight)

    def lengths(self, x: Symbol) -> Node:
        """x in units of the length."""
        return lower(x / self.length)


def units(loss: Loss) -> tuple[Unit, ...]:
    """Every parameter that is a length by itself, the last of the signature first."""
    slope = partial(loss.expression, loss.residual)
    found = []
    for p in reversed(loss.parameters):
        if not p.is_positive or any(r.has(p) for r in loss.require):
            continue  # stretched by itself, it would leave its order
        for weight in _WEIGHTS:
            unit = Unit(p, S(weight))
            if degree(loss, slope, unit) is not None:
                found.append(unit)
                break
    y = loss.target
    if y is not None and loss.residual.is_nonnegative and is_met(loss):
        found.append(Unit(y, S.One))  # pieces along the ratio, whatever the degree
    return tuple(found)


def degree(loss: Loss, quantity: Expr, unit: Unit) -> Expr | None:
    """e where stretching by k multiplies the quantity by k^e, None where there is no such e."""
    exact = Exact(quantity, loss.variables)
    weights = {loss.residual: S.One, unit.parameter: unit.weight}
    found: set[Expr] = set()
    for at in generic_points(loss, _POINTS):
        inputs = [arb(float(at[v])) for v in loss.variables]
        # 4 and its powers are exact, that of 1/2 too
        stretched = [
            value * arb(_STRETCH ** float(weights.get(v, S.Zero)))
            for v, value in zip(loss.variables, inputs, strict=True)
        ]
        try:
            before, after = exact.enclosed(inputs), exact.enclosed(stretched)
        except (NoValue, ZeroDivisionError):
            continue
        if before.is_zero() and after.is_zero():
            continue
        here = [e for e in _HALVES if _equal(after, before * arb(_STRETCH ** float(e)))]
        if not here:
            return None
        found.update(here)
    return found.pop() if len(found) == 1 else None


def _equal(a: Ball, b: Ball) -> bool:
    return bool(abs(a - b) < abs(a) * arb((1, -40)))


def in_units(loss: Loss, expression: Expr, unit: Unit, e: Expr | None) -> Expr | None:
    """An expression of degree e as length^e times a function of x/length alone; None without e."""
    if e is None:
        return None
    x, p = loss.residual, unit.parameter
    z = let("y" if "y" not in {v.name for v in loss.variables} else "z", x / unit.length)
    return loss.expand(expression).subs(p, S.One).subs(x, z) * unit.length**e
