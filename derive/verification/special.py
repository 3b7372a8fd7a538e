"""The special-value table: what every function gives at zeros, infinities, NaN and extremes."""

from __future__ import annotations

import itertools
import math

import numpy as np
from sympy import Rational, Set, Symbol

from derive.definitions.floats import FORMATS, Floats, neighbours
from derive.definitions.labels import labels
from derive.definitions.loss import Loss
from derive.definitions.relations import satisfied
from derive.definitions.samples import Group, Sample, to_dtype


def extremes(dtype: str) -> Floats:
    """±0, smallest subnormal, smallest normal, 1, largest finite, ±inf, and NaN."""
    form = FORMATS[dtype]
    largest = (2.0 - 2.0 ** (1 - form.precision)) * 2.0**form.largest_exponent
    half = [0.0, 2.0**form.least, 2.0**form.smallest_exponent, 1.0, largest, math.inf]
    return np.array([s * v for v in half for s in (1.0, -1.0)] + [math.nan])


def special_sample(loss: Loss, dtype: str, inside: bool = False) -> Sample:
    """Every extreme x with every special parameter and its neighbours, else the defaults and the
    ends of its domain.

    inside: without the smallest and largest numbers.
    """
    if loss.predictions:
        return _special_pairs(loss, dtype)
    beside = 1 if dtype in ("float64", "float32") else 0  # narrower types have other neighbours
    choices: list[list[float]] = []
    for p in loss.parameters:
        options = [loss.default(p)]
        domain = loss.domain(p)
        for point in (float(s) for s in loss.special.get(p, ()) if domain.contains(s) == True):  # noqa: E712
            if math.isfinite(point):
                options += [float(v) for v in neighbours(point, dtype, beside)]
            else:
                options.append(point)
        if not loss.special.get(p):
            options.append(2.0 * options[0] + 0.5)  # a unit other than 1
        options += [float(e) for e in (domain.inf, domain.sup) if e.is_finite and e in domain]
        options = to_dtype(np.array(options), dtype).tolist()
        within = [v for v in options if float(domain.inf) <= v <= float(domain.sup)]
        choices.append(sorted(set(within)))
    residuals = extremes(dtype)
    if inside:
        size = np.abs(residuals)
        residuals = residuals[~((size > 1.0) & np.isfinite(size)) & ~((size < 1.0) & (size > 0))]
    chosen = (dict(zip(loss.parameters, c, strict=True)) for c in itertools.product(*choices))
    groups = tuple(Group(tuple(c.values()), residuals) for c in chosen if satisfied(loss, c))
    return Sample("special values", dtype, tuple(v.name for v in loss.variables), groups)


def _special_pairs(loss: Loss, dtype: str) -> Sample:
    """Every extreme prediction of the domain, and the target itself, with every label or some
    targets; parameters at their defaults."""
    choices = [_special_values(loss, v, dtype) for v in loss.held]
    domain, groups = loss.domain(loss.residual), []
    for held in itertools.product(*choices):
        beside = [*extremes(dtype), *(v for v in held if math.isfinite(v))]
        ends = [float(e) for e in (domain.inf, domain.sup) if domain.contains(e) == True]  # noqa: E712
        inside = [v for v in (*beside, *ends) if _is_inside(domain, v)]
        groups.append(Group(held, to_dtype(np.array([*sorted(set(inside)), math.nan]), dtype)))
    return Sample("special values", dtype, tuple(v.name for v in loss.variables), tuple(groups))


def _special_values(loss: Loss, v: Symbol, dtype: str) -> tuple[float, ...]:
    """A label, an end of the domain, or plain values of a prediction, a target or a parameter."""
    if v == loss.target:
        found = [*(float(e) for e in labels(loss)), loss.default(v)]
    else:
        found = [loss.default(v), *(float(s) for s in loss.special.get(v, ()) if s.is_finite)]
        found += [2.0 * found[0] + 0.5] if _is_inside(loss.domain(v), 2.0 * found[0] + 0.5) else []
    return tuple(dict.fromkeys(to_dtype(np.array(found), dtype).tolist()))


def has_place(loss: Loss, x: float) -> bool:
    """Whether the residual, or the prediction, may have a value."""
    return not loss.predictions or _is_inside(loss.domain(loss.residual), x)


def _is_inside(domain: Set, value: float) -> bool:
    """Infinities are inside of a domain without an end."""
    if math.isinf(value):
        return bool(float(domain.inf if value < 0 else domain.sup) == value)
    if math.isnan(value):
        return False
    return bool(domain.contains(Rational(value)) == True)  # noqa: E712


def shown_residuals() -> tuple[float, ...]:
    """What the published table shows: 0, smallest subnormal, 1, largest finite, inf."""
    return 0.0, 2.0**-1074, 1.0, float(np.finfo(np.float64).max), math.inf


def shown_parameters(loss: Loss) -> tuple[tuple[float, ...], ...]:
    """Each special point of a parameter with both neighbours, the others at a unit beside 1."""
    if loss.predictions:
        return tuple(itertools.product(*(_special_values(loss, v, "float64") for v in loss.held)))
    others = [1.0 if loss.special.get(p) else 0.75 for p in loss.parameters]
    found = []
    for k, p in enumerate(loss.parameters):
        for point in sorted(float(s) for s in loss.special.get(p, ())):
            beside = neighbours(point, "float64", 1) if math.isfinite(point) else [point]
            found += [(*others[:k], float(v), *others[k + 1 :]) for v in beside]
    found.append(tuple(others))
    if loss.require:
        found = [tuple(map(loss.default, loss.parameters))]
    return tuple(dict.fromkeys(found))
