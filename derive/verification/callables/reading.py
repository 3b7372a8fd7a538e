"""How a function is called and what it means: the ways that work, the convention that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.callables.call import Call
from derive.verification.callables.convention import ROUGH, Convention, Fit, Settings
from derive.verification.callables.nice import ZERO, Nice
from derive.verification.callables.session import Answer, Session
from derive.verification.callables.truth import LOG_DENSITY, Batch, Truth

VARIED = (1.7, 0.6, 2.3, 1.3)
MOST_ROUGH = 12
FEW_DIGITS = 1e-10


@dataclass(frozen=True)
class Reading:
    """A way to call, and the convention under which its values are ours.

    odd: the shape that came out for a whole array, where it is not that of the array. few: whether
    the values have few digits only, which another way to call may have.
    """

    call: Call
    settings: Settings
    convention: Convention
    fits: bool
    odd: str = ""
    few: bool = False

    @property
    def cost(self) -> tuple[bool, bool, int, tuple[int, int]]:
        """The more parameters it explains, the better; then the simpler."""
        factor = self.convention.factor
        return self.few, factor.coefficient < 0, -len(self.convention.letters), factor.complexity


def read_call(
    session: Session, ways: Sequence[Call], truth: Truth, fixed: Settings
) -> tuple[Reading | None, str]:
    """The simplest convention that fits, over all ways to call; else the first way that works."""
    fit, error = Fit(truth), ""
    best: Reading | None = None
    working: Reading | None = None
    odd: dict[object, str] = {}
    tried: list[tuple[Call, Sequence[tuple[Settings, Floats]]]] = []
    grid, shape = truth.grid, truth.shape(truth.grid)

    def asked(call: Call, at: Settings) -> Answer:
        return session.call(call, truth.given(Batch(grid, at, truth.beside(grid))))

    for call in ways:
        if call.against and best is not None:  # by the names of its arguments, something fits
            break
        call = replace(call, output=_part(truth))
        settings = _varied(call, truth, fixed)
        call, first = _one_by_one(
            call,
            shape,
            truth.over_classes,
            partial(asked, at=settings[0]),
        )
        more = () if first.error else settings[1:]
        answers = [first, *(asked(call, at) for at in more)]
        kept = [
            (at, a.first)
            for at, a in zip(settings, answers, strict=False)
            if not a.error and a.first.shape == shape
        ]
        arguments = (call.positional, tuple(call.named), call.construct)
        same_size = not first.error and first.first.size == np.prod(shape, dtype=int)
        if same_size and first.first.shape != shape:
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
        narrow = first.dtype in ("float32", "float16", "bfloat16")
        few = narrow or _has_few_digits(truth, found, *kept[0])
        reading = Reading(call, settings[0], found, True, odd.get(arguments, ""), few)
        if found.is_equal and not few:
            return reading, ""
        if best is None or reading.cost < best.cost:
            best = reading
    return best or _rough(truth, tried) or working, error


def _one_by_one(
    call: Call, shape: tuple[int, ...], over_classes: bool, ask: Callable[[Call], Answer]
) -> tuple[Call, Answer]:
    """One element (a row of classes) at a time, where an array of them gives a mean or a sum, or
    takes the wrong axis for that of the classes."""
    first = ask(call)
    if call.gradient or first.is_final or (not first.error and first.first.shape == shape):
        return call, first
    if first.error or (first.first.size != 1 and not over_classes):
        return call, first
    ways = [replace(call, each=True)]
    if over_classes:
        ways.append(replace(call, each=True, alone=True))
    for other in ways:
        answer = ask(other)
        if answer.is_final or (not answer.error and answer.first.shape == shape):
            return other, answer
    return call, first


def _has_few_digits(truth: Truth, found: Convention, at: Settings, got: Floats) -> bool:
    if truth.quantity == LOG_DENSITY:  # whose constant the values leave out
        return False
    ours = truth.floats({name: float(b) for name, b in found.ours(at).items()})
    right = float(found.factor.ball(at)) * ours + float(found.offset.ball(at))
    kept = np.isfinite(right) & np.isfinite(got)
    gaps = np.abs(got - right)[kept] / (np.abs(right[kept]) + np.finfo(float).tiny)
    return bool(np.median(gaps) > FEW_DIGITS)


def _part(truth: Truth) -> int | None:
    """Which of several results it is."""
    return {"loss": 0, f"d_{truth.loss.residual}": 1}.get(truth.quantity)


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
    defaults = {v.name: float(loss.default(v)) for v in loss.variables if v.name in truth.names}
    known = {**call.starts, **defaults, **fixed}
    base = {name: known.get(name, 1.0) for name in call.parameters}
    settings = [base]
    for k, _ in enumerate(VARIED[:3] if base else ()):
        factors = VARIED[k:] + VARIED[:k]
        settings.append({n: v * f for (n, v), f in zip(base.items(), factors * 9, strict=False)})
    return settings
