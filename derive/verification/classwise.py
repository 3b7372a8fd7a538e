"""Judges files of losses over classes: at a fixed number of them a loss is one of many numbers,
whose exact values the oracle gives as for any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derive.definitions.classes import over, with_probabilities
from derive.definitions.floats import FORMATS, Floats
from derive.definitions.loss import Along, Loss
from derive.verification.backend import arb
from derive.verification.emitted import Emitted
from derive.verification.enclosure import Enclosure
from derive.verification.implementations import Runner, Runners
from derive.verification.oracle import DOUBLE_BITS, UNDERFLOW, Oracle
from derive.verification.promise import MIXED, NARROW, SMOOTH
from derive.verification.report import AGREES, REFUTED, UNKNOWN, Row
from derive.verification.series import Series
from derive.verification.ulp import errors_in_ulp, hexadecimal

COUNTS = (2, 3, 4, 5)
SAMPLE = "2 to 5 classes"
PRODUCT = "hessian_product"
FAR = 500.0
FEW = 4  # rows of each table at which the product with the Hessian is judged
_STEP = 2.0**-30


def classwise_rows(
    loss: Loss, dtype: str, emitted: Sequence[Emitted], runners: Runners, points: int, seed: int
) -> Iterator[Row]:
    """Every quantity, for a target that names a class and for one that weighs them all."""
    soft = with_probabilities(loss)
    for asked, about in ((loss, ""), (soft, " of probabilities")):
        if asked is None:
            continue
        tables = [
            Table(asked, dtype, count, t, max(2, points // 8), seed + 10 * count + t)
            for count in COUNTS
            for t in ((0, count - 1) if _names_class(asked) else (0,))
        ]
        for files in emitted:
            runner = runners.of(files.target)
            functions = runner.functions(files.modules[:1])
            if functions.error:
                yield files.row("import", REFUTED, detail=functions.error)
                continue
            for name in tables[0].quantities:
                row = files.row(name + about, AGREES, dtype=dtype, sample=SAMPLE)
                if name not in functions.modules:
                    yield row.but(verdict=REFUTED, detail=f"the file has no function {name}")
                    continue
                yield _judged(row, name, tables, files, runner)


def _names_class(loss: Loss) -> bool:
    return isinstance(loss.target, Along) and loss.target.sort == "index"


@dataclass(frozen=True)
class Table:
    """Inputs over so many classes with one target, and the exact values there."""

    loss: Loss
    dtype: str
    count: int
    target: int
    size: int
    seed: int

    @cached_property
    def oracle(self) -> Oracle:
        return Oracle(over(self.loss, self.count, self.target))

    @cached_property
    def series(self) -> Series:
        """Says nothing at a kink, where a loss of many variables has no one limit."""
        return Series(self.oracle.loss, self.oracle.quantities)

    @property
    def vectors(self) -> list[Along]:
        return [v for v in self.loss.variables if isinstance(v, Along) and v.sort != "index"]

    @property
    def quantities(self) -> list[str]:
        names = [v.name for v in (*self.vectors, *self.loss.parameters)]
        return ["loss", *(f"d_{n}" for n in names), PRODUCT]

    @cached_property
    def inputs(self) -> dict[str, Floats]:
        """name -> rows for a vector, a column for a parameter; `v` for the Hessian's vector."""
        draw = _Draw(np.random.default_rng(self.seed), self.dtype)
        found: dict[str, Floats] = {}
        for place, v in enumerate(self.vectors):
            before = next(iter(found.values()), None)
            found[v.name] = draw.vector(v.sort, self.size, self.count, before)
            if v.sort == "real" and self.size > 1:  # scores at the edge of the range in each table
                generator = np.random.default_rng(self.seed + 1 + 1000 * place)  # no two alike
                far = generator.normal(size=self.count) * FAR
                found[v.name][-1] = draw.rounded(np.clip(far, -700, 700))
        for p in self.loss.parameters:
            found[p.name] = draw.parameter(self.loss, p, self.size)
        found[PRODUCT] = draw.rounded(draw.rng.normal(size=(self.size, self.count)))
        return found

    def exact(self, row: int) -> dict[str, Enclosure]:
        return self.series.at(self.point(row), DOUBLE_BITS, UNDERFLOW)

    def point(self, row: int) -> list[Any]:
        numbers = [x for v in self.vectors for x in self.inputs[v.name][row]]
        numbers += [self.inputs[p.name][row] for p in self.loss.parameters]
        return [arb(float(x)) for x in numbers]

    @cached_property
    def answers(self) -> dict[str, tuple[Floats, Floats, Floats]]:
        """quantity -> exact values (as high + low) and kappa, class by class."""
        found: dict[str, list[tuple[float, float, float]]] = {n: [] for n in self.quantities}
        for row in range(self.size):
            exact = self.exact(row)
            for name in self.quantities:
                found[name] += self._of_row(name, exact, row)
        return {n: tuple(np.array(c) for c in zip(*rows, strict=True)) for n, rows in found.items()}  # type: ignore[misc]

    def _of_row(
        self, name: str, exact: dict[str, Enclosure], row: int
    ) -> list[tuple[float, float, float]]:
        by = self._by_orders(exact)
        size = len(self.oracle.names)
        point = [float(x) for x in self.point(row)]
        if name == PRODUCT:
            return self._product(row) if row < FEW else [(np.nan, 0.0, 0.0)] * self.count
        if name == "loss":
            places: list[tuple[int, ...]] = [()]
        else:
            letters = [i for i, n in enumerate(self.oracle.names) if self._owner(n) == name[2:]]
            places = [(i,) for i in letters]
        rows = []
        for place in places:
            value = by.get(orders(place, size))
            moved = [by.get(orders((*place, i), size)) for i in range(size)]
            rows.append((*_told(value), kappa_of(value, moved, point, self.dtype)))
        return rows

    def _by_orders(self, exact: dict[str, Enclosure]) -> dict[tuple[int, ...], Enclosure]:
        known = self.oracle.quantities
        return {known[n].orders: e for n, e in exact.items() if not known[n].over_x}

    def _owner(self, letter: str) -> str:
        """The vector or the parameter that a variable of the oracle belongs to."""
        stem, _, number = letter.rpartition("_")
        return stem if number.isdigit() and stem in [v.name for v in self.vectors] else letter

    def _product(self, row: int) -> list[tuple[float, float, float]]:
        """The Hessian times v, and how it moves with each logit and each entry of v."""
        there = self._times(self.point(row), row)
        by_v = self._times(self.point(row), row, sizes=True)
        rows = []
        moved = []
        for i in range(self.count):
            point = self.point(row)
            point[i] = point[i] * arb(1 + _STEP)
            moved.append(self._times(point, row))
        for k, ball in enumerate(there):
            if ball is None:
                rows.append((np.nan, 0.0, 0.0))
                continue
            others = [m[k] for m in moved]
            gaps = [abs(float(o - ball)) for o in others if o is not None]
            total = sum(gaps) / _STEP + float(by_v[k])
            rows.append((*_told(Enclosure(ball)), total / (abs(float(ball)) or _least(self.dtype))))
        return rows

    def _times(self, point: list[Any], row: int, sizes: bool = False) -> list[Any]:
        """sizes: the sum of the sizes of what is added up."""
        by, v = self._by_orders(self.series.at(point, 160, None)), self.inputs[PRODUCT][row]
        size = len(self.oracle.names)
        found: list[Any] = []
        for j in range(self.count):
            parts = [by.get(orders((j, k), size)) for k in range(self.count)]
            balls = [None if p is None else p.ball for p in parts]
            known = all(b is not None for b in balls)
            if not known:
                found.append(None)
                continue
            terms = (b * arb(float(x)) for b, x in zip(balls, v, strict=True))
            found.append(sum(map(abs, terms) if sizes else terms, arb(0)))
        return found


class Holed(Table):
    """The same inputs with NaN in one entry of each row: nothing there has a value."""

    @cached_property
    def inputs(self) -> dict[str, Floats]:
        found, vectors = dict(super().inputs), self.vectors
        for v in vectors:
            found[v.name] = found[v.name].copy()
        for row in range(self.size):
            place, entry = row % len(vectors), row // len(vectors) % self.count
            found[vectors[place].name][row, entry] = np.nan
        return found


def orders(places: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(sum(p == i for p in places) for i in range(size))


def _told(value: Enclosure | None) -> tuple[float, float]:
    return (np.nan, 0.0) if value is None or not value.defined else value.high_low()


def _least(dtype: str) -> float:
    return 2.0 ** FORMATS[dtype].least


def kappa_of(
    value: Enclosure | None, moved: Sequence[Enclosure | None], point: list[float], dtype: str
) -> float:
    """By how many ULP one rounding of each input moves a value."""
    if value is None or value.ball is None:
        return 0.0
    slopes = [0.0 if m is None or m.ball is None else abs(float(m.ball)) for m in moved]
    total = sum(abs(x) * s for x, s in zip(point, slopes, strict=True))
    size = abs(float(value.ball))
    form = FORMATS[dtype]
    found = total / size if size else total * 2.0 ** (1 - form.precision - form.least)
    return found if np.isfinite(found) else 0.0


class _Draw:
    """Logits from undecided to confident, probabilities near others and far from them."""

    def __init__(self, rng: np.random.Generator, dtype: str) -> None:
        self.rng, self.dtype = rng, dtype

    def rounded(self, values: Any) -> Floats:
        """To the nearest number of the dtype, kept in float64."""
        if self.dtype != "bfloat16":
            return np.asarray(values, dtype=self.dtype).astype(np.float64)
        mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
        return np.asarray(np.ldexp(np.round(mantissa * 256) / 256, exponent))

    def logits(self, size: int, count: int) -> Floats:
        spread = np.exp(self.rng.uniform(-7, np.log(350), size=(size, 1)))
        values = self.rng.normal(size=(size, count)) * spread
        return np.asarray(np.clip(values, -700, 700))

    def vector(self, sort: str, size: int, count: int, before: Floats | None) -> Floats:
        values = self.logits(size, count)
        if sort == "probability":
            values = np.exp(np.clip(values / 20, -30, 30))
        if before is not None and before.shape == values.shape:
            moved = before * (1 + self.rng.normal(size=values.shape) * 2.0**-20)
            alike = (before.min() >= 0) == (sort == "probability")
            values = np.where((np.arange(size) % 2 == 0)[:, None] & alike, moved, values)
        if sort == "probability":
            values = values / values.sum(-1, keepdims=True)
        return self.rounded(values)

    def parameter(self, loss: Loss, p: Any, size: int) -> Floats:
        """The default, and plain values inside the domain."""
        domain, default = loss.domain(p), loss.default(p)
        low, high = domain.inf, domain.sup
        values = np.exp(self.rng.uniform(-1.5, 1.5, size=size))
        if low.is_finite and high.is_finite:
            values = float(low) + float(high - low) * self.rng.uniform(0.05, 0.95, size=size)
        elif low.is_finite:
            values = float(low) + values
        return self.rounded(np.where(np.arange(size) % 3 == 0, default, values))


def _judged(row: Row, name: str, tables: Sequence[Table], files: Emitted, runner: Runner) -> Row:
    """The worst of all numbers of classes and of all ways to ask for a quantity."""
    dtype = row.dtype
    computed = files.target.computed.get(dtype, dtype)
    finer = 2.0 ** (FORMATS[dtype].precision - FORMATS[computed].precision)
    narrow = FORMATS[dtype].precision < FORMATS["float32"].precision
    kind = MIXED if name == PRODUCT else SMOOTH
    row = row.but(allowed=NARROW if narrow else kind[finer < 1])
    for table in tables:
        high, low, kappa = table.answers[name]
        for label, request in _ways(name, table, files):
            got, trouble = _run(request, table, files, runner, name)
            if got is None or len(got) != len(high):
                detail = trouble or f"{len(got if got is not None else ())} values"
                return row.but(verdict=REFUTED, detail=f"{label}: {detail}", excess=np.inf)
            error = errors_in_ulp(got, high, low, dtype)
            beyond = np.maximum(error - finer * kappa, 0)
            if name != "loss":  # against the larger of the value and what one rounding moves
                beyond = np.minimum(beyond, error / np.maximum(1, finer * kappa))
            beyond = np.where(np.isnan(error), -1.0, beyond)
            at, judged = int(np.argmax(beyond)), int(np.count_nonzero(~np.isnan(error)))
            row = row.but(points=row.points + judged)
            if judged and (beyond[at] > row.excess or not row.expected):
                row = row.but(
                    excess=float(beyond[at]),
                    error=float(error[at]),
                    kappa=float(finer * kappa[at]),
                    expected=hexadecimal(float(high[at])),
                    got=hexadecimal(float(got[at])),
                    witness=_witness(table, at // (len(high) // table.size)),
                    detail=label if beyond[at] > row.allowed else row.detail,
                )
    row = _nan_passed(row, name, tables[-1], files, runner)
    if not row.points:
        return row.but(verdict=UNKNOWN, detail="the definition has no value at any of the points")
    return row.but(verdict=REFUTED) if row.excess > row.allowed else row


def _nan_passed(row: Row, name: str, table: Table, files: Emitted, runner: Runner) -> Row:
    """The row, refuted where a NaN among the classes is not NaN in what comes out."""
    holed = Holed(table.loss, table.dtype, table.count, table.target, table.size, table.seed)
    for label, request in _ways(name, holed, files):
        got, trouble = _run(request, holed, files, runner, name)
        if got is None:
            return row.but(detail=f"{label}: {trouble}", excess=np.inf)
        lost = np.flatnonzero(~np.isnan(got))
        if len(lost):
            return row.but(
                excess=np.inf,
                error=np.inf,
                kappa=0.0,
                expected="nan",
                got=hexadecimal(float(got[lost[0]])),
                witness=_witness(holed, lost[0] // (len(got) // holed.size)),
                detail=f"{label}: NaN is lost",
            )
    return row


def _witness(table: Table, row: int) -> dict[str, str]:
    told = {}
    for name, values in table.inputs.items():
        for k, x in enumerate(np.atleast_1d(values[row])):
            told[f"{name}[{k}]" if values.ndim > 1 else name] = hexadecimal(float(x))
    if _names_class(table.loss):
        told[str(table.loss.target)] = hexadecimal(float(table.target))
    return {n: x for n, x in told.items() if not n.startswith(PRODUCT)}


def _ways(name: str, table: Table, files: Emitted) -> Iterator[tuple[str, dict[str, Any]]]:
    z = table.loss.residual.name
    yield name, {"function": name, "output": None, "autograd": None}
    if name in ("loss", f"d_{z}"):
        place = ("loss", f"d_{z}").index(name)
        yield f"value_and_grad[{place}]", {
            "function": "value_and_grad", "output": place, "autograd": None,
        }  # fmt: skip
    if files.target.tensors and name == f"d_{z}":
        yield "autograd of loss", {"function": "loss", "output": None, "autograd": 0}


def asked_of(name: str, table: Table, files: Emitted, runner: Runner) -> Floats | None:
    """The values of a quantity at the inputs of a table; None where there are none."""
    return _run(next(_ways(name, table, files))[1], table, files, runner, name)[0]


def _run(
    request: dict[str, Any], table: Table, files: Emitted, runner: Runner, name: str
) -> tuple[Floats | None, str]:
    columns, layout = [], []
    for v in table.loss.variables:
        if isinstance(v, Along) and v.sort == "index":
            layout.append("index")
            columns.append(np.full(table.size, float(table.target)))
        else:
            vector = isinstance(v, Along)
            layout.append("vector" if vector else "number")
            columns += list(table.inputs[v.name].T) if vector else [table.inputs[v.name]]
        arrays = sum(isinstance(w, Along) for w in table.loss.variables)
        if name == PRODUCT and len(layout) == arrays:
            layout.append("vector")
            columns += list(table.inputs[PRODUCT].T)
    reply, values = runner.ask(
        {
            **request,
            "module": files.modules[0],
            "tensors": runner.tensors,
            "dtype": table.dtype,
            "numbers": False,
            "groups": [],
            "layout": layout,
            "classes": table.count,
            "columns": len(columns),
            "count": table.size,
        },
        [np.ascontiguousarray(c, dtype=np.float64).tobytes() for c in columns],
    )
    if "error" in reply:
        return None, str(reply["error"])
    if reply["warning"]:
        return None, f"a warning escapes ({reply['warning']})"
    if reply["dtype"] != table.dtype:
        return None, f"{table.dtype} went in and {reply['dtype']} came out"
    return values, ""
