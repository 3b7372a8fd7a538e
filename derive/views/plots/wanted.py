"""What is wanted of a picture: which kind, over which residuals, at which parameters, how big."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derive.definitions.loss import Loss
from derive.errors import BadInput

KINDS: Mapping[str, str] = {
    "panels": "loss, influence, weight and density side by side; several losses in one picture",
    "lecture": "loss, density and gradient in one coordinate system",
    "family": "loss and gradient for a row of values of one parameter",
    "weights": "influence and weight",
    "surface": "loss and gradient over the residual and one parameter",
    "balance": "observations, their gradients, and the location where these balance",
    "fit": "a line through data with outliers: parameters fixed, and adapted with the line",
    "animation": "how the adaptive fit finds the line (GIF, or MP4 with ffmpeg)",
}
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Wanted:
    """settings: parameters by name, as text; the loss's defaults otherwise. over: the parameter
    that varies, and its values. ends: from where to where the residual goes. size: in inches.
    interval: whether the density has the area 1 over the plotted interval, not over the line.
    """

    kind: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    over: tuple[str, tuple[str, ...]] | None = None
    ends: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    theme: str = "light"
    interval: bool = False

    def check(self, losses: Sequence[Loss]) -> None:
        """BadInput for what cannot be drawn, before anything is derived."""
        if self.theme not in THEMES:
            raise BadInput(f"--theme {self.theme}: choose from {', '.join(THEMES)}")
        if self.kind and self.kind not in KINDS:
            raise BadInput(f"--kind {self.kind[:40]}: choose from {', '.join(KINDS)}")
        if len(losses) > 1 and self.kind not in ("", "panels", "weights"):
            raise BadInput(
                f"--kind {self.kind} shows one loss; several are shown by panels and weights"
            )
        known = {p.name for loss in losses for p in loss.parameters}
        names = [*self.settings, *([self.over[0]] if self.over else [])]
        for name in names:
            if name not in known:
                told = ", ".join(sorted(known)) or "none"
                raise BadInput(f"no parameter {name[:40]!a} (there are: {told})")
        if self.ends is not None and not (
            all(map(math.isfinite, self.ends)) and self.ends[0] < self.ends[1]
        ):
            raise BadInput(f"--range {self.ends[0]:g} {self.ends[1]:g}: A must be below B")
        if self.size is not None and not all(1 <= side <= 40 for side in self.size):
            raise BadInput("--size: width and height in inches, from 1 to 40")


def read_over(text: str | None) -> tuple[str, tuple[str, ...]] | None:
    """alpha=-2,0,1,2 as the name and the values."""
    if text is None:
        return None
    name, equals, values = text.partition("=")
    found = tuple(v.strip() for v in values.split(",") if v.strip())
    if not equals or not found or not name.strip().isidentifier():
        raise BadInput(f"--over {text[:60]}: expected NAME=V,V,... such as alpha=-2,0,1,2")
    return name.strip(), found
