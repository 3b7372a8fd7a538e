"""Fit a line where a tenth of the points are outliers: by least squares, and by a loss that adapts.

The points follow y = 0.7 x + 0.15 with normal noise of 0.025; a tenth of them is thrown to the
other side. The adaptive loss is -log of Barron's density, so that its shape alpha and its scale are
learned together with the line: it finds out by itself how much noise there is, and that the tails
are heavy.

Run: python examples/adaptive_line.py [PICTURE.png]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from generated.for_torch.densities.barron import AdaptiveBarronLoss

SLOPE, OFFSET, NOISE = 0.7, 0.15, 0.025
STEPS = 200


@dataclass(frozen=True)
class Data:
    x: np.ndarray
    y: np.ndarray
    thrown: np.ndarray


@dataclass(frozen=True)
class Fit:
    """The line that was found, and alpha and scale at every step."""

    slope: float
    offset: float
    alpha: np.ndarray
    scale: np.ndarray


def recipe(count: int = 300, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=count)
    y = SLOPE * x + OFFSET + rng.normal(scale=NOISE, size=count)
    thrown = rng.uniform(size=count) > 0.9
    return Data(x, np.where(thrown, 0.05 + 0.4 * (1 - np.sign(y - 0.5)), y), thrown)


def fit(data: Data, loss: AdaptiveBarronLoss, steps: int = STEPS) -> Fit:
    """Adam on the line and on whatever the loss learns."""
    x, y = (torch.tensor(v, dtype=torch.float32) for v in (data.x, data.y))
    line = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([line, *loss.parameters()], lr=0.06)
    alphas, scales = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(line[0] * x + line[1] - y).backward()
        optimizer.step()
        alphas.append(loss.alpha.item())
        scales.append(loss.scale.item())
    slope, offset = line.tolist()
    return Fit(slope, offset, np.array(alphas), np.array(scales))


def squares() -> AdaptiveBarronLoss:
    """Nothing to learn: alpha = 2."""
    return AdaptiveBarronLoss(learn_alpha=False, alpha=2.0, learn_scale=False, scale=0.1)


def draw(data: Data, plain: Fit, adaptive: Fit, out: Path) -> None:
    import matplotlib.figure  # only for the picture

    # Colours by Okabe and Ito: distinct for all kinds of sight.
    orange, blue, ink = "#d55e00", "#0072b2", "#333333"
    figure = matplotlib.figure.Figure(figsize=(8.0, 3.6), dpi=150, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1.0])
    axes = left.subplots()
    for here, marker, name in ((~data.thrown, "o", "points"), (data.thrown, "x", "outliers")):
        axes.plot(data.x[here], data.y[here], marker, color="#888888", markersize=3.0, label=name)
    ends = np.array([0.0, 1.0])
    for found, colour, name in ((plain, orange, "α = 2"), (adaptive, blue, "adaptive")):
        label = f"{name}: {found.slope:.3f} x + {found.offset:.3f}"
        axes.plot(ends, found.slope * ends + found.offset, color=colour, linewidth=2.4, label=label)
    truth = f"truth: {SLOPE:.3f} x + {OFFSET:.3f}"
    axes.plot(ends, SLOPE * ends + OFFSET, color="black", linestyle=(0, (2, 2)), label=truth)
    axes.set(xlabel="x", ylabel="y", xlim=(0, 1), ylim=(0, 1.3), title="Both fits")
    axes.legend(loc="upper center", ncols=2, fontsize=7.5, frameon=False, columnspacing=1.2)
    above, below = right.subplots(2, 1, sharex=True)
    steps = np.arange(1, len(adaptive.alpha) + 1)
    above.plot(steps, adaptive.alpha, color=blue, linewidth=2.0)
    above.set(ylabel="α", ylim=(0, 2), title="What the loss learns")
    below.semilogy(steps, adaptive.scale, color=blue, linewidth=2.0)
    below.set(ylabel="scale", xlabel="step", xlim=(0, len(steps)), ylim=(0.009, 1.5))
    for panel in (axes, above, below):
        panel.grid(True, color="#e4e4e4", linewidth=0.8)
        panel.tick_params(colors=ink)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, metadata={"Software": None})


def main() -> None:
    data = recipe()
    plain, adaptive = fit(data, squares()), fit(data, AdaptiveBarronLoss())
    print(f"{'':<12}{'slope':>8}{'offset':>8}{'alpha':>8}{'scale':>8}")
    print(f"{'truth':<12}{SLOPE:>8.3f}{OFFSET:>8.3f}")
    for name, found in (("alpha = 2", plain), ("adaptive", adaptive)):
        alpha, scale = found.alpha[-1], found.scale[-1]
        print(f"{name:<12}{found.slope:>8.3f}{found.offset:>8.3f}{alpha:>8.3f}{scale:>8.3f}")
    if len(sys.argv) > 1:
        draw(data, plain, adaptive, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
