"""A picture as Python has it: shown by a notebook, written where it is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from derive.calculus import Derivation
from derive.views.plots.wanted import Wanted


@dataclass(frozen=True, repr=False)
class Picture:
    """The picture of a derivation; it is drawn when it is asked for."""

    derivation: Derivation
    wanted: Wanted

    def __repr__(self) -> str:
        return f"<Picture of {self.derivation.loss.name}>"

    def save(self, path: str | Path) -> Path:
        """Write it; the suffix says in which format."""
        from derive.views.plots import plot  # Matplotlib is an extra

        return plot([self.derivation], Path(path), self.wanted)

    def _repr_png_(self) -> bytes:
        with TemporaryDirectory(prefix="derive-") as folder:
            return self.save(Path(folder) / "picture.png").read_bytes()
