"""One shard: an emitted function at consecutive bit patterns, against the panels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.errors import Refuted
from derive.verification.condition import kappa
from derive.verification.oracle import Oracle
from derive.verification.ulp import error_in_ulp, errors_in_ulp, hexadecimal
from tools.exhaustive.library import Arrays, Tensors, library, load_file
from tools.exhaustive.panels import (
    ASKED,
    BOUND,
    HUGE,
    INFINITY,
    POLYNOMIAL,
    Panels,
    Table,
)
from tools.exhaustive.task import SHARD, Task

MOST_ASKED = 16  # near ties, per shard: the others are counted as undecided
SPOTS, EVERY = 4, 8  # random inputs, of each 8th shard, to hold the panels against the oracle
SIGN = 0x80000000
CHUNK = 1 << 20


@dataclass(frozen=True)
class ShardResult:
    """worst: largest error in ULP of float32, at x; excess: the largest one beyond kappa.

    misrounded: results that are not nearest; undecided: nearer to a tie than the panels' bound,
    and not asked about; asked: inputs that the oracle decided.
    """

    shard: int
    points: int
    worst: float
    x: str
    expected: str
    got: str
    excess: float
    excess_x: str
    misrounded: int
    undecided: int
    asked: int


class Judge:
    """Compares shards of one task; keeps the emitted file and the oracle."""

    def __init__(self, task: Task, panels: Panels) -> None:
        self.task, self.panels = task, panels
        self.library: Arrays | Tensors = library(task)
        self.function = getattr(load_file(task.file), task.quantity)
        self.oracle = Oracle(task.loss)

    def exact(self, x: float) -> tuple[float, float]:
        """The oracle's value as high and low (see `ulp.errors_in_ulp`)."""
        point = dict(zip(self.oracle.names, (x, *self.task.parameters), strict=True))
        return self.oracle.value(self.task.quantity, point).high_low()

    def shard(self, number: int, count: int = SHARD) -> ShardResult:
        first = number * SHARD
        lib = self.library
        narrow = lib.residuals(first, count)
        out = lib.call(self.function, narrow, self.task.parameters)
        if tuple(out.shape) != (count,) or not str(out.dtype).endswith("float32"):
            raise Refuted(f"{self.task.quantity}: {out.dtype} of shape {tuple(out.shape)} came out")
        x, got = lib.wide(narrow), lib.wide(out)
        reference = lib.empty(count)
        self._fill(reference, x, first)
        with np.errstate(all="ignore"):
            errors = lib.size(got - reference) / lib.units(reference) * 2.0**23
            errors = lib.same(errors, got, reference)
        self._settle(errors, x, got, reference)
        asked, undecided = self._decide(errors, x, got)
        worst = int(errors.argmax())
        at = float(x[worst])
        error = self._exactly(at, float(got[worst]), float(errors[worst]))
        excess, excess_at = self._beyond_kappa(errors, x, reference, worst)
        if number % EVERY == 0:
            self._spot(x, reference, number)
        return ShardResult(
            shard=number,
            points=count,
            worst=error,
            x=hexadecimal(at),
            expected=hexadecimal(float(reference[worst])),
            got=hexadecimal(float(got[worst])),
            excess=excess,
            excess_x=hexadecimal(excess_at),
            misrounded=int((errors > 0.5).sum()) - undecided,
            undecided=undecided,
            asked=asked,
        )

    def _fill(self, reference: Any, x: Any, first: int) -> None:
        """Panels' values, in place; NaN where x is NaN."""
        table, factor = self.panels.of(first >= SIGN)
        base = first & (SIGN - 1)
        last = base + len(reference)
        for k in table.overlapping(base, last):
            low, high = max(int(table.start[k]), base), min(int(table.stop[k]), last)
            here = slice(low - base, high - base)
            kind = int(table.kind[k])
            if kind == POLYNOMIAL:
                horner(table, k, x[here], reference[here], factor)
            elif kind == ASKED:
                values = [self.exact(float(v))[0] for v in x[here]]
                self.library.put(reference, np.arange(low, high) - base, np.array(values))
            else:
                value = table.coefficients[k, 0] * factor
                reference[here] = math.copysign(math.inf, value) if kind == HUGE else 0.0

    def _settle(self, errors: Any, x: Any, got: Any, reference: Any) -> None:
        """Infinities, NaN and the edge of the range, in place."""
        lib = self.library
        odd = lib.where(~lib.finite(errors))
        for part in np.split(odd, range(CHUNK, len(odd), CHUNK)):
            if not len(part):
                continue
            values, seen, exact = (lib.numpy(a[part]) for a in (x, got, reference))
            low = np.where(np.isinf(exact), np.inf, 0.0)
            found = errors_in_ulp(seen, exact, low, "float32")
            nan = np.isnan(values)
            found = np.where(nan, np.where(np.isnan(seen), 0.0, np.inf), found)
            lib.put(errors, part, np.where(np.isnan(found), np.inf, found))

    def _decide(self, errors: Any, x: Any, got: Any) -> tuple[int, int]:
        """Ask the oracle about results near a tie; gives how many were asked, and were not."""
        lib = self.library
        near = lib.where(lib.size(errors - 0.5) < BOUND)
        step = max(1, len(near) // MOST_ASKED)
        chosen = near[::step][:MOST_ASKED]
        if len(chosen):
            points = zip(lib.numpy(x[chosen]), lib.numpy(got[chosen]), strict=True)
            exact = [
                error_in_ulp(float(seen), *self.exact(float(v)), "float32") for v, seen in points
            ]
            lib.put(errors, chosen, np.array(exact))
        left = np.setdiff1d(near, chosen)
        if len(left):  # as large as it can be; `misrounded` leaves these out again
            lib.put(errors, left, np.full(len(left), 0.5 + BOUND))
        return len(chosen), len(left)

    def _exactly(self, x: float, got: float, error: float) -> float:
        """The worst error by the oracle itself."""
        if not math.isfinite(x) or not math.isfinite(error):
            return error
        return error_in_ulp(got, *self.exact(x), "float32")

    def _beyond_kappa(self, errors: Any, x: Any, reference: Any, worst: int) -> tuple[float, float]:
        """The largest error after the promise's allowance for kappa, and where."""
        promise, lib = self.task.promise, self.library
        most = float(errors[worst])
        if not promise.kappa or most <= promise.ulp:
            return most, float(x[worst])
        over = lib.where(errors > promise.ulp)
        sizes, points = lib.numpy(errors[over]), lib.numpy(x[over])
        # x alone bounds kappa from below; the parameters count where that leaves too much
        left = sizes - promise.kappa * self._kappa(points, lib.numpy(reference[over]))
        best, where = min(promise.ulp, most), float(points[int(np.argmax(left))])
        for k in np.argsort(-left)[:MOST_ASKED].tolist():
            if left[k] <= best:
                break
            point = (float(points[k]), *self.task.parameters)
            at = dict(zip(self.oracle.names, point, strict=True))
            exact = kappa(self.oracle, self.task.quantity, at, "float32")
            if float(sizes[k]) - promise.kappa * exact > best:
                best, where = float(sizes[k]) - promise.kappa * exact, point[0]
        return best, where

    def _kappa(self, x: Any, values: Any) -> Any:
        """|d log f/d log x| from the derivative of the panels; 0 where there is none."""
        out = np.zeros(len(x))
        for negative in (False, True):
            mine = np.flatnonzero(np.signbit(x) == negative)
            table, _ = self.panels.of(negative)
            patterns = np.abs(x[mine]).astype(np.float32).view(np.uint32).astype(np.int64)
            inside = mine[patterns < INFINITY]
            panel = np.searchsorted(table.stop, patterns[patterns < INFINITY], side="right")
            t = (np.abs(x[inside]) - table.middle[panel]) * table.scale[panel]
            slope = np.zeros(len(inside))
            for k in range(table.coefficients.shape[1] - 1, 0, -1):
                slope = slope * t + k * table.coefficients[panel, k]
            with np.errstate(all="ignore"):
                ratio = np.abs(slope * table.scale[panel] * x[inside] / values[inside])
            out[inside] = np.where(np.isfinite(ratio), ratio, 0.0)
        return out

    def _spot(self, x: Any, reference: Any, number: int) -> None:
        rng = np.random.Generator(np.random.PCG64(number))
        for index in rng.integers(0, len(reference), size=SPOTS).tolist():
            at, value = float(x[index]), float(reference[index])
            high, low = self.exact(at) if math.isfinite(at) else (value, 0.0)
            both_far = abs(high) > 2.0**129 and abs(value) > 2.0**129
            if both_far or abs(high) < 2.0**-151 > abs(value) or math.isnan(high):
                continue
            if not error_in_ulp(value, high, low, "float32") <= 2 * BOUND:
                raise Refuted(f"the panels give {value!r} at x = {at!r}, the oracle {high!r}")


def horner(table: Table, k: int, x: Any, out: Any, factor: float) -> None:
    """The polynomial of panel k at |x|, into out."""
    used = int(table.used[k])
    coefficients = (table.coefficients[k] * factor).tolist()
    if used == 0:
        out[:] = coefficients[0]
        return
    t = abs(x)
    t -= float(table.middle[k])
    t *= float(table.scale[k])
    total = t * coefficients[used]
    for c in reversed(coefficients[1:used]):
        total += c
        total *= t
    total += coefficients[0]
    out[:] = total
