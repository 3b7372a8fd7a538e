"""The picture of a loss: the loss, its influence, its weight, its density. Needs matplotlib.

The same derivation gives the same bytes: no date, no random ids.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from sympy import Expr, Symbol, oo

from derive.calculus import derive
from derive.calculus.derivation import Derivation
from derive.definitions.catalogue import load
from derive.errors import BadInput, EnvironmentTrouble
from derive.output.staging import replace_file
from derive.views.plots.values import Numbers, Values, curve, defaults, family_values, grid

SUFFIXES = (".png", ".svg", ".pdf")
# In inches; a family of two panels is 8 inches wide, 1200 pixels.
PANEL = (3.45, 3.4)
LEGEND = 1.1
DPI = 150
# Where a panel is cut: what grows fast would press the others flat.
FAMILY_TOP = {"loss": 6.0, "d_x": 2.5}
SINGLE_TOP = 40.0
# In medians of a weight that is infinite at 0.
POLE = 8.0
TITLES = {"loss": "loss", "d_x": "influence", "weight": "weight", "density": "density"}
INK, GRID, SINGLE = "#333333", "#e4e4e4", "#1f4e9c"
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 10.0, "axes.titlesize": 11.0,
    "svg.hashsalt": "derive", "svg.fonttype": "path", "pdf.compression": 6,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK,
}  # fmt: skip
NO_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Panel:
    """One coordinate system: its quantity, and a line for each set of parameters (or None)."""

    quantity: str
    lines: tuple[Numbers | None, ...]


def plot(derivation: Derivation, out: Path) -> Path:
    """Draw a loss at its default parameters, or the family along its special points.

    out: .png, .svg or .pdf. Raises BadInput for another suffix, EnvironmentTrouble where
    matplotlib is missing or the file cannot be written.
    """
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"{out}: the name of a picture ends in {', '.join(SUFFIXES)}")
    matplotlib = _matplotlib()
    family = family_values(derivation)
    if family is None:
        content = _single(matplotlib, derivation, suffix)
    else:
        content = _family(matplotlib, derivation, *family, suffix)
    try:
        replace_file(out, content)
    except OSError as trouble:
        raise EnvironmentTrouble(f"{out}: {trouble.strerror}; choose another --out") from None
    return out


def family_picture(out: Path) -> Path:
    """Barron's loss and its influence for several shapes; as a PNG 1200 pixels wide."""
    return plot(derive(load("barron")), out)


def _matplotlib() -> Any:
    try:
        import matplotlib  # an extra, and heavy
        import matplotlib.figure
    except ModuleNotFoundError:
        raise EnvironmentTrouble(
            "pictures need matplotlib: pip install derive-losses[plot]"
        ) from None
    return matplotlib


def _single(matplotlib: Any, derivation: Derivation, suffix: str) -> bytes:
    values = defaults(derivation)
    found = [(quantity, curve(derivation, quantity, values)) for quantity in TITLES]
    panels = [Panel(quantity, (line,)) for quantity, line in found if line is not None]
    with matplotlib.rc_context(STYLE):
        figure = _figure(matplotlib, len(panels), 0.0)
        x = [point / _unit(values) for point in grid(derivation, values)]
        for place, panel in enumerate(panels, 1):
            axes = figure.add_subplot(1, len(panels), place)
            _draw(axes, x, panel, [SINGLE], _height(panel), _axis_label(derivation))
        given = ", ".join(f"{_letter(p)} = {_number(v)}" for p, v in values.items())
        title = derivation.loss.title.replace("$", r"\$")
        figure.suptitle(f"{title}   ({given})" if given else title, fontsize=12)
        return _bytes(figure, suffix)


def _family(
    matplotlib: Any, derivation: Derivation, parameter: Symbol, points: list[Expr], suffix: str
) -> bytes:
    every = [{**defaults(derivation), parameter: point} for point in points]
    panels = [
        Panel(quantity, tuple(curve(derivation, quantity, values) for values in every))
        for quantity in FAMILY_TOP
    ]
    with matplotlib.rc_context(STYLE):
        figure = _figure(matplotlib, len(panels), LEGEND)
        colours = _ordered_colours(matplotlib, len(points))
        x = [point / _unit(every[0]) for point in grid(derivation, every[0])]
        for place, panel in enumerate(panels, 1):
            axes = figure.add_subplot(1, len(panels), place)
            highest = min(FAMILY_TOP[panel.quantity], max(map(abs, _finite(panel))))
            _draw(axes, x, panel, colours, highest, _axis_label(derivation))
            if derivation.loss.predictions and panel.quantity == "d_x":
                axes.set_title("derivative")
        names = [f"{_letter(parameter)} = {_number(point)}" for point in points]
        drawn = [i for i in range(len(points)) if any(p.lines[i] is not None for p in panels)]
        handles = [
            matplotlib.lines.Line2D([], [], color=colours[i], linewidth=2.2, label=names[i])
            for i in drawn
        ]
        figure.legend(handles=handles, loc="outside right center", frameon=False)
        figure.suptitle(derivation.loss.title.replace("$", r"\$"), fontsize=12)
        return _bytes(figure, suffix)


def _figure(matplotlib: Any, panels: int, beside: float) -> Any:
    width, height = PANEL
    size = (width * panels + beside, height)
    figure = matplotlib.figure.Figure(figsize=size, dpi=DPI, layout="constrained")
    figure.set_facecolor("white")
    return figure


def _draw(
    axes: Any, x: Numbers, panel: Panel, colours: Sequence[Any], highest: float, label: str
) -> None:
    for line, colour in zip(panel.lines, colours, strict=True):
        if line is not None:
            axes.plot(x, line, color=colour, linewidth=2.0, solid_capstyle="round")
    low = min(_finite(panel))
    axes.set_xlim(x[0], x[-1])
    margin = 0.05 * highest
    axes.set_ylim(max(low, -highest) - margin if low < 0 else -margin, highest + margin)
    axes.set_title(TITLES[panel.quantity])
    axes.set_xlabel(label)
    if x[0] == -x[-1]:
        axes.set_xticks([-6, -4, -2, 0, 2, 4, 6])
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _ordered_colours(matplotlib: Any, count: int) -> list[Any]:
    """From the warm to the cold end of a scale whose lightness falls evenly."""
    scale = matplotlib.colormaps["plasma"]
    return [scale(0.88 - 0.88 * i / max(count - 1, 1)) for i in range(count)]


def _finite(panel: Panel) -> Numbers:
    found = [y for line in panel.lines if line is not None for y in line if math.isfinite(y)]
    return found or [0.0, 1.0]


def _height(panel: Panel) -> float:
    """What a panel of one line shows: all of it, unless it grows without bound at 0."""
    found = sorted(map(abs, _finite(panel)))
    singular = panel.quantity == "weight" and any(math.isnan(y) for y in panel.lines[0] or ())
    return min(SINGLE_TOP, POLE * found[len(found) // 2] if singular else found[-1])


def _unit(values: Values) -> float:
    return next((float(v) for p, v in values.items() if p.name == "scale"), 1.0)


def _axis_label(derivation: Derivation) -> str:
    x = str(derivation.loss.residual.name)
    scaled = any(p.name == "scale" for p in derivation.loss.parameters)
    return f"{x} / c" if scaled else x


def _letter(parameter: Symbol) -> str:
    """The paper's letter: c for the scale, the Greek letter of that name, or the name."""
    if parameter.name == "scale":
        return "c"
    name = str(parameter.name)
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {name}")
    except KeyError:
        return name


def _number(value: Expr) -> str:
    if value in (oo, -oo):
        return "∞" if value == oo else "\N{MINUS SIGN}∞"
    return f"{float(value):g}".replace("-", "\N{MINUS SIGN}")


def _bytes(figure: Any, suffix: str) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format=suffix[1:], metadata=NO_METADATA[suffix])
    return stream.getvalue()
