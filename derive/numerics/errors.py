"""What the forms of a quantity are measured on: everyday points and the whole range, in float64
and with every operation rounded to float32, and the ends x = 0 and ±inf."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations

import numpy as np
from flint import arb
from sympy import Expr, Interval, Max, Min, Piecewise, Rational, Symbol, nan, oo, true

from derive.calculus.derivation import Derivation
from derive.calculus.regimes import closed_ends
from derive.definitions.floats import FORMATS, Floats
from derive.definitions.loss import Loss
from derive.definitions.relations import in_order
from derive.definitions.samples import Group, Sample, everyday, spread, to_dtype
from derive.numerics.edges import with_edges
from derive.numerics.exact import Exact, NoValue
from derive.numerics.measure import Batch, Reference, Target
from derive.numerics.nodes import Call, Node, Number, walk

# What a form has to reach, in ULP beyond kappa: the promise less 1 ULP of margin. The loss, first
# derivatives and the weight; slopes in a parameter with special points; second derivatives.
ULP_GOALS = (3.0, 7.0, 15.0)
PROMISED = 1.0  # ULP beyond the goal
MARGIN = 0.7  # ULP beyond the goal, of which 1 is left to the promise
WORTH = 0.5  # ULP, of the margin
_WHOLE = 800
_NARROW = 400
LEAST = 2.0 ** FORMATS["float32"].least  # over a length it is 0
_SHARE = 5
_HALF, _BEYOND_RANGE = 64, 1.0625  # a ratio beyond float32's range, of 2^_HALF to 2^-_HALF
_AROUND = (-40.0, -20.3, -3.1, -0.7, 0.0, 0.9, 2.7, 9.2)  # of a length, in powers of 2
_FEW, _UNUSUAL = 5, 1.375  # units of a subnormal target, and a parameter over its default
_PREDICTIONS = (-3e4, -411.3, -0.7, 0.3, 0.9, 2.3, 57.0, 1e6)
_MANY = 200  # points at a special value of a parameter
# Bits that agree, and below and beyond which power of 2 there is nothing.
_SAME, _NOTHING, _BEYOND = 60, 1080, 1024


def goal(loss: Loss, quantity: str) -> float:
    if quantity.startswith("d2_") and quantity != f"d2_{loss.residual.name}":
        return ULP_GOALS[2]
    shapes = {f"d_{p.name}" for p in loss.special}
    return ULP_GOALS[1 if quantity in shapes else 0]


def samples(loss: Loss, apart: bool = False) -> tuple[Sample, ...]:
    """Everyday points and the whole range in float64, both in float32, and the ends. apart: with
    lengths far apart, where none of them is a unit."""
    everyday_ = everyday(loss)
    whole = spread(loss, _WHOLE, _SHARE)
    narrow = everyday(loss, _NARROW, dtype="float32")
    whole_narrow = _with_corners(loss, spread(loss, _NARROW, _SHARE, "float32"))
    whole_narrow = replace(whole_narrow, groups=(*whole_narrow.groups, *_corners(loss)))
    near_zero = () if loss.predictions else (LEAST, -LEAST)
    ends_ = [_ends(loss, narrow, near_zero), _ends(loss, whole)]
    ends_ += [_ends(loss, s) for s in _far_apart(loss, whole_narrow) if apart]
    return everyday_, whole, narrow, whole_narrow, *ends_


def _far_apart(loss: Loss, sample: Sample) -> tuple[Sample, ...]:
    """Of several lengths the sample where each is the largest or the smallest and the others are
    not: a ratio of them leaves the range."""
    lengths = [k for k, p in enumerate(loss.parameters) if p.is_positive]
    if loss.predictions or len(lengths) < 2:
        return ()
    columns = [[g.parameters[k] for g in sample.groups] for k in range(len(loss.parameters))]
    found = []
    for one in lengths:
        for most, least in ((max, min), (min, max)):
            p = (most(c) if k == one else least(c) for k, c in enumerate(columns))
            at = in_order(loss, dict(zip(loss.parameters, p, strict=True)))
            found.append(Group(tuple(at.values()), sample.groups[0].x))
    return (replace(sample, groups=tuple(found)),)


def _corners(loss: Loss) -> Iterator[Group]:
    """Two lengths whose ratio has just left the range of float32, at residuals between them and
    beside them: what that ratio is a factor of need not have left it. A target that is subnormal:
    what it is a factor of need not be, and no step may round it to fewer digits."""
    if loss.target is not None and loss.domain(loss.target).contains(Rational(1, 2**100)) is true:
        held = (_FEW * LEAST if p == loss.target else _UNUSUAL * loss.default(p) for p in loss.held)
        yield Group(tuple(held), to_dtype(np.array(_PREDICTIONS), "float32"))
    positive = [k for k, p in enumerate(loss.parameters) if loss.domain(p) == Interval.open(0, oo)]
    lengths = [] if loss.predictions else positive
    for one, other in permutations(lengths, 2):
        parameters = [loss.default(p) for p in loss.parameters]
        parameters[one], parameters[other] = 2.0**_HALF * _BEYOND_RANGE, 2.0**-_HALF
        x = [p * 2.0**k for p in (parameters[one], parameters[other]) for k in _AROUND]
        at = in_order(loss, dict(zip(loss.parameters, parameters, strict=True)))
        yield Group(tuple(at.values()), to_dtype(np.array(x), "float32"))


def _with_corners(loss: Loss, sample: Sample) -> Sample:
    """With |x| at every length where branches may meet."""
    if loss.predictions or not loss.expression.has(Piecewise, Min, Max):
        return sample
    lengths = [k for k, p in enumerate(loss.parameters) if p.is_positive]
    groups = []
    for g in sample.groups:
        corners = [sign * g.parameters[k] for k in lengths for sign in (1, -1)]
        groups.append(Group(g.parameters, np.concatenate([g.x, corners])))
    return replace(sample, groups=tuple(groups))


def ends(loss: Loss) -> tuple[float, ...]:
    """0 and ±inf, as far as the domain of the residual has them; of a prediction also the finite
    ends of its domain."""
    domain = loss.domain(loss.residual)
    found = [v for v in (0.0, math.inf, -math.inf) if float(domain.inf) <= v <= float(domain.sup)]
    inside = [v for v in found if math.isinf(v) or domain.contains(int(v)) is true]
    more = [e for e in (domain.inf, domain.sup) if e.is_finite and domain.contains(e) is true]
    return tuple(dict.fromkeys((*inside, *map(float, more))))


def largest(dtype: str) -> float:
    """The largest number of a dtype."""
    form = FORMATS[dtype]
    return (2.0 - 2.0 ** (1 - form.precision)) * 2.0**form.largest_exponent


def _ends(loss: Loss, sample: Sample, beside: Sequence[float] = ()) -> Sample:
    """The ends with the parameters of a sample and with each at an end of its domain, and what lies
    beside one; of a prediction, the largest numbers too."""
    x = np.array([*ends(loss), *beside])
    if loss.predictions:
        x = np.concatenate([x, np.copysign(largest(sample.dtype), x[np.isinf(x)])])
    groups = [Group(g.parameters, x) for g in sample.groups]
    for p, end in () if loss.predictions else closed_ends(loss):
        values = [loss.default(q) if q != p else float(end) for q in loss.parameters]
        groups.append(Group(tuple(to_dtype(np.array(values), sample.dtype).tolist()), x))
    return Sample("ends", sample.dtype, sample.names, tuple(groups))


@dataclass(frozen=True)
class Score:
    """Errors of one form: the largest of each sample and how many points miss the goal, among
    general parameters; and how many miss it at special values of a parameter.

    size: how many operations the form has. enough: an error that still keeps the promise.
    """

    worst: tuple[float, ...]
    missed: tuple[int, ...]
    special: int
    size: int
    enough: float = 0.0

    @property
    def holds(self) -> bool:
        return not any(self.missed)

    @property
    def length(self) -> tuple[float, ...]:
        """The shorter the better among those that hold; of equally long ones the most accurate."""
        return self.special > 0, self.size, sum(self.worst)

    @property
    def rank(self) -> tuple[float, ...]:
        """The smaller the better: everyday points first, in float64; then everything, where a few
        points more or less do not outweigh a shorter form."""
        total = sum(self.missed)
        about = round(4 * math.log2(1 + total))
        bad = [m * (w > self.enough) for m, w in zip(self.missed, self.worst, strict=True)]
        return bad[0], bad[2], about, *self.length[:2], total, self.length[2]


class ErrorModel:
    """The exact values of one quantity at the points of every sample; hard: the worst of many more
    points, by the sample that they belong to. At these half a unit of margin is enough, and beside
    a zero kappa is what the judge takes it for."""

    def __init__(
        self, wanted: Target, points: Sequence[Sample], hard: Sequence[tuple[int, Reference]] = ()
    ) -> None:
        self.wanted, self.hard = wanted, tuple(hard)
        self.loss = wanted.derivation.loss
        whole = tuple(
            with_edges(s, [wanted.expression], self.loss.variables, not self.loss.predictions)
            if s.name == "whole"
            else s
            for s in points
        )
        self.usual = tuple(Reference(wanted, sample) for sample in whole)
        self._batches = Batch.of(self.references)
        self.goal = goal(self.loss, wanted.quantity)
        self.limits: dict[tuple[Symbol, Expr], ErrorModel] = {}

    @property
    def references(self) -> tuple[Reference, ...]:
        """The usual samples, and the hard ones."""
        return *self.usual, *(reference for _, reference in self.hard)

    def beside(self, samples: Sequence[tuple[int, Sample]]) -> ErrorModel:
        """With hard points, each sample beside one of the usual ones."""
        found = copy(self)
        more = [
            (k, Reference(self.wanted, sample, 1, cheap))
            for k, sample in samples
            for cheap in ((False, True) if sample.dtype == "float32" else (False,))
        ]
        found.hard = *self.hard, *more
        found._batches = *self._batches, *Batch.of(r for _, r in more)
        found.__dict__.pop("general", None)
        return found

    @property
    def derivation(self) -> Derivation:
        return self.wanted.derivation

    @property
    def quantity(self) -> str:
        return self.wanted.quantity

    def errors(self, form: Node) -> tuple[Floats, ...]:
        """ULP beyond kappa at every point of every sample."""
        pairs = [pair for batch in self._batches for pair in batch.errors_of(form, self.goal)]
        found = {id(reference): errors for reference, errors in pairs}
        hard = [np.maximum(found[id(r)] - WORTH, 0) for _, r in self.hard]
        return *(found[id(r)] for r in self.usual), *hard

    def score(self, form: Node, errors: Sequence[Floats] | None = None) -> Score:
        found = self.errors(form) if errors is None else errors
        worst, missed, special = [], [], 0
        for general_rows, reference, error in zip(
            self.general, self.references, found, strict=True
        ):
            general = error[general_rows]
            worst.append(float(np.max(general, initial=0.0)))
            missed.append(int(np.count_nonzero(general > self.goal)))
            rare = reference.special & ~reference.settled
            special += int(np.count_nonzero(error[rare] > self.goal))
        for k, _ in reversed(self.hard):
            worst[k] = max(worst[k], worst.pop())
            missed[k] += missed.pop()
        return Score(tuple(worst), tuple(missed), special, size(form), self.goal + MARGIN)

    def serves(self, form: Node) -> bool:
        """Whether a form of other parameters may stand for this limit: rounding each of those
        counts nothing here, so that it may miss the goal by less than a branch is worth."""
        score = self.score(form)
        return not any(score.missed[4:]) and max(score.worst[:4]) <= self.goal + WORTH

    @cached_property
    def general(self) -> tuple[np.ndarray, ...]:
        """The points of each sample at general parameters; x = 0 belongs to the ends alone."""
        return tuple(
            ~r.special
            & ~r.settled
            & (self._meant(r) if r.sample.name == "ends" else ~self._at_end(r))
            for r in self.references
        )

    def _meant(self, reference: Reference) -> np.ndarray:
        """The points of a sample of ends but those beside 0."""
        return np.asarray(np.abs(reference.sample.columns[self.loss.residual.name]) != LEAST)

    def _at_end(self, reference: Reference) -> np.ndarray:
        return np.isin(reference.sample.columns[self.loss.residual.name], ends(self.loss))


def size(form: Node) -> int:
    """How long a form reads: its operations, tests and cases counted more."""
    total = 0
    for current in walk(form):
        if isinstance(current, Call):
            total += 6 if current.op in ("where", "patch") else 1
        elif isinstance(current, Number) and not isinstance(current.value, int):
            total += 0
    return total


def at_limit(model: ErrorModel, variable: Symbol, point: Expr) -> ErrorModel | None:
    """The limit of a quantity at a special point, at the same residuals and other parameters; None
    where there is none."""
    limit = model.wanted.limits.get((variable.name, float(point)), nan)
    if limit is nan:
        return None
    if (variable, point) not in model.limits:
        model.limits[variable, point] = _limited(model, limit, variable, point)
    return model.limits[variable, point]


def _limited(model: ErrorModel, limit: Expr, variable: Symbol, point: Expr) -> ErrorModel:
    derivation, name = model.derivation, model.quantity
    limited = replace(
        derivation,
        loss=replace(derivation.loss, loss=derivation.loss.expression, where=()),
        quantities={**derivation.quantities, name: limit},
        pretty={**derivation.pretty, name: limit},
    )
    points = [at_value(r.sample, variable.name, float(point)) for r in model.usual]
    return ErrorModel(Target(limited, name, limit), points)


def at_value(sample: Sample, name: str, value: float) -> Sample:
    """The sample with one parameter at a value; fewer points of the larger samples."""
    if len(sample) > _MANY:
        sample = sample.thinned(len(sample) // _MANY)
    place = sample.names.index(name) - 1
    groups = tuple(
        replace(g, parameters=(*g.parameters[:place], value, *g.parameters[place + 1 :]))
        for g in sample.groups
    )
    return replace(sample, groups=groups)


def is_limit(model: ErrorModel, variable: Symbol, point: Expr, value: float) -> bool:
    """Whether a quantity at a value of a parameter is, in digits, its limit at a special point, for
    usual residuals: what is multiplied by the exponential of a large one never is."""
    limit = model.wanted.limits.get((variable.name, float(point)))
    if limit is None or limit.has(nan):
        return False
    sample = model.references[0].sample
    place = sample.names.index(variable.name)
    ends = [Exact(e, model.loss.variables) for e in (model.wanted.expression, limit)]
    told, beyond = 0, arb((1, _BEYOND))
    close, nothing = arb((1, -_SAME)), arb((1, -_NOTHING))
    for k in range(0, len(sample), len(sample) // _MANY + 1):
        x, *parameters = (float(sample.columns[name][k]) for name in sample.names)
        if abs(x) > 4 * min(map(abs, parameters)):
            continue
        inputs = [arb(v) for v in (x, *parameters)]
        inputs[place] = arb(value)
        try:
            there, far = (exact.enclosed(inputs) for exact in ends)
        except (NoValue, ZeroDivisionError):
            continue
        told += 1
        if abs(far) < beyond and abs(there - far) > abs(far) * close + nothing:
            return False
    return told > 0
