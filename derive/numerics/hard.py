"""Where a form is rounded most, sought among many more points than exact values are had of.

There the form in float32 is compared with itself in float64; the worst points, and others beside
them in float64, are then measured as all points are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from sympy import FiniteSet, Symbol, gamma, loggamma, polygamma

from derive.definitions.floats import FORMATS, Floats, unit_exponent
from derive.definitions.labels import Meeting, meeting, share
from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample, draw, to_dtype
from derive.numerics.errors import MARGIN, ErrorModel
from derive.numerics.evaluate import evaluate, varies
from derive.numerics.measure import values
from derive.numerics.nodes import Node

_POINTS = 6000
_SLOW, _SLOWER = (gamma, loggamma, polygamma), 60  # one number at a time is evaluated
_COPIES, _APART = 8, 0.1  # of each of them, and how far away
_NORMAL = 2.0 ** FORMATS["float32"].smallest_exponent
_SEED = -1  # of the points; what is judged by its seed is not chosen by it
_PEAKS, _ROUND = 30, 10  # of the worst points of a sample, and how many beside each are sought
_NEAREST = 200  # points that may come near to a miss
_MOST = 10  # hard points of a kind
_BESIDE = 6  # points beside each of them
_NEAR = 1e-3
_STEP = 2.0**-20  # inputs are moved by it for kappa
_STEEP = 8  # kappa beyond which a point is one beside a zero
_ZEROS, _STEPS = 150, 60
_BESIDE_ZERO = (0.1, 0.03, 0.01, 3e-3, 1e-3)
COMMON = 20
_KINDS = {"everyday": (0, 2), "whole": (1, 3)}  # of a sample, its places in a model


def many(loss: Loss) -> tuple[Sample, ...]:
    """The points in float32: those that are drawn, and others beside each of them."""
    rng = np.random.Generator(np.random.PCG64(1))
    count = _POINTS // _SLOWER if loss.expression.has(*_SLOW) else _POINTS
    drawn = (draw(loss, name, "float32", count, seed=_SEED) for name in _KINDS)
    return tuple(replace(s, groups=(*s.groups, *_more(loss, s, rng))) for s in drawn)


def _more(loss: Loss, sample: Sample, rng: np.random.Generator) -> Iterator[Group]:
    """Each group with other residuals, half of the times with other parameters too: an unlucky one
    is rounded badly at all of its residuals. What is compared with a target stays beside it."""
    held = np.array([g.parameters for g in sample.groups])
    place = loss.held.index(loss.target) if loss.target is not None else None
    for copy in range(_COPIES):
        factors = 1 - _APART * rng.random(held.shape) if copy % 2 else np.ones(held.shape)
        factors = np.where(_movable(loss, held, held * factors), factors, 1)
        moved = to_dtype(held * factors, sample.dtype)
        for g, parameters, factor in zip(sample.groups, moved, factors, strict=True):
            times = 1 - _APART * rng.random(len(g.x))
            if place is not None and copy % 2:
                times = np.full(len(g.x), factor[place])
            yield Group(tuple(parameters.tolist()), to_dtype(times * g.x, sample.dtype))


def _movable(loss: Loss, held: Floats, moved: Floats) -> np.ndarray:
    """Which parameters may be others: not what is meant, or would leave its domain."""
    columns = []
    for k, p in enumerate(loss.held):
        domain = loss.domain(p)
        kept = np.isin(held[:, k], list(_meant(loss, p))) | isinstance(domain, FiniteSet)
        inside = (moved[:, k] > float(domain.inf)) & (moved[:, k] < float(domain.sup))
        columns.append(inside & ~kept & (np.abs(held[:, k]) >= _NORMAL))
    return np.stack(columns, axis=1) if columns else np.zeros(held.shape, dtype=bool)


@dataclass(frozen=True)
class Trial:
    """How many of the points a form misses by nearly its promise, those that are not beside a zero
    counted more; and the worst of them: hard samples, each by the place of the usual one that it
    belongs to."""

    missed: int
    hard: tuple[tuple[int, Sample], ...]

    @staticmethod
    def of(
        model: ErrorModel, form: Node, samples: Sequence[Sample], zeros: Sequence[Sample]
    ) -> Trial:
        missed, hard = 0, []
        rng = np.random.Generator(np.random.PCG64(0))
        everywhere = [(s, _worst(model, form, s)) for s in samples]
        peaks = [_peaks(model.loss, s, worst.peaks, rng) for s, worst in everywhere]
        beside = [(s, _worst(model, form, s)) for s in (*peaks, *zeros) if len(s)]
        weights = [COMMON] * len(everywhere) + [1] * len(beside)
        for (sample, (count, rows, _)), weight in zip(everywhere + beside, weights, strict=True):
            wide, narrow = _KINDS[sample.name]
            missed += weight * count
            groups = [_group(sample, k) for k in rows]
            near = [g for group in groups for g in _beside(model.loss, group, rng)]
            if groups:
                hard.append((narrow, replace(sample, name="hard", groups=tuple(groups))))
                hard.append((wide, Sample("hard", "float64", sample.names, tuple(near))))
        return Trial(missed, tuple(hard))


def beside_zeros(form: Node, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Points beside the zeros of a quantity, which a form of it tells well enough."""
    return tuple(found for s in samples if (found := _beside_zeros(form, s)) is not None)


def _beside_zeros(form: Node, sample: Sample) -> Sample | None:
    """Points beside those x at which the form changes its sign, found by bisection."""
    wide = replace(sample, dtype="float64")
    x, *parameters = (wide.columns[name] for name in wide.names)
    group = np.repeat(np.arange(len(wide.groups)), [len(g.x) for g in wide.groups])
    order = np.lexsort((x, group))
    low, high = order[:-1], order[1:]
    sign = np.sign(values(form, wide))
    crossed = (group[low] == group[high]) & (sign[low] * sign[high] < 0) & (x[low] * x[high] > 0)
    found = np.flatnonzero(crossed)[:: max(1, int(np.count_nonzero(crossed)) // _ZEROS)]
    if not len(found):
        return None
    low, high = low[found], high[found]
    held = {name: p[low] for name, p in zip(wide.names[1:], parameters, strict=True)}
    one, other, start = x[low], x[high], sign[low]
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            middle = np.sign(one) * np.sqrt(one * other)
            before = np.sign(evaluate(form, {wide.names[0]: middle, **held})) == start
            one, other = np.where(before, middle, one), np.where(before, other, middle)
    near = to_dtype(
        np.outer(one, [1 + side * d for d in _BESIDE_ZERO for side in (1, -1)]), sample.dtype
    )
    rows = [tuple(float(p[k]) for p in held.values()) for k in range(len(near))]
    return replace(sample, groups=tuple(map(Group, rows, near)))


def _group(sample: Sample, k: int) -> Group:
    x, *parameters = (float(sample.columns[name][k]) for name in sample.names)
    return Group(tuple(parameters), np.array([x]))


def _beside(loss: Loss, group: Group, rng: np.random.Generator) -> Iterator[Group]:
    yield group
    meant = [_meant(loss, p) | {0.0} for p in loss.held]
    for _ in range(_BESIDE):
        steps = 1 + _NEAR * rng.uniform(-1, 1, len(group.parameters) + 1)
        moved = tuple(
            v if v in fixed or not np.isfinite(v) else float(v * step)
            for v, fixed, step in zip(group.parameters, meant, steps[1:], strict=True)
        )
        yield Group(moved, group.x * steps[0])


class _Worst(NamedTuple):
    """How many rows are beyond the goal, the worst of them, of those beside a zero some, and the
    rows that come nearest to it."""

    missed: int
    rows: list[int]
    peaks: list[int]


def _peaks(loss: Loss, sample: Sample, rows: Sequence[int], rng: np.random.Generator) -> Sample:
    """Many points beside some: where a form is rounded badly it is so all around."""
    groups = [_group(sample, k) for k in rows]
    near = replace(
        sample, groups=tuple(Group(g.parameters, np.repeat(g.x, _ROUND)) for g in groups)
    )
    return replace(near, groups=tuple(_more(loss, near, rng)) if groups else ())


def _worst(model: ErrorModel, form: Node, sample: Sample) -> _Worst:
    columns: Mapping[str, Floats] = sample.columns
    exact = values(form, replace(sample, dtype="float64"))
    with np.errstate(all="ignore"):
        ways = (False, True) if varies(form) else (False,)
        raw = np.fmax.reduce([np.abs(values(form, sample, cheap=c) - exact) for c in ways])
        raw = np.ldexp(raw, -unit_exponent(exact, FORMATS["float32"]).astype(np.intc))
    usual: np.ndarray = np.isfinite(raw) & (np.abs(exact) < np.finfo(np.float32).max)
    usual &= columns[sample.names[0]] != 0
    for name, point in model.wanted.limits:
        usual &= columns[name] != point
    rows = np.flatnonzero(usual & (raw > model.goal))
    if len(rows) > _NEAREST:  # and all that miss
        least = min(model.goal + MARGIN, np.partition(raw[rows], -_NEAREST)[-_NEAREST])
        rows = rows[raw[rows] > least]
    kappa = _kappa(model, form, sample, rows)
    beyond = raw[rows] - kappa
    bad = beyond > model.goal + MARGIN
    peaks = rows[np.argsort(-beyond)][:_PEAKS].tolist()
    found: list[int] = []
    for kind in (kappa > _STEEP, kappa <= _STEEP):
        some = np.flatnonzero(kind & bad)
        found += rows[some[np.argsort(-beyond[some])]][:_MOST].tolist()
    return _Worst(int(np.count_nonzero(bad)), found, peaks)


def _kappa(model: ErrorModel, form: Node, sample: Sample, rows: np.ndarray) -> Floats:
    """About the condition of the form at some rows."""
    loss = model.loss
    here = {name: column[rows] for name, column in sample.columns.items()}
    total = np.zeros(len(rows))
    met = meeting(loss) if loss.predictions else None
    with np.errstate(all="ignore"):
        value = evaluate(form, here)
        for v in loss.variables:
            at = here[v.name]
            moved = evaluate(form, {**here, v.name: at * (1 + _STEP)})
            slope = np.abs((moved - value) / value) / _STEP
            counts = np.isfinite(slope) & np.isfinite(at) & ~np.isin(at, list(_meant(loss, v)))
            total += np.where(counts, slope, 0) * _shares(loss, v, here, met)
    return total


def _shares(loss: Loss, v: Symbol, here: dict[str, Floats], met: Meeting | None) -> Floats:
    count = len(here[v.name])
    if met is None or v in loss.parameters:
        return np.ones(count)
    points = [{n: float(c[k]) for n, c in here.items()} for k in range(count)]
    return np.array([share(loss, v, point, met) for point in points])


def _meant(loss: Loss, v: Symbol) -> set[float]:
    if v not in loss.parameters:
        return set()
    return {loss.default(v), *map(float, loss.special.get(v, ()))}
