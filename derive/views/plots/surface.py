"""Loss and gradient as surfaces over the residual and one parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import Expr, Rational, Symbol, oo

from derive.numerics.evaluate import evaluate as in_floats
from derive.numerics.lower import lower
from derive.views.plots import look as looks
from derive.views.plots.panels import Subject, title
from derive.views.plots.values import at, function
from derive.views.plots.wanted import Wanted

ACROSS, ALONG = 81, 49
SIZE = (9.6, 4.4)
# What is higher is cut: this part of all points is below.
SHOWN = 0.995


def surface(
    matplotlib: Any, subject: Subject, parameter: Symbol, points: Sequence[Expr],
    span: tuple[float, float], wanted: Wanted,
) -> Any:  # fmt: skip
    look, loss = looks.LOOKS[wanted.theme], subject.derivation.loss
    finite = [float(p) for p in points if p not in (oo, -oo)]
    low, high = (
        (min(finite), max(finite)) if len(set(finite)) > 1 else (finite[0] / 4, finite[0] * 3)
    )
    figure = looks.figure(matplotlib, wanted.size or SIZE)
    x, y = looks.letter(loss, loss.residual), looks.letter(loss, parameter)
    for place, quantity in enumerate(("loss", "d_x"), 1):
        axes = figure.add_subplot(1, 2, place, projection="3d", computed_zorder=False)
        across = np.linspace(*span, ACROSS)
        along = np.linspace(low, high, ALONG)
        heights = _heights(subject, quantity, parameter, across, along)
        top = float(np.nanquantile(np.abs(heights), SHOWN))
        heights = np.clip(heights, -top, top)
        axes.plot_surface(
            *np.meshgrid(across, along), heights, cmap=looks_map(wanted), rstride=1, cstride=1,
            linewidth=0.15, edgecolor=look.faint, antialiased=True,
        )  # fmt: skip
        axes.set_xlabel(f"${x}$")
        axes.set_ylabel(f"${y}$")
        axes.set_title(title("loss" if quantity == "loss" else "gradient", x), y=0.98)
        axes.locator_params(nbins=5)
        axes.view_init(elev=28, azim=-58)
        axes.set_box_aspect(None, zoom=0.86)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.set_pane_color(look.paper)
            axis._axinfo["grid"]["color"] = look.grid
    rest = looks.given(loss, subject.values, (parameter,))
    figure.suptitle("   ".join(filter(None, (looks.words(loss.title), rest))), fontsize="large")
    return figure


def looks_map(wanted: Wanted) -> str:
    return "viridis" if wanted.theme == "light" else "plasma"


def _heights(subject: Subject, quantity: str, parameter: Symbol, across: Any, along: Any) -> Any:
    """A row for each value of the parameter; its limits where it has special points."""
    derivation = subject.derivation
    x = derivation.loss.residual
    name = f"d_{x.name}" if quantity == "d_x" else quantity
    rest = {p: v for p, v in subject.values.items() if p != parameter}
    node = lower(derivation.quantities[name].subs(rest))
    grid_x, grid_y = np.meshgrid(across, along)
    found = in_floats(node, {x.name: grid_x, parameter.name: grid_y}) + np.zeros_like(grid_x)
    for k, value in enumerate(along):
        if not np.isfinite(found[k]).all():
            exact = Rational(str(round(float(value), 9)))
            expression = at(derivation, name, {**rest, parameter: exact})
            if expression is not None:
                found[k] = function(expression, x)(across)
    return found
