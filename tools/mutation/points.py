"""Whether two formulas are the same function: asked at many points of the domain, to many digits.

Knows nothing of the judge, whose answer it checks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.evaluate import evaluate
from derive.definitions.classes import entry_letter, written_out
from derive.definitions.loss import Along, Loss
from derive.definitions.samples import everyday

Point = Mapping[Symbol, Any]
FEWEST = 8  # points at which both have a value, before they are called the same
PAIRS = 160  # points of a prediction and a target
ROWS = 6  # of classes, for each number of them and each target
COUNTS = (2, 3)


def equal(one: Expr, other: Expr, loss: Loss, digits: int) -> bool:
    """Whether two formulas agree at the points: a mutant that does is no mistake. (Points that
    either formula has no value at are left out.)"""
    seen = 0
    with mp.workdps(digits + 400):
        for first, second, point in _asked(one, other, loss):
            try:
                a, b = evaluate(first, point), evaluate(second, point)
            except (ArithmeticError, ValueError, NotImplementedError, TypeError, KeyError):
                continue
            seen += 1
            if abs(a - b) > mp.mpf(10) ** -digits * (abs(a) + abs(b)):
                return False
    return seen > FEWEST


def _asked(one: Expr, other: Expr, loss: Loss) -> Iterator[tuple[Expr, Expr, Point]]:
    if loss.kind == "residual":
        yield from ((one, other, point) for point in _residuals(loss))
    elif loss.kind == "pointwise":
        sample = everyday(loss, PAIRS, dtype="float64")
        for k in range(len(sample)):
            at = sample.point(k)
            yield one, other, {v: mp.mpf(at[v.name]) for v in loss.variables}
    else:
        for count in COUNTS:
            for target in (0, count - 1):
                pair = (written_out(e, count, target)(0) for e in (one, other))
                yield from ((*each, point) for each, point in zip(
                    itertools.repeat(tuple(pair)), _classes(loss, count, target), strict=False
                ))  # fmt: skip


def _residuals(loss: Loss) -> Iterator[Point]:
    """Residuals of all sizes and both signs at several values of the parameters."""
    sizes = [mp.mpf(10) ** (mp.mpf(k) / 6) * mp.mpf("1.07") for k in range(-18, 19)]
    for turn in range(5):
        at = _parameters(loss, turn)
        for size in sizes:
            for sign in (1, -1):
                yield {**at, loss.residual: sign * size}


def _classes(loss: Loss, count: int, seed: int) -> Iterator[Point]:
    """Logits from undecided to confident; probabilities that sum to 1 exactly."""
    draw = np.random.default_rng(seed)
    for turn in range(ROWS):
        at = _parameters(loss, turn)
        for v in loss.variables:
            if isinstance(v, Along) and v.sort != "index":
                values = [mp.mpf(x) for x in draw.normal(size=count) * 3.0 ** (turn - 2)]
                if v.sort == "probability":
                    powers = [mp.exp(x) for x in values]
                    values = [p / sum(powers) for p in powers]
                at |= {entry_letter(v, k): x for k, x in enumerate(values)}
        yield at


def _parameters(loss: Loss, turn: int) -> dict[Symbol, Any]:
    """Plain values inside their domains, other ones at each turn."""
    steps = [mp.mpf(n) / 7 for n in (3, 5, 9, 16, 2, 11, 25, 4)]
    at = {}
    for place, p in enumerate(loss.parameters):
        low, high = (
            mp.mpf(str(v)) if v.is_finite else None
            for v in (loss.domain(p).inf, loss.domain(p).sup)
        )
        step = steps[(turn + 3 * place + 1) % 8]
        if low is not None:
            at[p] = low + (step if high is None else (high - low) * (step / (step + 1)))
        else:
            at[p] = -step if (turn + place) % 3 == 0 else step
    return at
