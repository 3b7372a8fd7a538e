"""Judges what a file says of its density: log Z, its derivatives, log_density and density.

Promises, in ULP of the larger of the terms: log_partition 4, log_density 4 beyond kappa, density
what that becomes through exp; first derivatives of log Z 1e-12 of max(|value|, 2^-50), beyond
what rounding their parameter moves; second ones 1e-11 of max(|value|, 0.01).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping
from functools import cached_property, partial
from itertools import islice

import numpy as np
from sympy import Symbol

from derive.definitions.floats import FORMATS
from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample, draw
from derive.verification.backend import Ball, arb, ctx
from derive.verification.condition import is_meant, kappa
from derive.verification.emitted import Emitted
from derive.verification.expected import Expected, expect, judged, whole
from derive.verification.implementations import Functions, Outcome, Route, Runner
from derive.verification.normalizer import BY_DIFFERENCES, METHOD, Normalizer
from derive.verification.report import AGREES, REFUTED, Row
from derive.verification.targets import TargetFiles
from derive.verification.ulp import hexadecimal

SAMPLE = "densities"
DTYPES = ("float64", "float32")
DENSITY = ("log_partition", "log_density", "density")
DIVERGES = "proved at each choice of parameters: the loss is bounded far out"
LOG_Z, SLOPE, CURVATURE, INTERVAL = 4.0, 1e-12, 1e-11, 1e-12
SLOPE_BITS = 46  # how far a difference has to tell a slope
FLOORS = (2.0**-50, 0.01)  # of what first and second derivatives are measured against
RESIDUALS = 8  # for each choice of parameters
MANY, FEW = 8, 3  # choices of parameters, with and without special points
ENDS = ((-0.3, 1.7), (-5.0, 5.0), (2.0, 2.5))


class Densities:
    """The densities of one loss: parameters, exact values, and the verdict on a file."""

    def __init__(self, loss: Loss, seed: int = 0) -> None:
        self.loss, self.seed = loss, seed
        self.normalizer = Normalizer(loss)
        self.names = tuple(p.name for p in loss.parameters)
        self._z: dict[tuple[float, ...], Ball] = {}
        self._slopes: dict[tuple[str, tuple[float, ...]], tuple[Ball, Ball]] = {}

    @cached_property
    def parameters(self) -> dict[str, tuple[tuple[float, ...], ...]]:
        """Choices of parameters with a density, for each dtype."""
        found = {}
        for dtype in DTYPES:
            with_density = (p for p in self._drawn(dtype) if self.normalizer.exists(self._named(p)))
            found[dtype] = tuple(islice(with_density, self._count))
        return found

    @cached_property
    def anywhere(self) -> tuple[tuple[float, ...], ...]:
        """Choices of parameters in float64, with a density or without."""
        return tuple(islice(self._drawn("float64"), self._count))

    @property
    def _count(self) -> int:
        return MANY if self.loss.special else FEW

    def _drawn(self, dtype: str) -> Iterator[tuple[float, ...]]:
        groups = draw(self.loss, "everyday", dtype, 160 * self._count, seed=self.seed).groups
        yield from dict.fromkeys(g.parameters for g in groups)

    def rows(self, files: Emitted, functions: Functions, runner: Runner) -> Iterator[Row]:
        """Every density function of a file; nothing where the loss has no parameters."""
        if not self.names:
            return
        yield from self._without(files, functions, runner)
        for dtype in DTYPES:
            for name, (expected, promised) in self._questions(dtype, functions.modules).items():
                method = BY_DIFFERENCES if name[0] == "d" and name != "density" else METHOD
                row = files.row(name, AGREES, dtype=dtype, sample=SAMPLE, method=method)
                if name not in functions.modules:
                    detail = f"{files.modules[-1]} has no function {name}"
                    yield row.but(verdict=REFUTED, detail=detail)
                    continue
                sample = self._sample(name, dtype)
                for route in self._routes(functions.modules, name, files.target):
                    outcome = runner.run(route, sample)
                    if outcome.values is None or outcome.fault:
                        said = f"{route.label}: {outcome.error or outcome.fault}"
                        row = row.but(verdict=REFUTED, detail=said)
                        break
                    row = judged(row, route, sample, expected(), outcome.values, promised)
                yield row

    def _without(self, files: Emitted, functions: Functions, runner: Runner) -> Iterator[Row]:
        """Whether a file offers no density where the integral is infinite: it lacks the function,
        or that refuses."""
        found = (p for p in self.anywhere if self.normalizer.converges(self._named(p)) is False)
        diverging = tuple(found)
        if not diverging:
            return
        row = files.row("no density", AGREES, sample=SAMPLE, method=DIVERGES, points=len(diverging))
        for name in DENSITY:
            for p in diverging if name in functions.modules else ():
                sample = self._at_one(name, p)
                outcome = runner.run(Route(functions.modules[name], name, numbers=False), sample)
                if not _is_refused(outcome, files.target.tensors):
                    row = _offered(row, name, sample, outcome)
        yield row

    def _at_one(self, name: str, p: tuple[float, ...]) -> Sample:
        """One point of a function of the parameters, or of x = 1 and the parameters."""
        if name == "log_partition":
            return Sample(SAMPLE, "float64", self.names, (Group(p[1:], np.array([p[0]])),))
        names = (self.loss.residual.name, *self.names)
        return Sample(SAMPLE, "float64", names, (Group(p, np.array([1.0])),))

    def _routes(
        self, modules: Mapping[str, str], name: str, target: TargetFiles
    ) -> Iterator[Route]:
        yield Route(modules[name], name, numbers=False)
        if target.tensors and name.startswith("d_log_partition_"):
            position = self.names.index(name.removeprefix("d_log_partition_"))
            yield Route(modules["log_partition"], "log_partition", False, autograd=position)

    def _questions(
        self, dtype: str, names: Container[str]
    ) -> dict[str, tuple[Callable[[], Expected], float]]:
        """What is asked of a file, how its exact values are had, and the promise in ULP."""
        unit = 2.0 ** (1 - FORMATS[dtype].precision)
        wide = dtype == "float64"
        found: dict[str, tuple[Callable[[], Expected], float]] = {}
        if wide:
            found["log_partition_on"] = (self._interval, INTERVAL / unit)
        if not self.parameters[dtype]:
            return found
        found |= {
            "log_partition": (lambda: self._log_partition(dtype), LOG_Z),
            "log_density": (lambda: self._log_density(dtype), LOG_Z),
            "density": (lambda: self._density(dtype), LOG_Z),
        }
        for p in self.names:
            for order, tolerance in ((1, SLOPE), (2, CURVATURE)):
                name = f"d{order if order > 1 else ''}_log_partition_{p}"
                if name in names:
                    promised = max(tolerance / unit, LOG_Z) if wide else 2 * LOG_Z
                    found[name] = (partial(self._slope, dtype, p, order), promised)
        return found

    def _sample(self, name: str, dtype: str) -> Sample:
        chosen = self.parameters[dtype]
        if name in ("log_density", "density"):
            return self._residuals(dtype)
        if name == "log_partition_on":
            groups = tuple(Group((b, *p), np.array([a])) for p in self.anywhere for a, b in ENDS)
            ends = ("from", "up to")  # which no parameter is called
            return Sample(SAMPLE, dtype, (*ends, *self.names), groups)
        groups = tuple(Group(p[1:], np.array([p[0]])) for p in chosen)
        return Sample(SAMPLE, dtype, self.names, groups)

    def _residuals(self, dtype: str) -> Sample:
        groups = []
        for number, p in enumerate(self.parameters[dtype]):
            rng = np.random.Generator(np.random.PCG64(number))
            unit = p[-1]
            x = unit * np.append(np.exp(rng.uniform(-9, 3, RESIDUALS - 2)), [0.0, 1.0])
            x = np.where(rng.integers(0, 2, RESIDUALS) == 0, -x, x)
            kind = np.float64 if dtype == "float64" else np.float32
            groups.append(Group(p, x.astype(kind).astype(np.float64)))
        return Sample(SAMPLE, dtype, (self.loss.residual.name, *self.names), tuple(groups))

    def _named(self, p: tuple[float, ...]) -> dict[str, float]:
        return dict(zip(self.names, p, strict=True))

    def _log_z(self, p: tuple[float, ...]) -> Ball:
        if p not in self._z:
            self._z[p] = self.normalizer.log_partition(self._named(p))
        return self._z[p]

    def _terms(self, p: tuple[float, ...]) -> float:
        """log Z is a sum: of the logarithms of its units, and of the rest."""
        units = [abs(math.log(abs(p[k]))) for k in self._units]
        return max([abs(float(self._log_z(p))), *units])

    @cached_property
    def _units(self) -> tuple[int, ...]:
        """Parameters > 0, and those of either sign that nothing but stretch the residual."""
        loss, k = self.loss, Symbol("k", positive=True)
        x, found = loss.residual, []
        for place, p in enumerate(loss.parameters):
            stretched = loss.expression.subs({x: k * x, p: p / k}, simultaneous=True)
            if p.is_positive or stretched == loss.expression:
                found.append(place)
        return tuple(found)

    def _log_partition(self, dtype: str) -> Expected:
        chosen = self.parameters[dtype]
        return expect([(self._log_z(p), self._terms(p), 0.0) for p in chosen])

    def _interval(self) -> Expected:
        found = []
        for p in self.anywhere:
            for a, b in ENDS:
                value = self.normalizer.log_partition_on(a, b, self._named(p))
                found.append((value, max(abs(float(value)), 1.0), 0.0))
        return expect(found)

    def _slope(self, dtype: str, name: str, order: int) -> Expected:
        found: list[tuple[Ball | None, float, float]] = []
        special = self.normalizer.special(name)
        for number, p in enumerate(self.parameters[dtype]):
            named = self._named(p)
            enough = not special and number >= FEW
            if enough or named[name] in [float(s) for s in special]:
                found.append((None, 1.0, 0.0))
                continue
            if (name, p) not in self._slopes:
                self._slopes[name, p] = self.normalizer.slopes(name, named)
            value, bend = self._slopes[name, p][order - 1], self._slopes[name, p][1]
            size = max(abs(float(value)), FLOORS[order - 1])
            moved = 0.0
            symbol = self.loss.parameters[self.names.index(name)]
            meant = is_meant(self.loss, symbol, arb(named[name]))
            if order == 1 and not meant:
                moved = abs(named[name] * float(bend)) / size
            found.append((value, size, moved))
        return expect(found, SLOPE_BITS)

    def _log_density(self, dtype: str) -> Expected:
        found = []
        for p, x in self._points(dtype):
            point = {self.loss.residual.name: x, **self._named(p)}
            loss = self.normalizer.oracle.value("loss", point)
            if loss.ball is None:
                found.append((None, 1.0, 0.0))
                continue
            ctx.prec = 256
            size = max(abs(loss.float64()), self._terms(p))
            share = abs(loss.float64()) / size
            excused = kappa(self.normalizer.oracle, "loss", point, dtype) * share
            ctx.prec = 256
            found.append((-loss.ball - self._log_z(p), size, excused))
        return expect(found)

    def _density(self, dtype: str) -> Expected:
        """An error of log_density grows to that times its size, relative to the density."""
        logarithm = self._log_density(dtype)
        balls = [
            None if math.isnan(high) else whole(high, low)
            for high, low in zip(logarithm.high, logarithm.low, strict=True)
        ]
        ctx.prec = 256
        values = [None if b is None else b.exp() for b in balls]
        grown = 2 * (LOG_Z + logarithm.allowance) * np.maximum(logarithm.size, 1.0)
        sizes = [0.0 if v is None else float(v) for v in values]
        return expect(list(zip(values, sizes, grown.tolist(), strict=True)))

    def _points(self, dtype: str) -> Iterator[tuple[tuple[float, ...], float]]:
        for group in self._residuals(dtype).groups:
            for x in group.x.tolist():
                yield group.parameters, x


def _is_refused(outcome: Outcome, tensors: bool) -> bool:
    """An error; of a tensor NaN as well, since nothing waits for its values."""
    return outcome.values is None or (tensors and math.isnan(outcome.values[0]))


def _offered(row: Row, name: str, sample: Sample, outcome: Outcome) -> Row:
    assert outcome.values is not None
    return row.but(
        verdict=REFUTED,
        detail=f"{name}: the integral is infinite",
        witness={k: hexadecimal(v) for k, v in sample.point(0).items()},
        expected="ValueError",
        got=hexadecimal(float(outcome.values[0])),
    )
