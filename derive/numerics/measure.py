"""How many digits a form keeps in float64: against the raw definition at high precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.evaluate import NotReal, evaluate
from derive.definitions.loss import Loss
from derive.numerics.evaluate import evaluate as run
from derive.numerics.nodes import Node

Special = Mapping[Symbol, Sequence[Expr]]

_SEED = 20190617
_TINY = 1e-290
_ENDS = (5e-324, 2.2250738585072014e-308, 1.7976931348623157e308)
_TROUBLES = (NotReal, OverflowError, NotImplementedError, KeyError, mpmath.libmp.NoConvergence)


@dataclass(frozen=True)
class Sample:
    """Points as columns, one array a variable."""

    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def point(self, loss: Loss, index: int) -> dict[Symbol, Any]:
        return {v: mp.mpf(float(self.columns[v.name][index])) for v in loss.variables}


def everyday_points(loss: Loss, count: int, special: Special) -> Sample:
    """|x/scale| over [1e-12, 1e6], parameters over some decades of their domain and close to
    their special values; the same points at every run."""
    rng = np.random.default_rng(_SEED)
    columns = {p.name: _parameter(rng, loss, p, count, special.get(p, ())) for p in loss.parameters}
    lengths = [columns[p.name] for p in loss.parameters if p.is_positive]
    size = lengths[-1] if lengths else 1.0
    exponent = np.where(
        rng.random(count) < 0.4, rng.uniform(-12, 6, count), rng.uniform(-2, 1.5, count)
    )
    x = rng.choice([-1.0, 1.0], count) * 10.0**exponent * size
    return Sample({loss.residual.name: x, **columns})


def _parameter(
    rng: np.random.Generator, loss: Loss, p: Symbol, count: int, special: Sequence[Expr]
) -> np.ndarray:
    domain = loss.domain(p)
    low, high = (float(b) for b in (domain.inf, domain.sup))
    if low == 0 and high == np.inf:
        values = 10.0 ** rng.uniform(-2, 2, count)
    elif np.isinf(low) and np.isinf(high):
        values = np.where(
            rng.random(count) < 0.5, rng.uniform(-20, 20, count), rng.normal(0, 2, count)
        )
    elif np.isinf(high):
        values = low + 10.0 ** rng.uniform(-2, 2, count)
    elif np.isinf(low):
        values = high - 10.0 ** rng.uniform(-2, 2, count)
    else:
        values = low + (high - low) * rng.uniform(0.01, 0.99, count)
    centres = [float(s) for s in special if s.is_finite]
    for k, centre in enumerate(centres):
        close = rng.random(count) < 0.3 / (k + 1)
        offset = rng.choice([-1.0, 1.0], count) * 2.0 ** rng.uniform(-53, -3, count)
        moved = centre + offset * max(abs(centre), 1.0)
        values = np.where(close & (moved > low) & (moved < high) & (moved != centre), moved, values)
    return values


def reference(loss: Loss, expression: Expr, sample: Sample) -> list[Any]:
    """Values at high precision, None where the raw formula has none."""
    found: list[Any] = []
    for i in range(len(sample)):
        at = sample.point(loss, i)
        found.append(_settled(expression, at))
    return found


def _settled(expression: Expr, at: Mapping[Symbol, Any]) -> Any:
    """Evaluate with growing precision until two precisions agree: cancellation is what we hunt."""
    last = None
    for digits in (60, 120, 300, 700):
        with mp.workdps(digits):
            try:
                value = evaluate(expression, at)
            except _TROUBLES:
                return None
            if not mp.isfinite(value):
                return None
            if last is not None and abs(value - last) <= abs(value) * mp.mpf(10) ** -25:
                return value
            last = value
    return last if last == 0 else None


def ulps(got: np.ndarray, exact: Sequence[Any], floor: Sequence[Any] | None = None) -> np.ndarray:
    """Error of each value in ULP of float64; of `floor` where that is larger than the value."""
    errors = np.zeros(len(exact))
    for i, (value, truth) in enumerate(zip(np.broadcast_to(got, len(exact)), exact, strict=True)):
        size = _size(truth, None if floor is None else floor[i])
        if truth is None or size is None:
            errors[i] = 0.0
        elif not np.isfinite(value):
            errors[i] = np.inf
        else:
            errors[i] = float(abs(mp.mpf(float(value)) - truth) / float(np.spacing(size)))
    return errors


def _size(truth: Any, floor: Any) -> float | None:
    if truth is None:
        return None
    size = abs(truth)
    if floor is not None:
        size = max(size, abs(floor))
    if not _TINY < size < 1e300:
        return None
    return float(size)


def conditioning(loss: Loss, expression: Expr, sample: Sample, exact: Sequence[Any]) -> np.ndarray:
    """kappa = |d log f/d log x|: what the rounding of x/scale alone costs, in ULP."""
    kappa = np.zeros(len(exact))
    x = loss.residual
    for i, value in enumerate(exact):
        if value is None or value == 0:
            continue
        at = sample.point(loss, i)
        with mp.workdps(80):
            at[x] *= 1 + mp.mpf(10) ** -30
            try:
                moved = evaluate(expression, at)
                kappa[i] = float(min(abs((moved - value) / value) * mp.mpf(10) ** 30, 1e300))
            except _TROUBLES:
                continue
    return kappa


def evaluate_nodes(form: Node, sample: Sample) -> np.ndarray:
    return np.broadcast_to(np.asarray(run(form, sample.columns), dtype=float), len(sample))


def at_special(loss: Loss, sample: Sample, special: Special) -> tuple[Sample, ...]:
    """The sample with one parameter at each of its special values."""
    return tuple(
        Sample({**sample.columns, p.name: np.full(len(sample), float(point))})
        for p in loss.parameters
        for point in special.get(p, ())
    )


def infinite_points(loss: Loss) -> Sample:
    """x = ±inf beside a few generic parameters."""
    values = (0.3, 0.7, 1.9, 3.1)
    x = np.array([np.inf, -np.inf] * len(values))
    columns = {}
    for p in loss.parameters:
        domain, default = loss.domain(p), float(loss.default(p))
        inside = [v if domain.contains(sympy.Float(v)) is sympy.true else default for v in values]
        columns[p.name] = np.repeat(inside, 2)
    return Sample({loss.residual.name: x, **columns})


def wide_points(loss: Loss) -> Sample:
    """|x| far out and close to 0, lengths from 1e-30 to 1e30: where products leave the range.
    The largest and the smallest numbers among them."""
    rng = np.random.default_rng(_SEED)
    size = np.concatenate([10.0 ** rng.uniform(-300, 300, 48), np.repeat(_ENDS, 3)])
    count = len(size)
    columns = {}
    for p in loss.parameters:
        columns[p.name] = _parameter(rng, loss, p, count, ())
        if p.is_positive:
            columns[p.name] = 10.0 ** rng.uniform(-30, 30, count)
            columns[p.name][48:] = np.tile([1.0, 0.3, 20.0], len(_ENDS))
            domain = loss.domain(p)
            inside = (columns[p.name] > float(domain.inf)) & (columns[p.name] < float(domain.sup))
            columns[p.name] = np.where(inside, columns[p.name], float(loss.default(p)))
    return Sample({loss.residual.name: rng.choice([-1.0, 1.0], count) * size, **columns})


def failures(form: Node, sample: Sample, exact: Sequence[Any]) -> int:
    """At how many points a form is no number, or infinite where the exact value is not."""
    got = evaluate_nodes(form, sample)
    count = 0
    for value, truth in zip(got, exact, strict=True):
        if truth is None:
            continue
        if (
            np.isnan(value)
            or (np.isinf(value) and abs(truth) < 1e300)
            or (value == 0 and abs(truth) > 1e-290)
        ):
            count += 1
    return count
