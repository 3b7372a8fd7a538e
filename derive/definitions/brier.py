"""The Brier score of the probability of one event."""

from sympy import Interval, Symbol

from derive.definitions.loss import Loss

q, y = Symbol("q", nonnegative=True), Symbol("y", nonnegative=True)

brier = Loss(
    name="brier",
    title="Brier score",
    source="Brier, Monthly Weather Review 78(1), 1950",
    variables=(q, y),
    predictions=(q,),
    target=y,
    loss=(q - y) ** 2,
    domains={q: Interval(0, 1), y: Interval(0, 1)},
    description="q predicts the probability of an event, y says whether it came.",
)
