"""The way of a loss over classes: the same steps, each by the rules for classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive import files
from derive.calculus.classwise import derive_classwise
from derive.definitions.loss import Loss
from derive.emission.classwise import render_classwise
from derive.emission.targets import TARGETS
from derive.numerics.classwise import stabilise_classwise
from derive.program.classwise import classwise_module
from derive.progress import Progress, Row


def build_classwise(
    loss: Loss, targets: Sequence[str], subject: str, progress: Progress
) -> tuple[Mapping[str, str], Row]:
    """The files of one loss over classes, each a text, and what is told of it."""
    progress.step(f"{loss.name}: derivatives", 0, 3)
    derivation = derive_classwise(loss)
    progress.step(f"{loss.name}: stable forms", 1, 3)
    form = stabilise_classwise(derivation)
    progress.step(f"{loss.name}: files", 2, 3)
    module = classwise_module(derivation, form, subject)
    chosen = [t for t in (TARGETS[name] for name in targets) if t.classes]
    made = {files.loss_path(t, loss): render_classwise(module, t) for t in chosen}
    count = f"{len(derivation.quantities)} quantities over classes"
    told = "each equal at 2 to 5 classes"
    return made, Row(loss.name, count, ", ".join(t.folder for t in chosen), told)
