"""The integral of exp(-loss) over the line as a number, without any closed form."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from mpmath import mp
from sympy import Abs, Expr, Max, Min, Piecewise, Symbol
from sympy.core.relational import Relational

from derive.calculus.evaluate import NotReal, along, evaluate, exponential

# Spread of x that is searched for kinks, and how finely (per factor of two).
REACH = 12


def normalizer(loss: Expr, x: Symbol, at: Mapping[Symbol, Any]) -> Any:
    """The integral of exp(-loss), with kinks as end points, at mpmath's current precision."""

    exponent = along(loss, x, at)

    def integrand(value: Any) -> Any:
        return exponential(-exponent(value))

    total = mp.mpf(0)
    even = loss.subs(x, -x) == loss
    for side in (1,) if even else (1, -1):
        ends = [mp.mpf(0), *_kinks(loss, x, at, side)]
        for low, high in pairwise(ends):
            total += abs(mp.quad(integrand, [low, high]))
        total += _to_infinity(integrand, ends[-1], side)
    return 2 * total if even else total


def growth_of_integral(loss: Expr, x: Symbol, at: Mapping[Symbol, Any], slope: Expr) -> str:
    """How close the integral of exp(-loss) over X <= |x| <= 2X comes to slope * X, as a figure."""
    with mp.workdps(30):
        differences = []
        for digits in (6, 24):
            far = mp.mpf(10) ** digits
            total = mp.mpf(0)
            for side in (far, -far):
                total += mp.quad(
                    lambda v, s=side: exponential(-evaluate(loss, {**at, x: v * s})), [1, 2]
                )
            differences.append(mp.nstr(abs(total / evaluate(slope, at) - 1), 2))
    near, far_out = differences
    off = f"{near} off at X = 1e6, {far_out} at 1e24"
    return f"integral over X <= |x| <= 2X against its rate: {off}"


def _to_infinity(integrand: Any, start: Any, side: int) -> Any:
    """Double-exponential rule on a half-line: x = start + exp(pi/2 sinh(t)), step halved."""
    half_pi = mp.pi / 2

    def term(t: Any) -> Any:
        y = mp.exp(half_pi * mp.sinh(t))
        return integrand(start + side * y) * half_pi * mp.cosh(t) * y

    small = mp.mpf(10) ** -(mp.dps + 5)

    def swept(first: Any, stride: Any) -> Any:
        """The sum over first, first + stride, …, outwards on both sides of 0."""
        total = mp.mpf(0)
        for direction in (1, -1):
            t = first
            while t < 7:
                value = term(direction * t)
                total += value
                if t > 1 and abs(value) <= small * abs(total):
                    break
                t += stride
        return total

    step = mp.mpf(1) / 4
    total = term(mp.mpf(0)) + swept(step, step)
    for _ in range(6):
        # Halving the step adds only the points between.
        finer = total + swept(step / 2, step)
        step = step / 2
        if abs(finer / 2 - total) < mp.mpf(10) ** (-mp.dps // 2 - 3) * abs(total):
            return finer * step
        total = finer
    return total * step


def _kinks(loss: Expr, x: Symbol, at: Mapping[Symbol, Any], side: int) -> list[Any]:
    """Where |.|, Max, Min or a branch changes, on one side of 0, from 0 outwards."""
    gaps = [part.args[0] for part in loss.atoms(Abs)]
    gaps += [part.args[0] - part.args[1] for part in loss.atoms(Max, Min)]
    gaps += [r.lhs - r.rhs for p in loss.atoms(Piecewise) for r in p.atoms(Relational)]
    grid = [mp.mpf(2) ** (mp.mpf(k) / 2) * side for k in range(-2 * REACH, 2 * REACH + 1)]
    found: list[Any] = []
    for gap in sorted(set(gaps), key=str):
        if gap.has(x) and gap != x:
            found += _roots(gap, x, at, grid)
    return sorted(set(found), key=abs)


def _roots(gap: Expr, x: Symbol, at: Mapping[Symbol, Any], grid: list[Any]) -> list[Any]:
    def value(where: Any) -> Any:
        return evaluate(gap, {**at, x: where})

    found = []
    for low, high in pairwise(grid):
        try:
            if value(low) * value(high) < 0:
                found.append(mp.findroot(value, (low, high), solver="anderson"))
        except (NotReal, ValueError):
            continue
    return found
