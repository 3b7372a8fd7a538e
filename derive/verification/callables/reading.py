"""How a function is called and what it means: the ways that work, the convention that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.definitions.floats import Floats
from derive.verification.callables.call import Call
from derive.verification.callables.convention import GRID, ROUGH, Convention, Fit, Settings
from derive.verification.callables.nice import ZERO, Nice
from derive.verification.callables.session import Given, Session
from derive.verification.callables.truth import Truth

VARIED = (1.7, 0.6, 2.3, 1.3)
MOST_ROUGH = 12
PARTS = {"loss": 0, "d_x": 1}


@dataclass(frozen=True)
class Reading:
    """A way to call, and the convention under which its values are ours.

    odd: the shape that came out for a whole array, where it is not that of the array.
    """

    call: Call
    settings: Settings
    convention: Convention
    fits: bool
    odd: str = ""

    @property
    def cost(self) -> tuple[bool, int, tuple[int, int]]:
        """The more parameters it explains, the better; then the simpler."""
        factor = self.convention.factor
        return factor.coefficient < 0, -len(self.convention.letters), factor.complexity


def read_call(
    session: Session, ways: Sequence[Call], truth: Truth, fixed: Settings
) -> tuple[Reading | None, str]:
    """The simplest convention that fits, over all ways to call; else the first way that works."""
    fit, error = Fit(truth), ""
    best: Reading | None = None
    working: Reading | None = None
    odd: dict[object, str] = {}
    tried: list[tuple[Call, Sequence[tuple[Settings, Floats]]]] = []
    for call in ways:
        call = replace(call, output=PARTS.get(truth.quantity))
        settings = _varied(call, truth, fixed)
        first = session.call(call, Given(GRID, settings[0]))
        if not first.error and first.first.size == 1 and not call.gradient:  # a mean or a sum
            call = replace(call, each=True)
            first = session.call(call, Given(GRID, settings[0]))
        more = () if first.error else settings[1:]
        answers = [first, *(session.call(call, Given(GRID, at)) for at in more)]
        kept = [
            (at, a.first)
            for at, a in zip(settings, answers, strict=False)
            if not a.error and a.first.shape == GRID.shape
        ]
        arguments = (call.positional, tuple(call.named), call.construct)
        if not first.error and first.first.size == GRID.size and first.first.shape != GRID.shape:
            odd.setdefault(arguments, str(first.first.shape))
        if not kept or kept[0][0] != settings[0]:
            error = error or answers[0].error or f"shape {answers[0].first.shape} came out"
            if answers[0].is_final:
                break
            continue
        tried.append((call, kept))
        found = fit.convention(call.parameters, *zip(*kept, strict=True))
        if found is None:
            natural = Convention(Nice(), ZERO, _natural(call, truth))
            working = working or Reading(call, settings[0], natural, False)
            continue
        reading = Reading(call, settings[0], found, True, odd.get(arguments, ""))
        if found.is_equal:
            return reading, ""
        if best is None or reading.cost < best.cost:
            best = reading
    return best or _rough(truth, tried) or working, error


def _rough(
    truth: Truth, tried: Sequence[tuple[Call, Sequence[tuple[Settings, Floats]]]]
) -> Reading | None:
    """What a function comes near to, where nothing fits exactly."""
    fit = Fit(truth, ROUGH)
    readings = []
    for call, kept in tried[:MOST_ROUGH]:
        found = fit.convention(call.parameters, *zip(*kept, strict=True))
        if found is not None:
            readings.append(Reading(call, kept[0][0], found, True))
    return min(readings, key=lambda r: r.cost, default=None)


def _natural(call: Call, truth: Truth) -> dict[str, Nice]:
    """Their letters for ours where no convention fits: by name, then in order."""
    theirs = list(call.parameters)
    left = [name for name in theirs if name not in truth.names]
    found = {}
    for name in truth.names[1:]:
        letter = name if name in theirs else left.pop(0) if left else None
        found[name] = Nice(exponents=((letter, 1),)) if letter else Nice()
    return found


def _varied(call: Call, truth: Truth, fixed: Settings) -> list[dict[str, float]]:
    """A setting of the parameters, and others in which each of them moves by itself."""
    loss = truth.loss
    defaults = {p.name: float(loss.default(p)) for p in loss.parameters}
    known = {**call.starts, **defaults, **fixed}
    base = {name: known.get(name, 1.0) for name in call.parameters}
    settings = [base]
    for k, _ in enumerate(VARIED[:3] if base else ()):
        factors = VARIED[k:] + VARIED[:k]
        settings.append({n: v * f for (n, v), f in zip(base.items(), factors * 9, strict=False)})
    return settings
