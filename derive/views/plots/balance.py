"""Observations pull at an estimate with their gradients: where these balance, it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import oo

from derive.errors import BadInput
from derive.estimation.location import location
from derive.views.plots import look as looks
from derive.views.plots.panels import Subject
from derive.views.plots.values import at, function
from derive.views.plots.wanted import Wanted

# Nine observations, two of them outliers; mean, median and what Huber's loss finds differ.
DATA = (-1.9, -1.0, -0.4, 0.0, 0.2, 0.9, 1.6, 4.2, 6.0)
SIZE = (8.4, 4.0)


def balance(matplotlib: Any, subject: Subject, heading: str, wanted: Wanted) -> Any:
    """On the left each observation with its pull, on the right the total gradient."""
    look, loss = looks.LOOKS[wanted.theme], subject.derivation.loss
    settings = {p.name: float(v) for p, v in subject.values.items() if v not in (oo, -oo)}
    if len(settings) < len(subject.values):
        raise BadInput(f"{loss.name}: the balance is drawn at finite parameters")
    found = location(subject.derivation, DATA, **settings)
    x = loss.residual
    slope_at = at(subject.derivation, f"d_{x.name}", subject.values)
    if slope_at is None:
        raise BadInput(f"{loss.name}: no gradient at these parameters")
    slope = function(slope_at, x)
    data = np.array(DATA)
    pulls = -slope(found.value - data)
    figure = looks.figure(matplotlib, wanted.size or SIZE)
    blue, orange, green = look.series[:3]
    left = figure.add_subplot(1, 2, 1)
    reach = (data.max() - data.min()) * 0.08
    for k, (y, pull) in enumerate(zip(data, pulls, strict=True)):
        left.plot([found.value, y], [k, k], color=look.grid, linewidth=1.0, zorder=1)
        if abs(pull) > 1e-12:
            left.annotate(
                "", xy=(found.value + pull, k), xytext=(found.value, k),
                arrowprops={"arrowstyle": "-|>", "color": orange, "linewidth": 1.8,
                            "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
    left.plot(
        data, np.arange(len(data)), "o", color=blue, markersize=6, zorder=3, label="observations"
    )
    if found.low < found.high:
        left.axvspan(found.low, found.high, color=green, alpha=0.25, linewidth=0)
    left.axvline(found.value, color=green, linewidth=2.0, label=f"estimate {found.value:.3g}")
    mean, median = float(np.mean(data)), float(np.median(data))
    for place, name, dashes in ((mean, "mean", (5, 2)), (median, "median", (1, 1.6))):
        left.axvline(
            place, color=look.faint, linewidth=1.2, dashes=dashes, label=f"{name} {place:.3g}"
        )
    left.plot([], [], color=orange, linewidth=1.8, label=r"pull $-\psi(t - y)$")
    low = min(data.min(), float(np.min(found.value + pulls))) - reach
    high = max(data.max(), float(np.max(found.value + pulls))) + reach
    left.set_xlim(low, high)
    left.set_yticks([])
    left.set_xlabel("observation $y$")
    total = float(np.sum(pulls[pulls > 0]))
    left.set_title(f"pulls to either side: {total:.3g}", fontsize="medium")
    left.legend(fontsize="small", loc="lower right")
    right = figure.add_subplot(1, 2, 2)
    t = np.linspace(data.min() - reach, data.max() + reach, 801)
    sums = np.array([float(np.sum(slope(v - data))) for v in t])
    right.plot(t, sums, color=orange, linewidth=2.0)
    right.axhline(0.0, color=look.faint, linewidth=1.0)
    right.axvline(found.value, color=green, linewidth=1.2)
    right.plot([found.value], [0.0], "o", color=green, markersize=6)
    right.set_title(r"total gradient $\sum_i \psi(t - y_i)$", fontsize="medium", pad=12)
    right.set_xlabel("location $t$")
    looks.plain(left, look)
    left.grid(False)
    left.spines["left"].set_visible(False)
    looks.plain(right, look)
    figure.suptitle(heading, fontsize="large")
    return figure
