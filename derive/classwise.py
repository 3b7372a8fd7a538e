"""The way of a loss over classes: the same steps, each by the rules for classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from derive import files
from derive.calculus.classwise import ClasswiseDerivation, derive_classwise
from derive.definitions.loss import Loss
from derive.emission.classwise import render_classwise
from derive.emission.targets import TARGETS
from derive.numerics.classwise import ClasswiseForm, stabilise_classwise
from derive.program.classwise import ClasswiseModule, classwise_module
from derive.progress import Progress, Row
from derive.stages import Stages, write


def stages(loss: Loss, subject: str, progress: Progress | None = None) -> Stages | ClasswiseStages:
    """The way of a loss, by its kind."""
    kind = ClasswiseStages if loss.kind == "classwise" else Stages
    return kind(loss, subject, progress)


class ClasswiseStages:
    """What Stages is for other losses; there is no density."""

    def __init__(self, loss: Loss, subject: str, progress: Progress | None = None) -> None:
        self.loss, self.subject = loss, subject
        self._progress = progress or Progress()

    @cached_property
    def derivation(self) -> ClasswiseDerivation:
        self._progress.step(f"{self.loss.name}: derivatives", 0, 2)
        return derive_classwise(self.loss)

    @cached_property
    def stable(self) -> ClasswiseForm:
        derivation = self.derivation
        self._progress.step(f"{self.loss.name}: stable forms", 1, 2)
        return stabilise_classwise(derivation)

    @cached_property
    def module(self) -> ClasswiseModule:
        return classwise_module(self.derivation, self.stable, self.subject)

    def files(self, targets: Sequence[str], joined: bool = False) -> dict[str, str]:
        """path -> text; each file is complete by itself, joined or not."""
        return {
            files.loss_path(TARGETS[name], self.loss): self.text(name)
            for name in targets
            if TARGETS[name].classes
        }

    def text(self, target: str, joined: bool = False) -> str:
        """The file that a target has for the loss, without writing it."""
        return render_classwise(self.module, TARGETS[target])

    def write(self, folder: Path) -> None:
        """All files of all targets, and the modules that they share, into a folder of their own."""
        write({**files.shared(tuple(TARGETS)), **self.files(tuple(TARGETS))}, folder)

    def row(self, targets: Sequence[str]) -> Row:
        """What is told of the loss when the work is over."""
        folders = ", ".join(TARGETS[name].folder for name in targets if TARGETS[name].classes)
        count = f"{len(self.derivation.quantities)} quantities over classes"
        return Row(self.loss.name, count, folders, "each equal at 2 to 5 classes")
