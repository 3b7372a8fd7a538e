"""What an error is measured with: the condition in x, and the size of the terms of a difference."""

from __future__ import annotations

import math
from collections.abc import Mapping

from derive.verification import limits
from derive.verification.backend import arb, ctx
from derive.verification.oracle import Oracle, moved
from derive.verification.quantities import Quantity

STEEP = 4.0  # a smaller kappa: no zero is near


def kappa(oracle: Oracle, name: str, point: Mapping[str, float]) -> float:
    """|d log f/d log x| to three digits, from two enclosures a relative 2^-50 apart."""
    wanted = oracle.wanted(name)
    x = arb(float(point[oracle.names[0]]))
    if x.is_zero() or not x.is_finite():
        return 0.0
    inputs = [arb(float(point[n])) for n in oracle.names]
    here = oracle.enclose(wanted, inputs, limits.BITS)
    ctx.prec = 4 * limits.BITS
    beside = moved(inputs, 0, x * (1 - arb((1, -50))))
    there = oracle.enclose(wanted, beside, limits.BITS)
    if here.ball is None or there.ball is None:
        return math.inf
    if here.ball.is_zero():
        return 0.0
    ctx.prec = 4 * limits.BITS
    return abs(float((1 - there.ball / here.ball).mid() * arb((1, 50))))


def is_shape_slope(oracle: Oracle, wanted: Quantity) -> bool:
    """The first derivative in a positive parameter with special points: it may cross zero."""
    loss = oracle.loss
    touched = [v for v, n in zip(loss.variables, wanted.orders, strict=True) if n]
    return (
        wanted.order == 1
        and bool(loss.special.get(touched[0]))
        and bool(touched[0].is_extended_positive)
    )


def scale_of(oracle: Oracle, name: str, point: Mapping[str, float]) -> float:
    """What an error is measured against: the value, or larger terms that it is made of.

    A second derivative in u and v may be a small difference of f_u/v and f_v/u (for d2_x:
    of terms as large as the weight), if u and v are variables that scale (x and positive
    parameters). For a parameter p that does not scale, f_p/(1 + |p|) stands instead, and in
    f_pp also x f_xp/(1 + |p|): what p does through the argument that x shares with it.
    """
    wanted = oracle.wanted(name)
    size = abs(oracle.value(name, point).float64())
    if is_shape_slope(oracle, wanted):
        p = oracle.names[wanted.orders.index(1)]
        shared = oracle.value("d_x", point).float64() * point[oracle.names[0]] / point[p]
        return max(size, abs(shared)) if math.isfinite(shared) else size
    if not wanted.changes_sign:
        return size
    first = [k for k, n in enumerate(wanted.orders) for _ in range(n)]
    terms = [size]
    for u, v in (tuple(first), tuple(reversed(first))):
        divisor = abs(float(point[oracle.names[v]]))
        if v and not oracle.loss.variables[v].is_positive:
            if u != v:
                continue
            divisor += 1.0
        if divisor == 0.0 or math.isinf(divisor):
            continue
        slope = oracle.value("d_x" if u == 0 else f"d_{oracle.names[u]}", point).float64()
        terms.append(abs(slope / divisor) if math.isfinite(slope) else 0.0)
    if first[0] == first[1] and first[0] and not oracle.loss.variables[first[0]].is_positive:
        p = oracle.names[first[0]]
        shared = oracle.value(f"d2_{oracle.names[0]}_{p}", point).float64() * point[oracle.names[0]]
        shared /= 1.0 + abs(point[p])
        terms.append(abs(shared) if math.isfinite(shared) else 0.0)
    return max(terms)


def crosses(oracle: Oracle, name: str, point: Mapping[str, float]) -> bool:
    """Whether the quantity has both signs near x (a step of Newton's away), on one side of 0."""
    x = point[oracle.names[0]]
    steep = kappa(oracle, name, point)
    if not STEEP <= steep < math.inf:
        return False
    here = oracle.value(name, point).ball
    for step in (-2 / steep, 2 / steep):
        there = oracle.value(name, {**point, oracle.names[0]: x * (1 + step)}).ball
        if here is not None and there is not None and here * there < 0:
            return True
    return False


def scale_of_parameters(oracle: Oracle, name: str, point: Mapping[str, float]) -> float:
    """The larger of |f| and |p f_p|: an error relative to it is one of the parameters.

    For a value that crosses zero away from x = 0; what x does is in kappa.
    """
    wanted = oracle.wanted(name)
    inputs = [arb(float(point[n])) for n in oracle.names]
    terms = [abs(oracle.value(name, point).float64())]
    for k, p in enumerate(inputs[1:], start=1):
        if not p.is_finite():
            continue
        orders = tuple(n + (m == k) for m, n in enumerate(wanted.orders))
        slope = oracle.enclose(Quantity(name, orders, wanted.over_x), inputs, 64)
        size = abs(slope.float64() * float(p))
        terms.append(size if math.isfinite(size) else 0.0)
    return max(terms)
