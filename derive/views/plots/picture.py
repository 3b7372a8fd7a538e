"""From derivations to a file with a picture. Needs matplotlib.

The same derivations give the same bytes: no date, no random ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Symbol

from derive.calculus.derivation import Derivation
from derive.definitions.loss import Loss
from derive.definitions.relations import refuse, satisfied
from derive.definitions.specialise import read_settings
from derive.errors import BadInput, EnvironmentTrouble
from derive.output.staging import replace_file
from derive.views.plots import look as looks
from derive.views.plots.balance import balance
from derive.views.plots.fitted import animation, fit
from derive.views.plots.panels import Subject, family, lecture, side_by_side
from derive.views.plots.surface import surface
from derive.views.plots.values import BETWEEN, ends, family_values, parameters
from derive.views.plots.wanted import Wanted

OF_ROLES = ("panels", "family", "surface")
SUFFIXES, MOVING = (".png", ".svg", ".pdf"), (".gif", ".mp4")
ALL = ("loss", "d_x", "weight", "density")
# Of a prediction and a target there is neither weight nor density.
ROLES = ("loss", "d_x")
# A row of values: in parts of an interval, and of the distance of the default from its only end.
ACROSS = tuple(Rational(k, 4) for k in range(5))
BESIDE = Rational(1, 10), Rational(9, 10)
AROUND = Integer(3), Integer(2), Integer(1), Rational(1, 2), Rational(1, 4)
Progress = Callable[[int, int], None]


def plot(
    derivations: Derivation | Sequence[Derivation], out: Path, wanted: Wanted | None = None,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Draw losses: their panels, the family of one along its special points, or what is wanted.

    out: .png, .svg or .pdf; .gif or .mp4 for an animation. Raises BadInput for another suffix or
    kind, EnvironmentTrouble where matplotlib or ffmpeg is missing, or the file cannot be written.
    """
    several = (derivations,) if isinstance(derivations, Derivation) else tuple(derivations)
    wanted = wanted or Wanted()
    kind = _kind(several, wanted)
    suffix = out.suffix.lower()
    allowed = MOVING if kind == "animation" else SUFFIXES
    if suffix not in allowed:
        raise BadInput(f"{out}: the name of a picture ends in {', '.join(allowed)}")
    matplotlib = looks.library()
    if suffix == ".mp4" and not looks.has_ffmpeg():
        raise EnvironmentTrouble(
            f"{out}: MP4 needs ffmpeg, which is not installed; install it, or end the name in .gif"
        )
    with matplotlib.rc_context(looks.style(looks.LOOKS[wanted.theme], wanted.size)):
        if kind == "animation":
            content = animation(matplotlib, several[0], wanted, suffix, progress)
        else:
            content = looks.written(matplotlib, _drawn(matplotlib, several, kind, wanted), suffix)
    try:
        replace_file(out, content)
    except OSError as trouble:
        raise EnvironmentTrouble(f"{out}: {trouble.strerror}; choose another --out") from None
    return out


def _kind(derivations: Sequence[Derivation], wanted: Wanted) -> str:
    wanted.check([d.loss for d in derivations])
    if any(d.loss.predictions for d in derivations) and wanted.kind not in ("", *OF_ROLES):
        raise BadInput(f"--kind {wanted.kind} is for losses of a residual; take {OF_ROLES[0]}")
    if wanted.kind or len(derivations) > 1:
        return wanted.kind or "panels"
    fixed = {p.name for p in derivations[0].loss.special} & set(wanted.settings)
    along = wanted.over is not None or (family_values(derivations[0]) is not None and not fixed)
    return "family" if along else "panels"


def _drawn(matplotlib: Any, derivations: Sequence[Derivation], kind: str, wanted: Wanted) -> Any:
    subjects = [_subject(d, wanted) for d in derivations]
    first = subjects[0]
    loss = first.derivation.loss
    span = wanted.ends or _widest([ends(s.derivation, s.values) for s in subjects])
    heading = "   ".join(filter(None, (looks.words(loss.title), looks.given(loss, first.values))))
    if kind in ("panels", "weights"):
        roles = any(d.loss.predictions for d in derivations)
        quantities = ROLES if roles else ALL if kind == "panels" else ("d_x", "weight")
        above = heading if len(subjects) == 1 else ""
        return side_by_side(matplotlib, subjects, quantities, span, above, wanted)
    if kind == "lecture":
        return lecture(matplotlib, first, span, heading, wanted)
    if kind == "balance":
        return balance(matplotlib, first, heading, wanted)
    if kind == "fit":
        return fit(matplotlib, first.derivation, wanted)
    parameter, points = _row(first.derivation, wanted)
    if kind == "surface":
        if wanted.over is None:
            points = [p for p in points if p not in BETWEEN] or points
        return surface(matplotlib, first, parameter, points, span, wanted)
    every = [{**first.values, parameter: point} for point in points]
    for values in every:
        refuse(loss, values)
    return family(matplotlib, first.derivation, every, parameter, span, wanted)


def _subject(derivation: Derivation, wanted: Wanted) -> Subject:
    loss = derivation.loss
    own = {p.name for p in loss.held}
    values = parameters(derivation, {k: v for k, v in wanted.settings.items() if k in own})
    label = "\n".join(filter(None, (looks.words(loss.title), looks.given(loss, values))))
    return Subject(derivation, values, label)


def _widest(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in spans), max(high for _, high in spans)


def _row(derivation: Derivation, wanted: Wanted) -> tuple[Symbol, list[Expr]]:
    """The parameter that varies, and its values."""
    loss = derivation.loss
    if wanted.over is not None:
        name, texts = wanted.over
        found = [read_settings(loss, {name: text}) for text in texts]
        parameter = next(iter(found[0]))
        return parameter, [values[parameter] for values in found]
    family_of = family_values(derivation)
    if family_of is not None:
        return family_of
    if not loss.parameters:
        raise BadInput(f"{loss.name} has no parameter to vary; take another --kind")
    parameter = loss.parameters[0]
    at = parameters(derivation, {k: v for k, v in wanted.settings.items() if k != parameter.name})
    row = [v for v in across(loss, parameter) if satisfied(loss, {**at, parameter: v})]
    return parameter, row or [at[parameter]]


def across(loss: Loss, parameter: Symbol) -> list[Expr]:
    """Values over the domain of a parameter, from above: across an interval, else around the
    default."""
    domain = loss.domain(parameter)
    low, high = domain.inf, domain.sup
    default = sympy.nsimplify(loss.default(parameter), rational=True)
    if low.is_finite and high.is_finite:
        row = [low + (high - low) * k for k in ACROSS]
    elif low.is_finite:
        row = [low + (default - low) * k for k in AROUND]
    else:
        row = [default + (abs(default) or 1) * k for k in (2, 1, 0, -1, -2)]
    inside = [v for v in row if domain.contains(v) == sympy.true]
    # an end that does not belong to the interval gives way to what lies beside it
    few = len(inside) < len(ACROSS) and high.is_finite and low.is_finite
    beside = [low + (high - low) * k for k in BESIDE] if few else []
    return sorted({*inside, *beside}, key=float, reverse=True) or [default]
