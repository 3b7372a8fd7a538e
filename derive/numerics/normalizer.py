"""log Z and its derivatives as they are evaluated: closed forms that keep their digits everywhere.

A closed form may overflow, underflow or cancel somewhere in the parameters' domain (exp times
erfc). Each is measured over the whole domain against many digits; one that fails is left out, and
the density's own quadrature takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, S, Symbol

from derive.calculus import Derivation
from derive.calculus.evaluate import NotReal
from derive.calculus.evaluate import evaluate as exact
from derive.definitions.loss import Loss
from derive.definitions.relations import satisfied
from derive.numerics.evaluate import evaluate
from derive.numerics.folding import folded
from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Call, Local, Name, Node, call, node
from derive.numerics.rules import half_step, of_one_more

By = tuple[str, ...]
# How far a form may be off, as part of the larger of its value and 1 (log Z), or of its value.
ALLOWED = 2e-14, 1e-12, 1e-11
# Decades and fractions of an interval at which a form is measured.
DECADES = (-8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8)
FRACTIONS = (1e-9, 1e-4, 0.03, 0.3, 0.5, 0.8, 0.99, 1 - 1e-4)
MOST_POINTS = 150


def normalizer(derivation: Derivation) -> Mapping[By, Node]:
    """log Z under (), and its derivatives by names of parameters: those that hold.

    Without those in a parameter that only stretches the residual: they are known anyway.
    """
    loss, density, stretch = derivation.loss, derivation.density, derivation.facts.stretch
    if loss.log_partition is not None:
        return MappingProxyType(_stored(loss))
    if density.log_partition is None:
        return MappingProxyType({})
    points, found = list(_points(loss)), {}
    stepped = half_step(density.log_partition)
    for by, expression in {(): density.log_partition, **density.derivatives}.items():
        if stretch in by:
            continue
        forms = [expression]
        if stepped is not None:
            form = sympy.diff(stepped, *by) if by else stepped
            forms.insert(0, sympy.expand_log(form, force=True))
        for form in (f for f in forms if not f.has(sympy.I)):
            try:
                value = _lowered(form, by)
            except CannotLower:
                continue
            if _holds(value, expression, len(by), points):
                found[tuple(p.name for p in by)] = value
                break
    return MappingProxyType(found if () in found else {})


def _stored(loss: Loss) -> dict[By, Node]:
    """log Z = log(stretch) + a stored function of one parameter."""
    stored = loss.log_partition
    assert stored is not None
    p, c = stored.parameter.name, Name(stored.stretch.name)

    def value(order: int) -> Node:
        return Call("quantity", (Name("_stored"), Name(p), node(order)))

    return {
        (): call("log", c) + value(0),
        (p,): value(1),
        (p, p): value(2),
    }


def _lowered(expression: Expr, by: tuple[Symbol, ...]) -> Node:
    """The nodes of log Z or a derivative, constants folded at high precision."""
    expression = expression.replace(lambda e: True, lambda e: of_one_more(e) or e)
    expression = expression.replace(_is_log_gamma, _as_loggamma)
    if len(by) < 2 or not _is_product(expression):
        return lower(folded(expression))
    # f' (N'/N - f'): f' is one local.
    first, _ = expression.args
    rest = sympy.expand(expression.args[1] + first)
    slope = Local("slope", lower(folded(first)))
    return slope * (lower(folded(rest)) - slope)


def _is_product(expression: Expr) -> bool:
    """Whether it is f' (g - f'), as derivatives of the logarithm of a sum are written."""
    if not expression.is_Mul or len(expression.args) != 2:
        return False
    first, other = expression.args
    return bool(other.is_Add and -first in other.args)


def _is_log_gamma(e: Expr) -> bool:
    return isinstance(e, sympy.log) and isinstance(e.args[0], sympy.gamma)


def _as_loggamma(e: Expr) -> Expr:
    return sympy.loggamma(e.args[0].args[0])


def _points(loss: Loss) -> Iterator[Mapping[Symbol, float]]:
    """Parameters all over their domains: the ends that belong, decades, fractions."""
    values = [list(_values(loss.domain(p))) for p in loss.parameters]
    total = 1
    for column in values:
        total *= len(column)
    for k, row in enumerate(product(*values)):
        if total <= MOST_POINTS or k % (total // MOST_POINTS + 1) == 0:
            at = dict(zip(loss.parameters, row, strict=True))
            if satisfied(loss, at):
                yield at


def _values(domain: sympy.Set) -> Iterator[float]:
    inner = domain - sympy.FiniteSet(sympy.oo, -sympy.oo)
    low, high = float(inner.inf), float(inner.sup)
    if np.isfinite(low) and np.isfinite(high):
        inside = [low + (high - low) * share for share in FRACTIONS]
    elif np.isfinite(low):
        inside = [low + 10.0**k for k in DECADES]
    elif np.isfinite(high):
        inside = [high - 10.0**k for k in DECADES]
    else:
        inside = [s * 10.0**k for k in DECADES for s in (-1, 1)]
    yield from (end for end in (low, high) if domain.contains(S(end)) == S.true)
    yield from inside


def _holds(form: Node, expression: Expr, order: int, points: list[Mapping[Symbol, float]]) -> bool:
    """Whether the form has its digits at every point."""
    allowed = ALLOWED[order]
    for at in points:
        with np.errstate(all="ignore"):
            arrays = {p.name: np.array([v]) for p, v in at.items()}
            try:
                got = float(np.broadcast_to(evaluate(form, arrays), 1)[0])
            except ValueError:
                return False
        want = _value(expression, at)
        if want is None:
            if not np.isfinite(got):
                return False
            continue
        slack = allowed * max(abs(want), 0.0 if order else 1.0) + 1e-300
        if not abs(got - want) <= slack:
            return False
    return True


def _value(expression: Expr, at: Mapping[Symbol, float]) -> Any:
    """The exact value as a float, None where the expression has none; digits as needed."""
    values = []
    for digits in (60, 120, 400, 800):
        with mp.workdps(digits):
            try:
                values.append(exact(expression, {p: mp.mpf(v) for p, v in at.items()}))
            except (NotReal, ZeroDivisionError, OverflowError):
                return None
        if len(values) > 1 and abs(values[-1] - values[-2]) <= abs(values[-1]) * mp.mpf(10) ** -20:
            return float(values[-1])
    return None
