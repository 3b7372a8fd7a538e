"""The divergence of Kullback and Leibler between two densities of one loss, by quadrature."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._quadrature import _EPS, _NODES, _WEIGHTS, Floats, _Law

# Steps of the distance beyond the panels by which a logarithm is told from a power.
_STEP = 2.0**32


def divergence(p: _Law, q: _Law, shift: float) -> float:
    """The integral of p log(p/q) - p + q, which is never negative; inf where it does not end.

    shift: how far q lies beyond p.
    """
    loss = p.density.loss
    log_p, log_q = (float(law.density.log_partition(*law.values)) for law in (p, q))

    def gain(x: Floats) -> Floats:
        """log(p/q)."""
        return q.call(loss, x - shift) - p.call(loss, x) + log_q - log_p

    def integrand(x: Floats) -> Floats:
        first, ratio = np.exp(-p.call(loss, x) - log_p), gain(x)
        second = np.exp(-q.call(loss, x - shift) - log_q)
        close = np.abs(ratio) < 1
        near = np.where(close, ratio, 0.0)
        terms = np.where(close, first * (near + np.expm1(-near)), first * (ratio - 1) + second)
        return np.where(first > 0, terms, second)

    edges = np.unique(np.concatenate([_places(p, 0.0), _places(q, shift)]))
    return _integral(integrand, edges) + sum(
        _beyond(p, q, gain, shift, float(end), upper)
        for end, upper in ((edges[0], False), (edges[-1], True))
    )


def _places(law: _Law, shift: float) -> Floats:
    """The edges of the panels on both sides, and the kinks."""
    found = [law.middle + s.sign * s.edges for s in law.sides]
    if law.mirrored:
        found.append(law.middle - law.sides[0].edges)
    return np.concatenate([*found, np.array([law.middle, *law.points])]) + shift


def _integral(function: Any, edges: Floats) -> float:
    """Of a function that is nowhere negative: panels are halved until they hold."""
    low, high = edges[:-1], edges[1:]
    whole, total = _panels(function, low, high), 0.0
    for _ in range(60):
        apart = (low * high > 0) & ((low > 4 * high) | (high > 4 * low) | (low < 4 * high))
        middle = np.where(apart, np.sign(low) * np.sqrt(np.abs(low)) * np.sqrt(np.abs(high)), 0.0)
        middle = np.where(apart & (low < middle) & (middle < high), middle, low / 2 + high / 2)
        left, right = _panels(function, low, middle), _panels(function, middle, high)
        # Each panel to its rounding, or all that are left to that of the whole.
        size = total + float(np.sum(left + right))
        wrong = np.abs(whole - left - right) > _EPS * np.maximum(16 * (left + right), size / 64)
        wrong &= (low < middle) & (middle < high)
        total += float(np.sum((left + right)[~wrong]))
        if not wrong.any() or not np.isfinite(size) or np.count_nonzero(wrong) > 4000:
            return total + float(np.sum((left + right)[wrong]))
        low, high = np.append(low[wrong], middle[wrong]), np.append(middle[wrong], high[wrong])
        whole = np.append(left[wrong], right[wrong])
    return total + float(np.sum(whole))


def _panels(function: Any, low: Floats, high: Floats) -> Floats:
    span = (high - low)[:, None]
    return np.asarray((function(low[:, None] + span * _NODES) * _WEIGHTS * span).sum(1))


def _beyond(p: _Law, q: _Law, gain: Any, shift: float, end: float, upper: bool) -> float:
    """What lies beyond the panels, where log(p/q) is a + b log t or a + b t^k."""
    places = (p, end), (q, end - shift)
    mass, other = (float(law.below(np.array([x]), upper)[0]) for law, x in places)
    side = p.sides[0 if upper else -1]
    if mass <= 0 or (side.decay == np.inf and side.rest == 0):
        return other
    values = gain(p.middle + (end - p.middle) * _STEP ** np.arange(3))
    one, two, three = (float(v) for v in values)
    if not math.isfinite(three):
        return math.inf if one > 0 else other
    rise = two - one
    growth = (three - two) / rise if rise else 1.0
    if growth > 2 and rise > 0:
        power = math.log(growth) / math.log(_STEP)
        share = rise / (growth - 1)
        mean = math.inf if power >= side.power else one + share * power / (side.power - power)
    else:
        mean = one + rise / math.log(_STEP) / side.power
    return mass * (mean - 1) + other
