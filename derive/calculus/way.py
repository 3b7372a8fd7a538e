"""From a loss to everything that follows from it."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, S, false, zoo

from derive.calculus.density import density
from derive.calculus.derivation import Density, Derivation
from derive.calculus.derivatives import Readable, quantities
from derive.calculus.facts import facts
from derive.calculus.limits import limits, one_sided
from derive.calculus.members import members
from derive.definitions.loss import Loss
from derive.errors import BadInput

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
    """psi(x)/x as x -> 0: oo where it grows without bound, zoo where the sides disagree."""
    above, below = (
        one_sided(loss, "weight", weight, loss.residual, S.Zero, side).value for side in ("+", "-")
    )
    return above if above == below else zoo
