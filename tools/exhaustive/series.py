"""Taylor coefficients in x of a quantity at fixed parameters, over a point or over an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import factorial

from derive.errors import BadInput, Undecided
from derive.verification.backend import (
    Ball,
    NeedsPrecision,
    Tie,
    Undefined,
    arb,
    ctx,
)
from derive.verification.enclosure import Enclosure
from derive.verification.evaluator import Evaluator
from derive.verification.oracle import EXTRA_ORDERS, Oracle
from tools.exhaustive.task import Task

FAR = (2048, 4096)  # an infinite parameter is approached at these powers of two
NEAR = 256  # a singular one from both sides, at this negative power of two
SPARE_BITS = 128
MOST_BITS = 1 << 14
PROBES = (0.8125, 3.25)


class Series:
    """The quantity of a task as power series in x.

    ways: the parameters to evaluate at. Two where only a limit exists: it is read off, and what
    the two say differently is counted as error. zero: the quantity is 0 there by policy (a
    derivative in a parameter at its infinity).
    """

    def __init__(self, task: Task, degree: int) -> None:
        self.task, self.degree = task, degree
        self.wanted = task.wanted
        self.oracle = Oracle(task.loss)
        exact = [arb(p) for p in task.parameters]
        orders = self.wanted.orders[1:]
        infinite = [k for k, p in enumerate(exact) if not p.is_finite()]
        self.zero = any(orders[k] for k in infinite)
        self.floor = FAR[-1] if infinite else 0
        self._spare = (0,) * len(self.oracle.names)
        self.ways: list[list[Ball]] = [exact]
        if infinite:
            self.ways = [
                [arb((1 if p > 0 else -1, n)) if k in infinite else p for k, p in enumerate(exact)]
                for n in FAR
            ]
        if not self.zero:
            self._find_a_way()
        self._evaluator = self._made(degree)

    @property
    def bits(self) -> int:
        """The precision to begin with."""
        return self.floor + 2 * SPARE_BITS

    @property
    def rigorous(self) -> bool:
        return len(self.ways) == 1

    def _made(self, degree: int) -> Evaluator:
        orders = list(self.wanted.orders)
        orders[0] += degree
        total = tuple(n + s for n, s in zip(orders, self._spare, strict=True))
        loss = self.task.loss
        return Evaluator(loss.expression, loss.variables, total, self._spare)

    def _find_a_way(self) -> None:
        """Orders to divide a common zero out by, or neighbours of a singular parameter."""
        missing: frozenset[str] = frozenset()
        for spare in self._spares():
            self._spare = spare
            try:
                self._try(self.ways[0])
                return
            except Tie:
                break
            except Undefined as trouble:
                missing = missing or trouble.names
        self._spare = (0,) * len(self.oracle.names)
        for k, name in enumerate(self.oracle.names[1:]):
            if name in missing and self._sidestep(k):
                return
        raise BadInput(f"{self.task.quantity} has no value at these parameters")

    def _try(self, way: Sequence[Ball]) -> None:
        self._evaluator = self._made(1)
        for x in PROBES:
            try:
                self._coefficients(arb(x), way, self.floor + 4 * SPARE_BITS, 1)
            except NeedsPrecision:
                continue

    def _spares(self) -> Iterator[tuple[int, ...]]:
        none = (0,) * len(self.oracle.names)
        yield none
        for extra in range(1, EXTRA_ORDERS + 1):
            for k in range(1, len(none)):
                yield tuple(extra * (i == k) for i in range(len(none)))

    def _sidestep(self, k: int) -> bool:
        """Both neighbours of the value of parameter k, if they have values."""
        if self.value(PROBES[0]).ball is None:
            raise BadInput(f"{self.task.quantity} is infinite or has no value at these parameters")
        way, self.floor = self.ways[0], 2 * NEAR
        ctx.prec = 2 * NEAR + SPARE_BITS
        moved = [way[k] + arb((side, -NEAR)) for side in (1, -1)]
        ways = [[value if i == k else p for i, p in enumerate(way)] for value in moved]
        try:
            for beside in ways:
                self._try(beside)
        except Undefined:
            return False
        self.ways = ways
        return True

    def value(self, x: float) -> Enclosure:
        """What the oracle says at one residual."""
        point = dict(zip(self.oracle.names, (x, *self.task.parameters), strict=True))
        return self.oracle.value(self.task.quantity, point)

    def at(self, x: Ball, way: int, bits: int) -> list[Ball]:
        """Coefficients of orders 0 … degree at x, at this precision."""
        return self._coefficients(x, self.ways[way], bits, self.degree)

    def _coefficients(self, x: Ball, way: Sequence[Ball], bits: int, degree: int) -> list[Ball]:
        ctx.prec = bits
        shape, orders = self._evaluator.shape, self.wanted.orders
        jet = self._evaluator([x, *way])
        rest = orders[1:]
        inner = 1
        for n in rest:
            inner *= factorial(n)
        out = []
        for k in range(degree + 1):
            found = jet[shape.index[(orders[0] + k, *rest)]]
            rising = factorial(orders[0] + k) // factorial(k)
            out.append(arb(0) if found is None else found * (rising * inner))
        if self.wanted.over_x:
            for k in range(degree + 1):
                out[k] = ((out[k] - out[k - 1]) if k else out[k]) / x
        return out

    def centred(self, x: Ball, way: int, size: float, accuracy: int) -> tuple[list[Ball], int]:
        """As `at`, at a precision that decides each scaled coefficient beside the largest one.

        size: coefficients of order k are scaled by size^k. Gives the precision too.
        """
        bits = self.bits
        while bits <= MOST_BITS:
            try:
                found = self.at(x, way, bits)
            except NeedsPrecision:
                bits *= 2
                continue
            scaled = [c * arb(size) ** k for k, c in enumerate(found)]
            largest = max((abs(c).mid() for c in scaled), key=lambda b: b)
            if all(c.is_finite() and c.rad() <= largest * arb((1, -accuracy)) for c in scaled):
                return scaled, bits
            bits *= 2
        raise Undecided(f"{self.task.quantity} at x = {float(x)}: the precision is out of reach")
