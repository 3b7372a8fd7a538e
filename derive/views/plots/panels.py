"""Pictures of curves: side by side, in one coordinate system, for a row of values."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from derive.calculus.derivation import Derivation
from derive.views.plots import look as looks
from derive.views.plots.look import Look
from derive.views.plots.values import Line, curve, density, ends_of_density, no_density
from derive.views.plots.wanted import Wanted

PANEL = (3.4, 3.3)
LEGEND = 1.2
# Four panels stand in two rows in a picture less wide than this, in its heights.
NARROW = 2.4
# Letters in a line of what is said in a panel, and its height in parts of a curve's.
NOTE, LINE = 34, 0.1
# A family is cut at CUT times what its middle member reaches, where another one reaches more than
# WIDE times that; a weight that is infinite at 0 at POLE times its median.
CUT, WIDE, POLE = 1.6, 3.0, 8.0
TITLES = {
    "loss": r"loss $\rho$", "d_x": r"influence $\psi = \partial\rho/\partial {x}$",
    "weight": r"weight $w = \psi/{x}$", "density": r"density $e^{{-\rho}}/Z$",
}  # fmt: skip
GRADIENT = r"gradient $\partial\rho/\partial {x}$"


@dataclass(frozen=True)
class Subject:
    """A loss at parameters, as one line of a picture."""

    derivation: Derivation
    values: Mapping[Symbol, Expr]
    label: str


def title(quantity: str, x: str) -> str:
    return (GRADIENT if quantity == "gradient" else TITLES[quantity]).format(x=x)


def side_by_side(
    matplotlib: Any, subjects: Sequence[Subject], quantities: Sequence[str],
    span: tuple[float, float], heading: str, wanted: Wanted,
) -> Any:  # fmt: skip
    """A panel for each quantity, a line in it for each subject."""
    look = looks.LOOKS[wanted.theme]
    many = len(subjects) > 1
    size = (PANEL[0] * len(quantities) + (LEGEND + 0.6 if many else 0.0), PANEL[1])
    size = wanted.size or size
    figure = looks.figure(matplotlib, size)
    rows = 2 if len(quantities) > 2 and size[0] < NARROW * size[1] else 1
    for place, quantity in enumerate(quantities, 1):
        axes = figure.add_subplot(rows, -(-len(quantities) // rows), place)
        _panel(axes, subjects, quantity, span, look, wanted)
    if many:
        labels = [s.label for s in subjects]
        _legend(matplotlib, figure, labels, list(look.series), below=rows > 1)
    figure.suptitle(heading, fontsize="large")
    return figure


def _panel(
    axes: Any, subjects: Sequence[Subject], quantity: str, span: tuple[float, float], look: Look,
    wanted: Wanted,
) -> None:  # fmt: skip
    lines, notes = [], []
    if quantity == "density" and not wanted.ends and not wanted.interval:
        spans = [ends_of_density(s.derivation, s.values, span) for s in subjects]
        span = min(low for low, _ in spans), max(high for _, high in spans)
    for subject, colour in zip(subjects, _cycled(look.series, len(subjects)), strict=True):
        d, values = subject.derivation, subject.values
        if quantity == "density":
            why = no_density(d, values)
            if why:
                name = subject.label.partition("\n")[0] + ": " if len(subjects) > 1 else ""
                notes += textwrap.wrap(f"{name}no density: {why}", NOTE)
                continue
            found = density(d, values, span, wanted.interval)
            line = found.line if found is not None else None
        else:
            line = curve(d, quantity, values, span)
        if line is not None:
            draw(axes, line, colour, look)
            lines.append(line)
    first = subjects[0].derivation.loss
    frame(axes, lines, span, quantity, looks.letter(first, first.residual), look)
    if notes:
        if lines:  # room above the curves for what is said
            low, high = axes.get_ylim()
            room = LINE * len(notes) * axes.get_subplotspec().get_gridspec().nrows
            axes.set_ylim(low, high + (room + 0.08) * (high - low))
        axes.text(
            0.5, 0.98 if lines else 0.55, "\n".join(notes), transform=axes.transAxes,
            ha="center", va="top", color=look.ink, fontsize="small",
        )  # fmt: skip
        if not lines:
            axes.set_yticks([])


def draw(axes: Any, line: Line, colour: Any, look: Look, width: float = 2.0) -> None:
    """A curve; across a jump a dotted line, the value at it as a dot."""
    axes.plot(line.x, line.y, color=colour, linewidth=width, solid_capstyle="round")
    for place in line.jumps:
        k = int(np.argmin(np.abs(line.x - place)))
        left, right = line.y[max(k - 1, 0)], line.y[min(k + 1, len(line.y) - 1)]
        if np.isfinite(left) and np.isfinite(right):
            axes.plot([place, place], [left, right], color=colour, linewidth=1.0, linestyle=":")
    for x, y in line.points:
        if np.isfinite(y):
            axes.plot([x], [y], marker="o", markersize=3.5, color=colour)


def frame(
    axes: Any, lines: Sequence[Line], span: tuple[float, float], quantity: str, x: str, look: Look,
    highest: float | None = None,
) -> None:  # fmt: skip
    """Limits that show all of the lines, but cut what grows without bound at 0."""
    found = np.concatenate([line.y for line in lines]) if lines else np.array([0.0, 1.0])
    found = found[np.isfinite(found)]
    top = float(np.max(found, initial=0.0))
    middle = float(np.median(np.abs(found))) if len(found) else 1.0
    infinite = any(np.isnan(line.at(0.0)) for line in lines) if quantity == "weight" else False
    if infinite and top > POLE * middle:
        ends = max(np.nan_to_num(np.abs(line.y[[0, -1]])).max() for line in lines)
        top = max(POLE * middle, 2 * float(ends))
    low = float(np.min(found, initial=0.0))
    if highest is not None:
        top, low = min(top, highest), max(low, -highest)
    margin = 0.06 * ((top - low) or 1.0)
    axes.set_xlim(*span)
    axes.set_ylim(low - margin if low < 0 else -margin, top + margin)
    axes.set_title(title(quantity, x))
    axes.set_xlabel(f"${x}$")
    looks.plain(axes, look)


def _cycled(colours: Sequence[Any], count: int) -> list[Any]:
    return [colours[k % len(colours)] for k in range(count)]


def _legend(
    matplotlib: Any, figure: Any, labels: Sequence[str], colours: Sequence[Any],
    below: bool = False,
) -> None:  # fmt: skip
    handles = [
        matplotlib.lines.Line2D([], [], color=colours[k % len(colours)], linewidth=2.2, label=label)
        for k, label in enumerate(labels)
    ]
    if below:
        figure.legend(handles=handles, loc="outside lower center", frameon=False, ncols=2)
    else:
        figure.legend(handles=handles, loc="outside right center", frameon=False)


def family(
    matplotlib: Any, derivation: Derivation, every: Sequence[Mapping[Symbol, Expr]],
    parameter: Symbol, span: tuple[float, float], wanted: Wanted,
) -> Any:  # fmt: skip
    """Loss and gradient, a line for each value of a parameter."""
    look, loss = looks.LOOKS[wanted.theme], derivation.loss
    figure = looks.figure(matplotlib, wanted.size or (2 * PANEL[0] + LEGEND, PANEL[1]))
    colours = looks.family_colours(matplotlib, look, len(every))
    drawn: set[int] = set()
    for place, quantity in enumerate(("loss", "d_x"), 1):
        axes = figure.add_subplot(1, 2, place)
        lines = [curve(derivation, quantity, values, span) for values in every]
        for k, line in enumerate(lines):
            if line is not None:
                draw(axes, line, colours[k], look)
                drawn.add(k)
        known = [line for line in lines if line is not None]
        tops = sorted(float(np.nanmax(np.abs(line.y))) for line in known)
        middle = tops[len(tops) // 2] if tops else 0.0
        highest = CUT * middle if tops and tops[-1] > WIDE * middle else None
        if known and loss.predictions:  # a pole at an end of the domain
            usual = float(np.nanmedian(np.abs(np.concatenate([line.y for line in known]))))
            highest = POLE * usual if usual and tops[-1] > 4 * POLE * usual else None
        name = "loss" if quantity == "loss" else "gradient"
        frame(axes, known, span, name, looks.letter(loss, loss.residual), look, highest)
    names = [looks.given(loss, {parameter: every[k][parameter]}) for k in sorted(drawn)]
    _legend(matplotlib, figure, names, [colours[k] for k in sorted(drawn)])
    rest = looks.given(loss, every[0], (parameter,))
    figure.suptitle("   ".join(filter(None, (looks.words(loss.title), rest))), fontsize="large")
    return figure


def lecture(
    matplotlib: Any, subject: Subject, span: tuple[float, float], heading: str, wanted: Wanted
) -> Any:
    """Loss, density and gradient in one coordinate system."""
    look, loss = looks.LOOKS[wanted.theme], subject.derivation.loss
    figure = looks.figure(matplotlib, wanted.size or (6.4, 4.2))
    axes = figure.add_subplot(1, 1, 1)
    x = looks.letter(loss, loss.residual)
    blue, orange, green = look.series[:3]
    lines = []
    for quantity, colour, name in (
        ("loss", blue, rf"loss $\rho({x})$"), ("d_x", orange, rf"gradient $\rho'({x})$"),
    ):  # fmt: skip
        line = curve(subject.derivation, quantity, subject.values, span)
        if line is not None:
            draw(axes, line, colour, look)
            axes.plot([], [], color=colour, linewidth=2.0, label=name)
            lines.append(line)
    found = density(subject.derivation, subject.values, span, wanted.interval)
    if found is not None:
        draw(axes, found.line, green, look)
        over = rf"[{span[0]:g}, {span[1]:g}]" if found.over_interval else r"the line"
        over = f"${over}$" if found.over_interval else over
        name = rf"$e^{{-\rho}}$, area 1 over {over}"
        if found.why:
            name += f"\n(no density: {found.why})"
        axes.plot([], [], color=green, linewidth=2.0, label=name)
        lines.append(found.line)
    frame(axes, lines, span, "loss", x, look)
    axes.set_title("")
    axes.axhline(0.0, color=look.faint, linewidth=0.8, zorder=0.5)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  fontsize="small", frameon=False)  # fmt: skip
    figure.suptitle(heading, fontsize="large")
    return figure
