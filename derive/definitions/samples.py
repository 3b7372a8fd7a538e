"""Where to look: inputs drawn by bit pattern within strata, the same on every machine.

A sample is made of groups: one value for each parameter and many residuals, so that an
implementation can be asked with parameters as numbers (group by group) and as arrays (at once).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sympy import Interval, oo

from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.definitions.pairs import PairSampler
from derive.definitions.relations import satisfied
from derive.definitions.sampler import SAMPLES, Sampler, to_dtype
from derive.errors import BadInput

__all__ = [
    "KINDS",
    "Edges",
    "Group",
    "Sample",
    "draw",
    "everyday",
    "spread",
    "to_dtype",
    "whole_range",
]

FEW = 5
# Of so many kinds of parameters (`Sampler.parameters`), those that are moved to corners; of plain
# numbers, which are meant exactly, none.
KINDS, _CORNERS = 8, (2, 5, 7)

Edges = Callable[[Mapping[str, float]], Sequence[float]]
EVERYDAY, WHOLE = 800, 1600  # points, where nothing else is asked for


@dataclass(frozen=True)
class Group:
    parameters: tuple[float, ...]
    x: Floats


@dataclass(frozen=True)
class Sample:
    """Inputs for one loss and dtype; every value is representable in the dtype."""

    name: str
    dtype: str
    names: tuple[str, ...]
    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return sum(len(g.x) for g in self.groups)

    @cached_property
    def columns(self) -> dict[str, Floats]:
        lengths = [len(g.x) for g in self.groups]
        found = {self.names[0]: np.concatenate([g.x for g in self.groups])}
        for k, name in enumerate(self.names[1:]):
            found[name] = np.repeat([g.parameters[k] for g in self.groups], lengths)
        return found

    def thinned(self, share: int) -> Sample:
        """One in `share` of the residuals, other ones in each group: more parameters for as many
        points. Of groups that have only a few, one in `share` of the groups."""
        if max(map(len, (g.x for g in self.groups))) <= FEW:
            return Sample(self.name, self.dtype, self.names, self.groups[::share])
        groups = (Group(g.parameters, g.x[k % share :: share]) for k, g in enumerate(self.groups))
        return Sample(self.name, self.dtype, self.names, tuple(groups))

    def point(self, index: int) -> dict[str, float]:
        return {name: float(column[index]) for name, column in self.columns.items()}


def everyday(loss: Loss, count: int = EVERYDAY, seed: int = 0, dtype: str = "float64") -> Sample:
    """|x/unit| from 1e-12 to 1e6, parameters over some decades and close to their special points.

    The points on which forms are chosen are those that are judged with the same seed.
    """
    return draw(loss, "everyday", dtype, count, seed=seed)


def whole_range(
    loss: Loss,
    count: int = WHOLE,
    seed: int = 0,
    dtype: str = "float64",
    edges: Edges | None = None,
) -> Sample:
    """|x/unit| over the range of the dtype (at most 1e-300 to 1e300), units from 1e-30 to 1e30."""
    return draw(loss, "whole", dtype, count, edges, seed)


def spread(loss: Loss, count: int, share: int, dtype: str = "float64") -> Sample:
    """Over the whole range, `share` times as many groups as points ask for."""
    if loss.kind == "pointwise":  # whose groups are small
        return whole_range(loss, count, dtype=dtype)
    return _at_corners(loss, whole_range(loss, share * count, dtype=dtype).thinned(share))


def _at_corners(loss: Loss, sample: Sample) -> Sample:
    """With the lengths of some groups, and x with them, at an end of what is promised: there the
    steps of a form leave the range first, in parts of it that are narrow elsewhere."""
    lengths = [p not in loss.special and loss.domain(p) == Interval.open(0, oo) for p in loss.held]
    groups = list(sample.groups)
    for k, group in enumerate(groups):
        if k % KINDS not in _CORNERS or not any(lengths):
            continue
        # not in step with the groups whose edges are sought: both ends are to have edges
        end = SAMPLES[sample.name].positive[(k // (2 * KINDS) + k) % 2]
        parameters = np.where(lengths, end, group.parameters)
        unit = group.parameters[lengths.index(True)]
        with np.errstate(over="ignore"):
            x = to_dtype(group.x / unit * end, sample.dtype)
        chosen = to_dtype(parameters, sample.dtype).tolist()
        if not satisfied(loss, dict(zip(loss.held, chosen, strict=True))):
            continue
        groups[k] = Group(tuple(chosen), x)
    return replace(sample, groups=tuple(groups))


def draw(
    loss: Loss, name: str, dtype: str, points: int, edges: Edges | None = None, seed: int = 0
) -> Sample:
    """A sample by name ('everyday' or 'whole'); edges: where x over- or underflows a result.

    Neither the loss's name nor its letters matter: equal formulas get equal points.
    """
    if name not in SAMPLES:
        raise BadInput(f"no sample is called {name!r}; there are {', '.join(SAMPLES)}")
    digest = hashlib.sha256(f"{name} {dtype} {seed}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    kind = PairSampler if loss.kind == "pointwise" else Sampler
    sampler = kind(loss, SAMPLES[name], dtype, rng)
    groups = []
    for number in range(max(1, math.ceil(points / sampler.group))):
        parameters = sampler.parameters(number)
        found = edges(dict(zip(sampler.names, parameters, strict=True))) if edges else ()
        with np.errstate(over="ignore"):  # clipped to the largest number afterwards
            residuals = sampler.residuals(parameters, min(sampler.group, points), found)
        groups.append(Group(parameters, residuals))
    return Sample(name, dtype, tuple(v.name for v in loss.variables), tuple(groups))
