"""Where to look at losses of a prediction and a target: labels, ends, and pairs that lie close."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from sympy import FiniteSet, Symbol

from derive.definitions.floats import Floats, neighbours
from derive.definitions.labels import labels, meeting
from derive.definitions.loss import Loss
from derive.definitions.sampler import Ranges, Sampler

CLOSE = 45  # a pair differs by 2^-1 to 2^-CLOSE
PLAIN = (1.0, 2.0, 3.0, 5.0, 8.0, 20.0, 0.5, 1.5)
# up to where exp(-z) is below every number
LOGITS = {"float64": 750.0, "float32": 110.0}
FAR_SCORE = 1e5  # beyond it, scores are as good as infinite
MODERATE = 8.0
SMALLEST = 1e-30


class PairSampler(Sampler):
    """Predictions beside one target at a time."""

    group = 5

    def __init__(self, loss: Loss, ranges: Ranges, dtype: str, rng: np.random.Generator) -> None:
        super().__init__(loss, ranges, dtype, rng)
        self.met = meeting(loss).least
        self.labels = [float(e) for e in labels(loss)]

    def parameters(self, number: int) -> tuple[float, ...]:
        """Every second choice of the parameters at their defaults; the target as it comes."""
        found = list(super().parameters(number if number % 2 else 0))
        if self.loss.target is not None:
            place = self.loss.held.index(self.loss.target)
            value = self.target(self.loss.target, number)
            found[place] = float(self.rounded(np.array([value]))[0])
        return tuple(found)

    def generic(self, p: Symbol) -> float:
        """Parameters of moderate size: what is below the smallest number has lost its digits."""
        kept = self.positive
        if p in self.loss.parameters and self.nearest <= SMALLEST:
            self.positive = max(kept[0], 1 / MODERATE), min(kept[1], MODERATE)
        try:
            return super().generic(p)
        finally:
            self.positive = kept

    def target(self, y: Symbol, number: int) -> float:
        ends = self.labels
        if isinstance(self.domains[y], FiniteSet):
            return ends[number % len(ends)]
        if ends and number % 5 < 2:
            return ends[number // 5 % len(ends)]
        low, high = self.ends(y)
        if math.isfinite(low) and math.isfinite(high):
            return self.between_ends(low, high)
        if number % 5 == 2:
            plain = [v for v in (*PLAIN, *(-v for v in PLAIN)) if low < v < high]
            return plain[int(self.rng.integers(len(plain)))]
        return self.inside(y, self.generic(y))

    def between_ends(self, low: float, high: float) -> float:
        """Anywhere between two numbers, or close to one of them."""
        share = float(self.rng.random())
        if self.rng.random() < 0.5:
            share = 2.0 ** -float(self.rng.uniform(1, -math.log2(self.nearest or 2.0**-1000)))
        beside = low + (high - low) * share
        if self.rng.random() < 0.5 and low + high != 0:
            beside = high - (high - low) * share
        least, most = math.nextafter(low, high), math.nextafter(high, low)
        if self.wide != "float64":
            least, most = (
                float(np.float32(low) + np.float32(1e-30)),
                float(np.nextafter(np.float32(high), np.float32(low))),
            )
        return float(min(max(beside, least), most))

    def residuals(self, parameters: Sequence[float], count: int, edges: Sequence[float]) -> Floats:
        """Predictions for one target."""
        loss, x = self.loss, self.loss.residual
        y = parameters[loss.held.index(loss.target)] if loss.target is not None else 0.0
        low, high = self.ends_of[x]
        found = [self._prediction(low, high, y, k) for k in range(count)]
        values = self.rounded(np.array([self.inside(x, v) for v in found], dtype=np.float64))
        return np.array([v if low <= v <= high else y for v in values])

    def _prediction(self, low: float, high: float, y: float, place: int) -> float:
        way = (place + int(self.rng.integers(5))) % 5
        if way == 0 and y != 0:
            return self._close(y)
        if math.isfinite(low) and math.isfinite(high):
            return self.between_ends(low, high)
        least, most = self.ratio
        side = float(self.signs(1)[0]) if low < 0 else 1.0
        if way == 1 and y != 0:  # as large as the target
            return side * abs(y) * float(np.exp2(self.rng.uniform(-3, 3)))
        if way == 2 and low < 0:  # scores
            reach = LOGITS[self.wide]
            span = ((0, 40.0), (0, reach), (0, 40.0), (0.75 * reach, reach))[place % 4]
            return side * float(self.rng.uniform(*span))
        if way == 3:
            return side * float(self.between(max(least, 1e-4), min(most, 1e4))[0])
        far = FAR_SCORE if low < 0 and not self.met else most
        return side * float(self.between(least, min(most, far))[0])

    def _close(self, y: float) -> float:
        """Between half the target and twice that; a few units in the last place beside it, too."""
        if self.rng.random() < 0.2:
            return float(self.rng.choice(neighbours(y, self.wide, 3)))
        step = 2.0 ** -float(self.rng.uniform(1, CLOSE))
        return float(y * (1 + float(self.signs(1)[0]) * step))
