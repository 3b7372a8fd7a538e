"""How pictures look: colours that colour-blind people tell apart, in light and dark; bytes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from sympy import Expr, Symbol, oo

from derive.definitions.loss import Loss
from derive.errors import EnvironmentTrouble
from derive.views.latex.letters import letters

DPI = 150
# From this size in inches on letters have their full height; and the least part of it.
ROOMY, SMALLEST = (5.4, 3.2), 0.55
NO_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Look:
    """ink: text and axes. series: losses, or loss, density and gradient. scale: of a family."""

    paper: str
    ink: str
    grid: str
    series: tuple[str, ...]
    scale: str
    faint: str


LOOKS: Mapping[str, Look] = {
    "light": Look(
        "#ffffff", "#2b2b2b", "#e3e3e3",
        ("#0b62a4", "#d55e00", "#008a64", "#b04d8c", "#8a6d00", "#56a0d3"), "plasma", "#9a9a9a",
    ),
    "dark": Look(
        "#14171c", "#e4e4e4", "#353a42",
        ("#6fb7ee", "#ff9a4d", "#3fd0a4", "#e79ac6", "#e8c547", "#a9c7e0"), "plasma", "#808790",
    ),
}  # fmt: skip


def style(look: Look, size: tuple[float, float] | None = None) -> dict[str, Any]:
    """Fonts as outlines, mathematics typeset, no random ids; smaller letters in a small picture."""
    wide, high = size or ROOMY
    scale = max(SMALLEST, min(1.0, wide / ROOMY[0], high / ROOMY[1]))
    return {
        "font.family": "DejaVu Sans", "font.size": 10.0 * scale, "axes.titlesize": 11.0 * scale,
        "lines.markersize": 6.0 * scale,
        "mathtext.fontset": "cm", "axes.unicode_minus": True,
        "svg.hashsalt": "derive", "svg.fonttype": "path", "pdf.fonttype": 42,
        "pdf.compression": 6, "figure.facecolor": look.paper, "axes.facecolor": look.paper,
        "savefig.facecolor": look.paper, "axes.edgecolor": look.ink, "axes.labelcolor": look.ink,
        "text.color": look.ink, "xtick.color": look.ink, "ytick.color": look.ink,
        "legend.framealpha": 0.85, "legend.edgecolor": look.grid, "legend.facecolor": look.paper,
    }  # fmt: skip


def library() -> Any:
    """matplotlib, or what to install."""
    try:
        import matplotlib  # an extra, and heavy
        import matplotlib.figure
        import matplotlib.lines
    except ModuleNotFoundError:
        raise EnvironmentTrouble(
            "matplotlib is not installed; pip install 'derive-losses[plot]'"
        ) from None
    return matplotlib


def has_ffmpeg() -> bool:
    """Whether matplotlib finds what makes an MP4."""
    from matplotlib.animation import FFMpegWriter  # an extra, and heavy

    return bool(FFMpegWriter.isAvailable())


def figure(matplotlib: Any, size: tuple[float, float], layout: str = "constrained") -> Any:
    return matplotlib.figure.Figure(figsize=size, dpi=DPI, layout=layout)


def family_colours(matplotlib: Any, look: Look, count: int) -> list[Any]:
    """From one end to the other of a scale whose lightness falls evenly."""
    scale = matplotlib.colormaps[look.scale]
    low, high = (0.0, 0.86) if look is LOOKS["light"] else (0.28, 0.98)
    return [scale(high - (high - low) * i / max(count - 1, 1)) for i in range(count)]


def plain(axes: Any, look: Look) -> None:
    """A coordinate system with a quiet grid and two axes."""
    axes.grid(True, color=look.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.ticklabel_format(scilimits=(-3, 5), useMathText=True)  # long numbers would meet
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def words(text: str) -> str:
    """Text of people, in which $ is a dollar."""
    return text.replace("\\", "\\\\").replace("$", r"\$")


def letter(loss: Loss, symbol: Symbol) -> str:
    """The letter of a variable, as in the formulas."""
    return letters(loss).symbols[symbol.name]


def number(value: Expr) -> str:
    if value in (oo, -oo):
        return r"\infty" if value == oo else r"-\infty"
    digits, _, power = f"{float(value):g}".partition("e")
    if not power:
        return digits
    factor = "" if digits == "1" else rf"{digits} \cdot "
    return rf"{factor}10^{{{int(power)}}}"


def given(loss: Loss, values: Mapping[Symbol, Expr], but: Sequence[Symbol] = ()) -> str:
    """The parameters and their values, as a formula; empty without any."""
    parts = [f"{letter(loss, p)} = {number(v)}" for p, v in values.items() if p not in but]
    return f"${', '.join(parts)}$" if parts else ""


def written(matplotlib: Any, figure: Any, suffix: str) -> bytes:
    stream = BytesIO()
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it remarks on the date of a font
    figure.savefig(stream, format=suffix[1:], metadata=NO_METADATA[suffix])
    return stream.getvalue()
