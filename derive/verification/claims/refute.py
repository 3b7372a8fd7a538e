"""The search for counterexamples, and their shrinking to inputs that a person can retype."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Rational, Symbol, oo, true

from derive.definitions.loss import Loss
from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.places import text
from derive.verification.claims.samples import MOST_POINTS, Sampler, domain_of
from derive.verification.claims.values import Values

Place = Mapping[Symbol, Expr]
SIMPLE = ("1", "0", "2", "-1", "1/2", "3", "-2", "4", "5", "10", "-3", "1/4", "1/10")
MOST_SHRINKS = 60


@dataclass(frozen=True)
class Finding:
    """What was found at one point: the inputs, what was expected, what came out."""

    at: Place
    expected: str
    got: str
    rigorous: bool = True

    def witness(self, order: Sequence[Symbol]) -> dict[str, str]:
        inputs = {v.name: text(self.at[v]) for v in order if v in self.at}
        return {**inputs, "expected": self.expected, "got": self.got}


Check = Callable[[Place], Finding | None]  # raises Undefined where nothing is decided


@dataclass
class Search:
    """The result of looking at many points."""

    finding: Finding | None = None
    agreed: int = 0
    undecided: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    open_at: list[Place] = field(default_factory=list)

    def trouble(self) -> str:
        return max(self.reasons, key=lambda r: self.reasons[r], default="no point in the domain")


def search(
    values: Values,
    variables: Sequence[Symbol],
    expressions: Sequence[Any],
    where: Any,
    check: Check,
    seconds: float,
    most: int = MOST_POINTS,
    seed: int = 0,
    moderate: bool = False,
) -> Search:
    """Look for a point where the check finds something; the first finding is shrunk."""
    result = Search()
    deadline = time.process_time() + seconds
    sampler = Sampler(values.loss, variables, [*expressions, where], seed, moderate)
    looked = 0
    for place in points(sampler, where, values):
        if looked >= most or time.process_time() > deadline:
            break
        looked += 1
        try:
            finding = check(place)
        except (Undefined, NeedsPrecision) as trouble:
            result.undecided += 1
            result.open_at.append(place)
            result.reasons[str(trouble)] = result.reasons.get(str(trouble), 0) + 1
            continue
        if finding is not None:
            result.finding = shrunk(finding, values, variables, where, check, deadline + seconds)
            return result
        result.agreed += 1
    return result


def points(sampler: Sampler, where: Any, values: Values) -> Iterator[dict[Symbol, Expr]]:
    """The sampler's points where the condition holds."""
    if not sampler.variables:
        yield {}
        return
    for place in sampler.points():
        if where is true or values.holds(where, place):
            yield place


def shrunk(
    finding: Finding,
    values: Values,
    variables: Sequence[Symbol],
    where: Any,
    check: Check,
    deadline: float,
) -> Finding:
    """The same kind of counterexample at simpler inputs, as far as some budget goes."""
    tries = 0
    for v in variables:
        for simpler in _simpler(values.loss, v, finding.at[v]):
            tries += 1
            if tries > MOST_SHRINKS or time.process_time() > deadline:
                return finding
            place = {**finding.at, v: simpler}
            try:
                if not values.holds(where, place):
                    continue
                found = check(place)
            except (Undefined, NeedsPrecision):
                continue
            if found is not None:
                finding = found
                break
    return finding


def _simpler(loss: Loss, v: Symbol, value: Expr) -> Iterator[Expr]:
    domain = domain_of(loss, v)
    plain = [Rational(t) for t in SIMPLE]
    if value not in (oo, -oo):
        for digits in (1, 2, 3):
            rounded = Rational(str(value.evalf(digits)))
            plain.append(rounded)
    for candidate in plain:
        if candidate == value:
            return
        if domain.contains(candidate) is true or domain.contains(candidate) == True:  # noqa: E712
            yield candidate
