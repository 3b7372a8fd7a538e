"""The files that were emitted for one loss and target, from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from derive.definitions.loss import Loss
from derive.verification.report import AGREES, REFUTED, Row
from derive.verification.targets import TargetFiles, file_of

DIGEST = re.compile(r"sha256 ([0-9a-f]{12})")
HEADER = 4096  # characters in which the digest has to stand


@dataclass(frozen=True)
class Emitted:
    """The loss file of a target, and the density file beside it if there is one."""

    loss: Loss
    root: Path
    target: TargetFiles

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules that hold functions of this loss, the loss file first."""
        names = (
            self.target.loss_module(self.loss.name),
            self.target.density_module(self.loss.name),
        )
        return tuple(n for n in dict.fromkeys(names) if file_of(self.root, n).is_file())

    def row(self, quantity: str, verdict: str, **more: object) -> Row:
        return Row(self.loss.name, quantity, self.target.name, "", "", verdict).but(**more)


def headers(files: Emitted) -> Iterator[Row]:
    """Whether each file says that it was made from this very definition."""
    for number, module in enumerate(files.modules):
        file = file_of(files.root, module)
        what = "header" if number == 0 else "density header"
        try:
            found = DIGEST.search(file.read_text(encoding="utf-8")[:HEADER])
        except (OSError, UnicodeDecodeError) as trouble:
            yield files.row(what, REFUTED, detail=f"{file}: {trouble}")
            continue
        said = found.group(1) if found else "an unnamed definition"
        if said == files.loss.digest:
            yield files.row(what, AGREES, method="digest", detail="names this definition")
        elif number == 0 or found:
            detail = f"{file}: made from {said}, not from {files.loss.digest}; regenerate it"
            yield files.row(what, REFUTED, method="digest", detail=detail)
