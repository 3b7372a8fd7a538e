"""Losses where they are used: norms for statsmodels, objectives for boosting.

Each function takes a loss file (`from for_numpy import huber`) and values of its parameters. The
residual is prediction minus target. Boosting takes the weight, slope over residual, as the
Hessian: it is the curvature of the parabola that lies above the loss and touches it, never
negative, so that a step never raises the loss; `curvature="d2_x"` takes the second derivative.
Copied as it is beside the files of the losses; imports NumPy, and statsmodels where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

# A weight may be infinite at a residual of 0; a Hessian is at most this.
LARGEST = 1e12


def robust_norm(loss: ModuleType, **parameters: float) -> Any:
    """A norm for statsmodels' RLM: `sm.RLM(y, X, M=robust_norm(huber, delta=1.345))`."""
    from statsmodels.robust.norms import RobustNorm

    class Norm(RobustNorm):  # type: ignore[misc]  # statsmodels is untyped
        """The loss as a norm of scaled residuals."""

        def rho(self, z: Any) -> Any:
            return loss.loss(z, **parameters)

        def psi(self, z: Any) -> Any:
            return loss.d_x(z, **parameters)

        def weights(self, z: Any) -> Any:
            return np.minimum(loss.weight(z, **parameters), LARGEST)

        def psi_deriv(self, z: Any) -> Any:
            return loss.d2_x(z, **parameters)

    return Norm()


class Objective:
    """d_x of a loss and a curvature, of every residual. Functions and numbers: it can be copied
    and pickled, as some libraries do."""

    def __init__(self, loss: ModuleType, curvature: str = "weight", **parameters: float) -> None:
        self.slope, self.curvature = loss.d_x, getattr(loss, curvature)
        self.parameters = parameters

    def at(self, prediction: Any, target: Any, weight: Any = None) -> tuple[Any, Any]:
        """Slope and Hessian, times sample weights where there are such."""
        residual = np.asarray(prediction, dtype=np.float64) - np.asarray(target)
        slope = self.slope(residual, **self.parameters)
        hessian = np.minimum(self.curvature(residual, **self.parameters), LARGEST)
        if weight is None or np.size(weight) == 0:
            return slope, hessian
        return slope * weight, hessian * weight


class BoostingObjective(Objective):
    """`obj=` of xgboost.train, `params["objective"]` of lightgbm.train.

    Custom objectives start at 0.5 (XGBoost) or 0 (LightGBM), not at an estimate: set `base_score`,
    or `boost_from_average`, to compare with a built-in one.
    """

    def __call__(self, prediction: Any, data: Any) -> tuple[Any, Any]:
        return self.at(prediction, data.get_label(), data.get_weight())


class EstimatorObjective(Objective):
    """`objective=` of XGBRegressor and LGBMRegressor: (target, prediction), two arguments."""

    def __call__(self, target: Any, prediction: Any) -> tuple[Any, Any]:
        return self.at(prediction, target)


class CatBoostObjective(Objective):
    """`loss_function=` of CatBoostRegressor, which maximizes: derivatives of minus the loss."""

    def calc_ders_range(
        self, approxes: Sequence[float], targets: Sequence[float], weights: Any
    ) -> list[tuple[float, float]]:
        given = None if weights is None else np.asarray(weights)
        slope, hessian = self.at(approxes, targets, given)
        return list(zip((-slope).tolist(), (-hessian).tolist(), strict=True))
