"""From a derivation to a stable form: candidates are written by rules, and measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import oo

from derive.calculus.derivation import Derivation
from derive.errors import Refuted
from derive.numerics import measure
from derive.numerics.candidates import Candidate, candidates
from derive.numerics.ends import at_infinity, at_zero, removable, special_points
from derive.numerics.forms import Reach, Regime, StableForm
from derive.numerics.nodes import Name, Node
from derive.numerics.pieces import covered
from derive.numerics.rules import rewrite
from derive.numerics.yardstick import Yardstick, yardstick

# What a form has to reach on the everyday points before anything costlier is tried, in ULP
# beyond kappa: first derivatives, second ones.
TARGETS = (3.0, 4.0)
POINTS = 160
MANY_POINTS = 320

Progress = Callable[[str, int, int], None]


def _diverging(derivation: Derivation) -> dict[str, tuple[float, ...]]:
    found: dict[str, set[float]] = {}
    for limit in derivation.limits:
        name = limit.variable.name
        if limit.quantity == f"d_{name}" and limit.value in (oo, -oo) and limit.point.is_finite:
            found.setdefault(name, set()).add(float(limit.point))
    return {name: tuple(sorted(points)) for name, points in sorted(found.items())}


def _refuse_wrong(derivation: Derivation, reach: Sequence[Reach]) -> None:
    for row in reach:
        if row.rules and not row.worst < 1e10 and row.worst > 1e3 * max(row.direct, 1.0):
            raise Refuted(
                f"{derivation.loss.name}: the stable form of {row.quantity} does not equal the "
                f"definition at {dict(row.at)}; this is a mistake in a rule, please report it"
            )


def stabilise(derivation: Derivation, progress: Progress | None = None) -> StableForm:
    """Derivation -> StableForm.

    Raises BadInput where the vocabulary lacks a word, Refuted where a rewritten form would not
    equal the definition.
    """
    loss = derivation.loss
    points = special_points(derivation)
    # A formula of many terms is measured at fewer points, so that nobody waits for minutes.
    terms = 1 + loss.expression.count_ops() // 100
    sample = measure.everyday_points(loss, max(MANY_POINTS // terms, 80), points)
    special = measure.at_special(loss, sample, points)
    chosen: dict[str, Node] = {}
    reach: list[Reach] = []
    base, base_rules = rewrite(loss.expression)
    names = tuple(derivation.quantities)
    for done, name in enumerate(names):
        if progress is not None:
            progress(f"{loss.name}: {name}", done, len(names))
        slope = chosen.get(f"d_{loss.residual.name}") if name == "weight" else None
        stick = yardstick(derivation, name, sample, special)
        ways = candidates(derivation, name, base, base_rules)
        if slope is not None:
            ways.append(Candidate(slope / Name(loss.residual.name), ("d_x over x",)))
        form, row = _best(stick, ways)
        chosen[name] = at_infinity(derivation, name, at_zero(derivation, name, form, chosen))
        reach.append(row)
    _refuse_wrong(derivation, reach)
    regimes = (*removable(derivation, chosen), Regime("general", "otherwise", None, chosen))
    return StableForm(
        loss, regimes, tuple(reach), _diverging(derivation),
        "each rule is an identity; each form agrees with the raw definition at the points that "
        "chose it",
    )  # fmt: skip


def _best(stick: Yardstick, ways: Sequence[Candidate]) -> tuple[Node, Reach]:
    """The first way within the target; else the best of them and of their compositions.

    A quantity that changes sign is measured against its terms: of several ways within the target,
    the one that keeps most of the value itself, too."""
    derivation = stick.derivation
    raw = derivation.quantities[stick.quantity]
    wide = measure.wide_points(derivation.loss)
    exact = measure.reference(derivation.loss, raw, wide)
    target = TARGETS[stick.floor is not None]
    rows: list[_Row] = []
    good: list[_Row] = []

    def measured(candidate: Candidate) -> None:
        reach = stick.reach(candidate.form, candidate.rules)
        failures = measure.failures(candidate.form, wide, exact)
        failures += int(np.count_nonzero(stick.lost(candidate.form)))
        rows.append(_Row(candidate.form, reach, failures))
        if reach.worst <= target:
            good.append(rows[-1])

    for candidate in ways:
        measured(candidate)
        if stick.floor is None and good and not good[-1].failures:
            return good[-1].form, good[-1].reach
    if not any(row.failures == 0 for row in good):
        for candidate in covered(stick, ways, target):
            measured(candidate)
    if not good:
        chosen = min(rows, key=lambda r: r.reach.worst)
    elif stick.floor is None:
        chosen = min(good, key=lambda r: r.failures)
    else:
        fewest = min(row.failures for row in good)
        chosen = min((r for r in good if r.failures == fewest), key=lambda r: stick.bare(r.form))
    return chosen.form, chosen.reach


@dataclass(frozen=True)
class _Row:
    """failures: wide points at which the form is no number although the value is."""

    form: Node
    reach: Reach
    failures: int
