"""How heavy are the tails? A likelihood with a shape, on what 235 Belgian households spent in 1857.

The expenditure on food is a line in the income, plus an error of Barron's density. Line, scale and
shape alpha come from maximum likelihood, standard errors from the observed information; other
densities are fitted for comparison. Data: Engel's budgets, from statsmodels.

Run: python examples/food_expenditure.py [PICTURE.png]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import statsmodels.api as sm
import torch

from generated.for_numpy.densities import absolute
from generated.for_numpy.densities import barron as numpy_barron
from generated.for_torch.densities import barron, cauchy, quadratic

LogDensity = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Model:
    """A density of the error. shape: a positive one to start from; None if it has none."""

    name: str
    log_density: LogDensity
    shape: float | None = None


@dataclass(frozen=True)
class Fit:
    """Estimates and their standard errors, in the order intercept, slope, scale, shape."""

    name: str
    estimate: np.ndarray
    error: np.ndarray
    log_likelihood: float

    @property
    def aic(self) -> float:
        return 2 * len(self.estimate) - 2 * self.log_likelihood


def _student(x: torch.Tensor, df: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return torch.distributions.StudentT(df, scale=scale).log_prob(x)


MODELS = (
    Model("normal", lambda x, _, scale: quadratic.log_density(x, scale)),
    Model("Cauchy", lambda x, _, scale: cauchy.log_density(x, scale)),
    Model("Student t", _student, 4.0),
    Model("Barron", barron.log_density, 1.0),
)


def engel() -> tuple[np.ndarray, np.ndarray]:
    """Income and expenditure on food, in Belgian francs."""
    data = sm.datasets.engel.load_pandas().data
    return data["income"].to_numpy(), data["foodexp"].to_numpy()


def fit(model: Model, income: np.ndarray, food: np.ndarray) -> Fit:
    """Maximum likelihood by L-BFGS, then Newton's method to the last digits."""
    x, y = torch.tensor(income), torch.tensor(food)
    middle, width = x.mean(), x.std()

    def nll(at: torch.Tensor) -> torch.Tensor:
        # The line through the middle of the data, and logarithms: a search without bounds.
        line = 100 * (at[0] + at[1] * (x - middle) / width)
        shape = at[3].exp() if model.shape is not None else at[2]
        return -model.log_density(y - line, shape, 100 * at[2].exp()).sum()

    first = [y.mean() / 100, y.std() / 100, 0.0]
    if model.shape is not None:
        first.append(np.log(model.shape))
    at = torch.tensor(first, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([at], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = nll(at)
        value.backward()
        return value

    optimizer.step(closure)
    at = at.detach()
    for _ in range(20):
        slope = torch.autograd.functional.jacobian(nll, at)
        at = at - torch.linalg.solve(torch.autograd.functional.hessian(nll, at), slope)
        if slope.abs().max() < 1e-9:
            break

    def told(at: torch.Tensor) -> torch.Tensor:
        slope = 100 * at[1] / width
        return torch.cat([(100 * at[0] - slope * middle)[None], slope[None],
                          100 * at[2:3].exp(), at[3:].exp()])  # fmt: skip

    change = torch.autograd.functional.jacobian(told, at)
    information = torch.autograd.functional.hessian(nll, at)
    covariance = change @ torch.linalg.inv(information) @ change.T
    return Fit(model.name, told(at).numpy(), covariance.diag().sqrt().numpy(), -nll(at).item())


def fit_laplace(income: np.ndarray, food: np.ndarray) -> Fit:
    """Least absolute deviations: with a kink in the likelihood there is no observed information."""
    line = sm.QuantReg(food, sm.add_constant(income)).fit(q=0.5, p_tol=1e-9).params
    residual = food - line[0] - line[1] * income
    scale = np.abs(residual).mean()
    estimate = np.array([*line, scale])
    value = absolute.log_density(residual, scale).sum()
    return Fit("Laplace", estimate, np.full(3, np.nan), float(value))


def all_fits(income: np.ndarray, food: np.ndarray) -> dict[str, Fit]:
    """By name, the best AIC first."""
    fits = [fit(model, income, food) for model in MODELS]
    fits.append(fit_laplace(income, food))
    return {found.name: found for found in sorted(fits, key=lambda found: found.aic)}


def draw(income: np.ndarray, food: np.ndarray, normal: Fit, learned: Fit, out: Path) -> None:
    import matplotlib.figure  # only for the picture

    # Colours by Okabe and Ito: distinct for all kinds of sight.
    orange, blue = "#d55e00", "#0072b2"
    figure = matplotlib.figure.Figure(figsize=(8.0, 3.6), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(income, food, "o", color="#888888", markersize=3.0)
    ends = np.array([300.0, 5000.0])
    chance = (np.arange(len(food)) + 0.5) / len(food)
    for found, marker, colour, alpha, name in (
        (normal, "x", orange, 2.0, "normal errors"),
        (learned, "o", blue, learned.estimate[-1], f"learned α = {learned.estimate[-1]:.2f}"),
    ):
        intercept, slope, scale = found.estimate[:3]
        line = intercept + slope * ends
        left.plot(ends, line, color=colour, linewidth=2.4, label=f"{name}: slope {slope:.3f}")
        residual = np.sort(food - intercept - slope * income)
        quantile = numpy_barron.ppf(chance, alpha, scale)
        right.plot(quantile, residual, marker, color=colour, markersize=3.5, label=name)
    left.set(xlabel="income, francs", ylabel="spent on food, francs", title="235 households")
    right.axline((0, 0), slope=1, color="black", linestyle=(0, (2, 2)), linewidth=1.2)
    right.set(xlabel="quantile of the density, francs", ylabel="residual, francs")
    right.set(title="Residuals, sorted, against their density", xlim=(-720, 720))
    for panel in (left, right):
        panel.legend(frameon=False, fontsize=8.5, loc="upper left")
        panel.grid(True, color="#e4e4e4", linewidth=0.8)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, metadata={"Software": None})


def main() -> None:
    income, food = engel()
    fits = all_fits(income, food)
    print(f"{'':<10}{'intercept':>12}{'slope':>8}{'scale':>9}{'shape':>8}{'log L':>11}{'AIC':>9}")
    for name, found in fits.items():
        intercept, slope, scale, *shape = found.estimate
        told = f"{shape[0]:>8.3f}" if shape else f"{'':>8}"
        row = f"{name:<10}{intercept:>12.2f}{slope:>8.4f}{scale:>9.2f}{told}"
        print(f"{row}{found.log_likelihood:>11.2f}{found.aic:>9.1f}")
    learned = fits["Barron"]
    names = ("intercept", "slope", "scale", "alpha")
    parts = [f"{n} {e:.2g}" for n, e in zip(names, learned.error, strict=True)]
    print(f"standard errors, Barron: {', '.join(parts)}")
    if len(sys.argv) > 1:
        draw(income, food, fits["normal"], learned, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
