"""The way of one loss, a stage at a time: each is made when it is first asked for, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from derive import files
from derive.calculus import Derivation, derive
from derive.definitions.loss import Loss
from derive.emission.densities import render_density
from derive.emission.render import render
from derive.emission.targets import TARGETS
from derive.numerics.forms import StableForm
from derive.numerics.stabilise import stabilise
from derive.program.density import DensityModule, density_module
from derive.program.lowering import lower_module
from derive.program.module import Module
from derive.progress import Progress


class Stages:
    """subject: what to type for this loss, for the heads of its files."""

    def __init__(self, loss: Loss, subject: str, progress: Progress | None = None) -> None:
        self.loss, self.subject = loss, subject
        self._progress = progress or Progress()

    @cached_property
    def derivation(self) -> Derivation:
        name = self.loss.name
        return derive(self.loss, lambda what: self._progress.step(f"{name}: {what}", 0, 1))

    @cached_property
    def stable(self) -> StableForm:
        return stabilise(self.derivation, self._progress.step)

    @cached_property
    def module(self) -> Module:
        return lower_module(self.derivation, self.stable, self.subject)

    @cached_property
    def density(self) -> DensityModule:
        return density_module(self.derivation, self.module)

    def files(self, targets: Sequence[str], joined: bool = False) -> dict[str, str]:
        """path -> text. joined: one file a target, the density and what it needs in it."""
        made = {}
        for target in (TARGETS[name] for name in targets):
            made[files.loss_path(target, self.loss)] = render(self.module, target)
            if target.density and self.loss.kind == "residual":
                text = render_density(self.density, target)
                made[files.density_path(target, self.loss)] = text
        return files.bundled(self.loss, made) if joined else made

    def text(self, target: str, joined: bool = False) -> str:
        """The file that a target has for the loss, without writing it."""
        if joined:
            (text,) = self.files([target], joined).values()
            return text
        return render(self.module, TARGETS[target])

    def write(self, folder: Path) -> None:
        """All files of all targets, and the modules that they share, into a folder of their own."""
        write({**files.shared(tuple(TARGETS)), **self.files(tuple(TARGETS))}, folder)


def write(made: Mapping[str, str], folder: Path) -> None:
    """path -> text, into a folder that holds nothing else."""
    for path, text in made.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
