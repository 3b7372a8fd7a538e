"""Losses of boosting libraries, which have no function for them: their metric of one row."""

from __future__ import annotations

from typing import Any

import numpy as np


def _xgboost(x: float, metric: str, **more: float) -> float:
    import xgboost

    data = xgboost.DMatrix(np.zeros((1, 1)), label=np.zeros(1))
    data.set_base_margin(np.array([x], dtype=np.float32))
    known: dict[str, Any] = {}
    setting = {"eta": 0.0, "eval_metric": metric, "verbosity": 0, "nthread": 1, **more}
    xgboost.train(setting, data, 1, evals=[(data, "row")], evals_result=known, verbose_eval=False)
    return float(known["row"][metric][0])


def xgboost_squared(x: float) -> float:
    """The square of what it calls rmse."""
    return _xgboost(x, "rmse") ** 2


def xgboost_absolute(x: float) -> float:
    """What it calls mae."""
    return _xgboost(x, "mae")


def xgboost_pseudo_huber(x: float, slope: float) -> float:
    """What it calls mphe."""
    return _xgboost(x, "mphe", huber_slope=slope)


def _lightgbm(x: float, metric: str, **more: float) -> float:
    import lightgbm

    rows = {"init_score": np.array([x]), "free_raw_data": False}
    setting = {"objective": "none", "metric": metric, "verbosity": -1, "num_threads": 1, **more}
    data = lightgbm.Dataset(np.zeros((1, 1)), label=np.zeros(1), params=setting, **rows)
    booster = lightgbm.Booster(setting, data)
    return float(booster.eval_train()[0][2])


def lightgbm_squared(x: float) -> float:
    """What it calls l2."""
    return _lightgbm(x, "l2")


def lightgbm_absolute(x: float) -> float:
    """What it calls l1."""
    return _lightgbm(x, "l1")


def lightgbm_huber(x: float, alpha: float) -> float:
    """What it calls huber, with its alpha."""
    return _lightgbm(x, "huber", alpha=alpha)
