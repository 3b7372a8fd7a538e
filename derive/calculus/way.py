"""From a loss to everything that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mpmath import mp
from sympy import Eq, Expr, Piecewise, S, Symbol, false, nan, true, zoo
from sympy.logic.boolalg import Boolean

from derive.calculus.density import density
from derive.calculus.derivation import Density, Derivation
from derive.calculus.derivatives import Readable, quantities
from derive.calculus.evaluate import evaluate, truth
from derive.calculus.facts import facts
from derive.calculus.limits import exponent_that_decides, limits, one_sided
from derive.calculus.members import members
from derive.calculus.regimes import Regime, closed_ends, joined, regimes
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.errors import BadInput

# Next to an end of a parameter's domain, and so close to 0 that |x|^-NEXT is large.
NEXT, CLOSE, SAME = mp.mpf(10) ** -9, mp.mpf(10) ** -(10**11), 1e-3
# exp(-loss) is a density of a residual; of a prediction and a target it is none in either.
NO_DENSITY = Density(false, None, (), (), "")

Progress = Callable[[str], None]


def derive(loss: Loss, progress: Progress | None = None) -> Derivation:
    """Derivatives, weight, limits, density and memberships of a loss, each confirmed by numbers.

    progress: called with a few words before each step.
    Raises Undecided where the loss has no confirmed limit at a special point of its domain,
    Refuted where it is not the member of the wider loss that it claims to be; so does asking for a
    simplified form that is not equal to the raw one.
    """

    if loss.kind == "classwise":
        raise BadInput(f"{loss.name}: {loss.kind} losses are declared, and not derived yet")

    def step(words: str) -> None:
        if progress is not None:
            progress(words)

    step("derivatives")
    raw = quantities(loss)
    read = Readable(loss, raw)
    residual = loss.kind == "residual"
    at_zero = weight_at_zero(loss, raw["weight"]) if residual else S.NaN
    step("limits")
    found = limits(loss, raw)
    step("facts")
    known = facts(loss)
    if not residual:
        return Derivation(loss, raw, read, at_zero, found, NO_DENSITY, members(loss), known)
    step("density")
    normalized = density(loss, found, known)
    step("memberships")
    return Derivation(loss, raw, read, at_zero, found, normalized, members(loss), known)


def sketch(loss: Loss) -> Derivation:
    """What a picture needs of a derivation: nothing simplified for reading, limits of the loss, its
    slope and its weight only, no memberships. Most of the time of `derive` goes into the rest."""
    if loss.kind == "classwise":
        raise BadInput(f"{loss.name}: a {loss.kind} loss has no picture")
    raw, residual = quantities(loss), loss.kind == "residual"
    drawn = {name: e for name, e in raw.items() if name in ("loss", "weight", f"d_{loss.residual}")}
    found, known = limits(loss, drawn), facts(loss)
    at_zero = weight_at_zero(loss, raw["weight"]) if residual else S.NaN
    normalized = density(loss, found, known) if residual else NO_DENSITY
    return Derivation(loss, raw, raw, at_zero, found, normalized, (), known)


def weight_at_zero(loss: Loss, weight: Expr) -> Expr:
    """psi(x)/x as x -> 0: oo where it grows without bound, zoo where the sides disagree; by cases
    where an exponent decides, or where it is something else at an end of a parameter's domain."""
    usual = _at_zero(loss, weight)
    if usual == zoo:
        return usual
    cases: list[tuple[Expr, Boolean]] = [(usual, true)]
    if usual is nan:
        e = exponent_that_decides(loss, weight, loss.residual, S.Zero, "+")
        ranges = regimes(loss, e, (0,)) if e is not None else []
        cases = [(_at_zero(loss, weight.subs(r.exact), r), r.condition) for r in ranges]
        if not cases or any(value in (nan, zoo) for value, _ in cases):
            return nan
    ends = []
    for p, end in closed_ends(loss):
        if _goes_on(loss, weight, p, end):
            continue
        there = weight.subs(p, end)
        value = nan if there.has(nan, zoo) else _at_zero(loss, there)
        usual = {_chosen(cases, at).subs(p, end) for at in generic_points(loss, 3, {p: end})}
        if value not in (nan, zoo) and usual != {value}:
            ends.append((value, Eq(p, end)))
    return Piecewise(*ends, *joined(cases))


def _goes_on(loss: Loss, weight: Expr, p: Symbol, end: Expr) -> bool:
    """Whether the weight next to 0 is the same at an end of a domain and next to it: then the end
    is not looked at further, which takes longer."""
    domain, number = loss.domain(p), evaluate(end, {})
    inner = number + (NEXT if end == domain.inf else -NEXT)
    for at in generic_points(loss, 2):
        here = {**at, loss.residual: CLOSE}
        try:
            one, other = (evaluate(weight, {**here, p: v}) for v in (number, inner))
        except ArithmeticError:
            return False
        if not other or abs(one / other - 1) > SAME:
            return False
    return True


def _chosen(cases: list[tuple[Expr, Boolean]], at: Mapping[Symbol, Any]) -> Expr:
    return next(value for value, condition in cases if condition == true or truth(condition, at))


def _at_zero(loss: Loss, weight: Expr, regime: Regime | None = None) -> Expr:
    x = loss.residual
    even = weight.subs(x, -x) == weight
    above, *below = (
        one_sided(loss, "weight", weight, x, S.Zero, side, regime).value
        for side in (("+",) if even else ("+", "-"))
    )
    return above if not below or above == below[0] else zoo
