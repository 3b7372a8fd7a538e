"""Gradient clipping as an operation on losses: the loss whose slope is the clipped slope."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Abs, Expr, Piecewise, Rational, Symbol, solve

from derive.calculus.derivation import Derivation
from derive.calculus.reading import readable
from derive.definitions.accepted import accept
from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.estimation.robustness import robustness


def clip_gradient(derivation: Derivation, bound: str = "bound") -> Loss:
    """The loss whose slope is this loss's slope, kept between -bound and bound.

    bound: the name of the new positive parameter. Beyond the place where the slope gets to the
    bound, the loss goes on along its tangent; where it never does, nothing is clipped. Of the
    quadratic loss this is the one that goes on linearly beyond the bound. BadInput for a loss that
    is not even and convex, and where that place has no formula.
    """
    loss, x = derivation.loss, derivation.loss.residual
    if bound in {v.name for v in (*loss.variables, *loss.where)}:
        raise BadInput(f"{loss.name}: '{bound}' is taken; choose another name for the bound")
    if not derivation.facts.even:
        raise BadInput(f"{loss.name}: only an even loss has one place on each side to clip at")
    if not robustness(derivation).convex:
        raise BadInput(f"{loss.name}: its slope falls again; only a convex loss is clipped so")
    limit, size = Symbol(bound, positive=True), Symbol("size", positive=True)
    slope = derivation.quantities[f"d_{x.name}"].subs(x, size)
    place = _place(loss, slope, size, limit)
    inner = loss.expression
    at_place = readable(inner.subs(x, place))
    beyond = at_place + limit * (Abs(x) - place)
    if slope == limit:
        raise BadInput(f"{loss.name}: its slope is {limit} everywhere")
    inside = Abs(x) <= place if place.is_positive else slope.subs(size, Abs(x)) <= limit
    clipped = Loss(
        name=f"{loss.name}_clipped",
        title=f"{loss.title}, its gradient clipped",
        source=loss.source,
        variables=(*loss.variables, limit),
        loss=Piecewise((inner, inside), (beyond, True)),
        defaults=loss.defaults,
        domains=loss.domains,
    )
    return accept(clipped, clipped.name)


def _place(loss: Loss, slope: Expr, size: Symbol, limit: Symbol) -> Expr:
    """Where the slope first reaches the limit, for x > 0."""
    try:
        found = solve(sympy.Eq(slope, limit), size)
    except (NotImplementedError, ValueError):
        found = []
    places = [p for p in found if p.is_positive is not False and not p.has(size)]
    if not places:
        raise BadInput(f"{loss.name}: no formula says where its slope reaches {limit}")
    at = {p: Rational(3, 2) for p in loss.parameters} | {limit: Rational(1, 7)}
    values = [(sympy.N(p.subs(at)), p) for p in places]
    positive = [(v, p) for v, p in values if v.is_real and v > 0]
    if not positive:
        raise BadInput(f"{loss.name}: its slope never reaches {limit}")
    return readable(min(positive, key=lambda pair: pair[0])[1])


def clip_norm(gradient: Any, bound: float, axis: int = -1) -> Floats:
    """Gradients of a loss of |x| over vectors x along an axis, each scaled to a norm of at most
    `bound`: the gradient of the clipped loss (`clip_gradient`) of |x|."""
    if not 0 < bound < np.inf:
        raise BadInput(f"bound: {bound} is not a positive number")
    vectors = np.asarray(gradient, dtype=np.float64)
    largest = np.max(np.abs(vectors), axis=axis, keepdims=True, initial=0.0)
    # lengths of the vectors over their largest component, so that no square leaves the range
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(largest > 0, vectors / largest, 0.0)
        norm = np.sqrt(np.sum(unit * unit, axis=axis, keepdims=True))
        clipped = unit * (bound / norm)
    return np.where(largest * norm > bound, clipped, vectors)
