"""Fit a line to real data with outliers: food expenditure of 235 Belgian households in 1857.

The generated NumPy file fits by iteratively reweighted least squares, the generated PyTorch file
by an optimizer, and statsmodels' RLM is the reference. Data: Engel's budgets, from statsmodels.

Run: python examples/line_with_outliers.py
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
import torch

from generated.for_numpy import huber
from generated.for_torch import huber as torch_huber

# 95 % as efficient as least squares where the errors are normal.
THRESHOLD = 1.345
# The median of |error| over its standard deviation, for normal errors.
NORMAL_QUARTILE = 0.6744897501960817


@dataclass(frozen=True)
class Fit:
    """Coefficients (one a column of the design), and the scale of the residuals."""

    coefficients: np.ndarray
    scale: float
    steps: int


def engel() -> tuple[np.ndarray, np.ndarray]:
    """Design (intercept, income) and response (expenditure on food), in Belgian francs."""
    data = sm.datasets.engel.load_pandas().data
    income = data["income"].to_numpy()
    return np.column_stack([np.ones_like(income), income]), data["foodexp"].to_numpy()


def stack_loss() -> tuple[np.ndarray, np.ndarray]:
    """Design (intercept, air flow, water temperature, acid) and response: Brownlee's plant."""
    data = sm.datasets.stackloss.load_pandas()
    return np.column_stack([np.ones(len(data.endog)), data.exog]), data.endog.to_numpy()


def robust_scale(residual: np.ndarray) -> float:
    return float(np.median(np.abs(residual)) / NORMAL_QUARTILE)


def least_squares(design: np.ndarray, response: np.ndarray, weight: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight)
    return np.linalg.lstsq(design * root[:, None], response * root, rcond=None)[0]


def fit_by_weights(design: np.ndarray, response: np.ndarray, limit: int = 500) -> Fit:
    """Huber's M-estimate by iteratively reweighted least squares; the scale follows the fit."""
    coefficients = least_squares(design, response, np.ones_like(response))
    scale = robust_scale(response - design @ coefficients)
    for step in range(1, limit + 1):
        residual = design @ coefficients - response
        before = coefficients
        weight = huber.weight(residual, delta=THRESHOLD * scale)
        coefficients = least_squares(design, response, weight)
        scale = robust_scale(response - design @ coefficients)
        if np.allclose(coefficients, before, rtol=1e-13, atol=0):
            return Fit(coefficients, scale, step)
    raise RuntimeError(f"no convergence in {limit} steps")


def fit_by_optimizer(design: np.ndarray, response: np.ndarray, scale: float) -> Fit:
    """The same minimum, at a given scale, by L-BFGS on the PyTorch loss."""
    # In orthonormal columns the problem is well conditioned: incomes go from 377 to 4958.
    columns, triangle = torch.linalg.qr(torch.tensor(design))
    target = torch.tensor(response)
    criterion = torch_huber.HuberLoss(delta=THRESHOLD * scale, reduction="sum")
    position = torch.zeros(design.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [position],
        max_iter=500,
        tolerance_grad=1e-10,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = criterion(columns @ position, target)
        value.backward()
        return value

    optimizer.step(closure)
    coefficients = torch.linalg.solve_triangular(
        triangle, position.detach()[:, None], upper=True
    ).squeeze(1)
    return Fit(coefficients.numpy(), scale, optimizer.state[position]["n_iter"])


def fit_by_statsmodels(design: np.ndarray, response: np.ndarray) -> Fit:
    model = sm.RLM(response, design, M=sm.robust.norms.HuberT(t=THRESHOLD))
    found = model.fit(tol=1e-13, maxiter=500, conv="coefs")
    return Fit(found.params, float(found.scale), found.fit_history["iteration"])


def main() -> None:
    design, response = engel()
    plain = least_squares(design, response, np.ones_like(response))
    weighted = fit_by_weights(design, response)
    optimized = fit_by_optimizer(design, response, weighted.scale)
    reference = fit_by_statsmodels(design, response)
    print(f"{'':<32}{'intercept':>14}{'slope':>12}{'scale':>12}")
    print(f"{'least squares':<32}{plain[0]:>14.4f}{plain[1]:>12.5f}{'':>12}")
    for name, fit in (
        ("Huber, NumPy, reweighting", weighted),
        ("Huber, PyTorch, L-BFGS", optimized),
        ("Huber, statsmodels RLM", reference),
    ):
        intercept, slope = fit.coefficients
        print(f"{name:<32}{intercept:>14.4f}{slope:>12.5f}{fit.scale:>12.4f}")
    weight = huber.weight(design @ weighted.coefficients - response, THRESHOLD * weighted.scale)
    light = np.sum(weight < 1)
    print(f"{light} of {len(weight)} households weigh less than 1, the least {weight.min():.3f}")


if __name__ == "__main__":
    main()
