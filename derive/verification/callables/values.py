"""The values of a function, point by point, against the exact ones under its convention."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from derive.definitions.floats import FORMATS, Floats, neighbours
from derive.definitions.samples import draw, to_dtype
from derive.verification.backend import Ball, arb
from derive.verification.callables.call import Call
from derive.verification.callables.convention import Convention, Settings
from derive.verification.callables.points import Compared, Point, Raised
from derive.verification.callables.session import Answer, Session
from derive.verification.callables.truth import Batch, Truth
from derive.verification.ulp import errors_in_ulp

LOST = {"float64": 2.0**-30, "float32": 2.0**-13}  # a larger relative error beyond kappa: refuted
NEAR_SPECIAL = 1e-3  # nearer to a special value of a parameter: told, not refuted
GROUPS = 14
FAR = 16  # residuals over the whole range, for each choice of parameters
SETTINGS = (1.0, 1.7, 0.4, 3.0, 0.125, 20.0)
MOST_CONDITIONS = 150
MOST_RAISED = 40
ONE = np.array([1.0])


class Comparison:
    """Asks a function at many points in one dtype."""

    def __init__(
        self, session: Session, call: Call, truth: Truth, convention: Convention, fixed: Settings,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.session, self.call, self.truth = session, call, truth
        self.convention, self.fixed, self.seed = convention, fixed, seed

    def settings(self, dtype: str) -> Iterator[dict[str, float]]:
        """Choices of their parameters: what was set, else as many as there are."""
        free = [name for name in self.call.parameters if name not in self.fixed]
        if not free:
            yield dict(self.fixed)
            return
        letters = {value.letter: name for name, value in self.convention.parameters.items()}
        if not set(free) <= set(letters):
            for k, _ in enumerate(SETTINGS):
                moved = {n: SETTINGS[(k + i) % len(SETTINGS)] for i, n in enumerate(free)}
                yield {**self.fixed, **moved}
            return
        sample = draw(self.truth.loss, "everyday", dtype, 40 * GROUPS)
        for group in sample.groups:
            mine = dict(zip(self.truth.names[1:], group.parameters, strict=True))
            theirs = {name: mine[letters[name]] for name in free}
            if all(map(math.isfinite, theirs.values())):
                yield {**self.fixed, **theirs}

    def residuals(self, settings: Settings, dtype: str, number: int) -> Floats:
        """Everyday ones, both ends of the range, and where branches may meet."""
        rng = np.random.Generator(np.random.PCG64(number + 1000 * self.seed))
        ours = {n: float(b) for n, b in self.convention.ours(settings).items()}
        positive = [v for v in ours.values() if v > 0 and math.isfinite(v)]
        unit = ours.get("scale", positive[-1] if positive else 1.0)
        ends = 300.0 if dtype == "float64" else 36.0
        most = float(np.finfo(dtype).max) / 2
        sizes = unit * np.concatenate([
            10.0 ** rng.uniform(-12, 8, 20), 10.0 ** rng.uniform(-ends, ends, FAR),
            2.0 ** rng.uniform(-4, 4, 14),
        ])  # fmt: skip
        signed = np.where(rng.integers(0, 2, len(sizes)) == 0, -sizes, sizes)
        sizes_of = [p for p in (*positive, *settings.values()) if 0 < abs(p) < most]
        rounded = to_dtype(np.array(sizes_of, dtype=np.float64), dtype).tolist()
        edges = [v for p in rounded for v in neighbours(p, dtype, 1)]
        corners = np.array([0.0, 1.0, *edges, 1e-13, 1e6, 1e10, 1e30, 1e-30])
        far = [1e200, 1e-100] if dtype == "float64" else []
        found = np.concatenate([signed, corners, -corners, far, [math.inf, -math.inf, math.nan]])
        size = np.abs(found)
        ratio_in_range = (size / unit < most) | ~np.isfinite(size)
        return to_dtype(found[ratio_in_range & ((size < most) | ~np.isfinite(size))], dtype)

    def batches(self, dtype: str) -> Iterator[Batch]:
        """What goes in, with their parameters."""
        if not self.truth.loss.predictions:
            for number, settings in enumerate(self.settings(dtype)):
                yield Batch(self.residuals(settings, dtype, number), settings)
            return
        free = [name for name in self.call.parameters if name not in self.fixed]
        letters = {value.letter: name for name, value in self.convention.parameters.items()}
        if free and set(free) <= set(letters):
            for batch in self.truth.batches(dtype, self.seed, None):
                theirs = {name: batch.settings[letters[name]] for name in free}
                yield replace(batch, settings={**self.fixed, **theirs})
            return
        for settings in self.settings(dtype):
            ours = {n: float(b) for n, b in self.convention.ours(settings).items()}
            for batch in self.truth.batches(dtype, self.seed, ours):
                yield replace(batch, settings=settings)

    def over(self, dtype: str) -> Compared:
        points: list[Point] = []
        errors: list[str] = []
        raised: list[Raised] = []
        out, size, warnings = "", 0, []
        stopped: tuple[str, Mapping[str, object]] | None = None
        for whole in self.batches(dtype):
            batch, answer = self._asked(whole, dtype, raised)
            if answer.is_final:
                stopped = answer.error, {**batch.settings, "dtype": dtype}
                break
            if answer.error or answer.first.shape != self.truth.shape(batch.x):
                said = (
                    answer.error.partition("\n")[0][:100]
                    or f"{answer.first.shape} came out for {batch.x.shape}"
                )
                errors.append(f"{_shown(batch.settings)}: {said}")
                if len(errors) > 3 and not points:
                    break
                continue
            out, size = answer.dtype, max(size, batch.x.size)
            warnings += [w for w in answer.warnings if w not in warnings]
            points += self._points(batch, dtype, answer.first.ravel(), self._form(answer, dtype))
        found = self._sorted(points, tuple(errors), out, tuple(warnings))
        return replace(found, stopped=stopped, raised=tuple(raised), size=size)

    def _asked(self, batch: Batch, dtype: str, raised: list[Raised]) -> tuple[Batch, Answer]:
        """The values, where there are any; numbers at which an error is raised go to `raised`."""

        def of(places: Any) -> Answer:
            return self.session.call(self.call, self.truth.given(batch.part(places), dtype=dtype))

        whole = of(slice(None))
        if not whole.error or whole.is_final:
            return batch, whole
        finite = np.isfinite(batch.x.reshape(len(batch.x), -1)).all(axis=1)
        if not finite.any():
            return batch, whole
        batch = batch.part(finite)  # perhaps only what is no number is refused
        whole = of(slice(None))
        plain = self.truth.question(ONE, batch.settings, dtype=dtype)
        refused = whole.error and not whole.is_final and len(raised) <= MOST_RAISED
        if not refused or self.session.call(self.call, plain).error:
            return batch, whole
        kept, answers = [], []
        left = [np.arange(len(batch.x))]
        while left:
            part = left.pop()
            answer = of(part)
            if answer.is_final:
                return batch, answer
            if not answer.error:
                kept.append(part)
                answers.append(answer)
            elif len(part) > 1:
                left += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                told = self.truth.told_of(batch, int(part[0]))
                given = told.pop(self.truth.names[0])
                raised.append(Raised(given, {**told, "dtype": dtype}, answer.error))
        right = (self.truth.shape(batch.x[k]) for k in kept)
        if not kept or any(a.first.shape != s for a, s in zip(answers, right, strict=True)):
            return batch, whole
        values = np.concatenate([a.first for a in answers])
        return batch.part(np.concatenate(kept)), replace(answers[0], values=(values,))

    def _form(self, answer: Answer, dtype: str) -> str:
        """The dtype in whose ULP errors count: numbers of Python say nothing of theirs."""
        if self.call.each or answer.type in ("float", "list", "tuple"):
            return dtype
        return answer.dtype if answer.dtype in FORMATS and answer.dtype != "float16" else dtype

    def _points(self, batch: Batch, dtype: str, got: Floats, form: str) -> Iterator[Point]:
        ours, (factor, offset) = self._ours(batch.settings)
        near = self._is_near(ours)
        exact = self.truth.exact(batch, ours, factor, offset)
        pairs = [(math.nan, 0.0) if e is None or not e.defined else e.high_low() for e in exact]
        high, low = (np.array(column) for column in zip(*pairs, strict=True))
        errors = errors_in_ulp(got, high, low, form)
        each = max(1, len(exact) // max(1, len(batch.x)))
        for k, value in enumerate(exact):
            if value is None:
                error = 0.0 if math.isnan(got[k]) else math.inf
            elif math.isnan(high[k]):
                continue
            else:
                error = float(errors[k])
            told = self.truth.told(batch, k)
            x = told.pop(self.truth.names[0])
            row, largest = (x, max(x, key=abs)) if isinstance(x, list) else (None, x)
            yield Point(
                largest,
                told,
                dtype,
                float(got[k]),
                float(high[k]),
                error,
                near,
                form,
                row,
                k % each,
            )

    def _ours(self, settings: Mapping[str, Any]) -> tuple[dict[str, Ball], tuple[Ball, Ball]]:
        """Our parameters, and factor and offset; what stands beside the prediction, too."""
        convention = self.convention
        pair = convention.factor.ball(settings), convention.offset.ball(settings)
        beside = {n: arb(v) for n, v in settings.items() if n == self.truth.target}
        return {**beside, **convention.ours(settings)}, pair

    def _is_near(self, ours: Mapping[str, Ball]) -> bool:
        loss = self.truth.loss
        return any(
            0 < abs(float(ours[p.name]) - float(s)) < NEAR_SPECIAL
            for p in loss.parameters
            for s in loss.special.get(p, ())
            if s.is_finite
        )

    def _sorted(
        self, points: list[Point], errors: tuple[str, ...], out: str, warnings: tuple[str, ...]
    ) -> Compared:
        faults: list[Point] = []
        near: list[Point] = []
        worst: Point | None = None
        asked = 0
        for p in sorted(points, key=lambda p: -p.error):
            if worst is not None and p.error <= worst.error:
                break
            limit = LOST[p.dtype] * 2.0 ** FORMATS[p.form].precision
            beyond = p
            if math.isfinite(p.error) and p.error > 1 and asked < MOST_CONDITIONS:
                asked += 1
                beyond = self._beyond_kappa(p)
            if beyond.error <= limit:
                if worst is None or beyond.error > worst.error:
                    worst = beyond
            elif not self._is_other_side(p, limit):
                (near if p.near else faults).append(beyond)
        return Compared(len(points), worst, tuple(faults), tuple(near), errors, out, warnings)

    def _beyond_kappa(self, p: Point) -> Point:
        ours, (factor, _) = self._ours(p.settings)
        told = {**p.settings, self.truth.names[0]: p.given}
        kappa = self.truth.kappa(told, p.place, ours, p.expected, float(factor))
        error = max(p.error - kappa, 0.0)
        return replace(p, error=error)

    def _is_other_side(self, p: Point, limit: float) -> bool:
        """At a jump of the quantity: the value of the other side, which is a convention too."""
        steps = self.truth.over_classes or self.truth.quantity in ("loss", "log_density")
        if steps or not math.isfinite(p.x):
            return False
        ours, (factor, offset) = self._ours(p.settings)
        sides = []
        for to in (-math.inf, math.inf):
            found = self.truth.under(math.nextafter(p.x, to), ours, factor, offset)
            if not found.defined:
                return False
            sides.append(found)
        values = [s.float64() for s in sides]
        if math.isclose(values[0], values[1], rel_tol=1e-6):
            return False
        return any(s.ulps(p.got, p.form) <= limit for s in sides)


def _shown(settings: Settings) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in settings.items()) or "no parameters"
