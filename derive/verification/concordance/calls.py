"""The libraries themselves, asked for what they compute: one function a row of the table.

Each takes residuals (prediction minus target) and the letters of the row, and imports its library
when it is called: none of them is needed otherwise. Boosting libraries show a slope and a Hessian
only through the leaf of a tree that holds one datum, -slope/(Hessian + penalty): two penalties
tell both.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.concordance.table import Row

Call = Callable[..., Any]
# Two penalties of a leaf.
_PENALTIES = (0.0, 1.0)
_QUIET = {"verbosity": 0, "nthread": 1}


def ask(row: Row, x: Floats, letters: Mapping[str, float]) -> Floats:
    """What the library computes of residuals. ImportError where it is not installed."""
    found = _LIBRARIES[row.module](row, x, letters)
    return np.asarray(found, dtype=np.float64).reshape(x.shape)


def _one_by_one(function: Callable[[float], Any], x: Floats) -> list[float]:
    return [float(function(float(v))) for v in x]


def _torch(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    import torch
    from torch.nn import functional

    residual = torch.from_numpy(x)
    return getattr(functional, row.call)(
        residual, torch.zeros_like(residual), reduction="none", **letters
    ).numpy()


def _scipy(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    from scipy import optimize, special, stats

    kind, _, name = row.call.partition(" ")
    if kind == "stats":
        return -getattr(stats, name)(**letters).logpdf(x)
    if kind == "special":
        return getattr(special, name)(*letters.values(), x)
    # One residual that no variable moves: the cost is the loss itself.
    return _one_by_one(
        lambda v: optimize.least_squares(lambda t: v + 0 * t, [0.0], loss=name, **letters).cost, x
    )


def _statsmodels(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    from statsmodels.robust import norms

    name, _, df = row.call.partition(" df=")
    settings = {**letters, "df": float(df)} if df else letters
    return getattr(norms, name)(**settings).rho(x)


def _sklearn(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    from sklearn import metrics
    from sklearn._loss import loss
    from sklearn.linear_model import _sgd_fast

    module, _, name = row.call.rpartition(".")
    if module:  # a function of (w, X, y, its letter, alpha, sample_weight); w ends with sigma
        function = getattr(importlib.import_module(f"sklearn.{module}"), name)
        one, w = np.ones((1, 1)), np.array([0.0, 1.0])
        return _one_by_one(
            lambda v: function(w, one, np.array([-v]), *letters.values(), 0.0, np.ones(1))[0], x
        )
    if hasattr(loss, name):
        made = getattr(loss, name)(**({"delta": letters["epsilon"]} if letters else {}))
        return made.loss(np.zeros_like(x), x)
    if hasattr(metrics, name):
        return _one_by_one(lambda v: getattr(metrics, name)([0.0], [v], **letters), x)
    made = getattr(_sgd_fast, name)(*letters.values())
    return _one_by_one(lambda v: made.py_loss(v, 0.0), x)


def _keras(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    from keras import losses, ops

    column = x.reshape(-1, 1).astype(np.float32)
    found = getattr(losses, row.call)(np.zeros_like(column), column, **letters)
    return ops.convert_to_numpy(found)


def _optax(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    from optax import losses

    return getattr(losses, row.call)(x.astype(np.float32), **letters)


def _from_leaves(leaf: Callable[[float, float], float], x: Floats, quantity: str) -> list[float]:
    """Slope or Hessian from leaves: -g/h and -g/(h + 1)."""
    found = []
    for v in x:
        bare, damped = (leaf(float(v), penalty) for penalty in _PENALTIES)
        hessian = damped / (bare - damped)
        found.append(hessian if quantity.startswith("d2_") else -bare * hessian)
    return found


def _xgboost(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    import xgboost

    def data(v: float) -> Any:
        return xgboost.DMatrix(np.zeros((1, 1)), label=[0.0], base_margin=[v])

    def leaf(v: float, penalty: float) -> float:
        settings = {"lambda": penalty, "eta": 1.0, "min_child_weight": 0.0, **letters, **_QUIET}
        trained = xgboost.train({**settings, "objective": row.call}, data(v), 1)
        return float(trained.predict(data(v))[0]) - v

    if row.quantity != "loss":
        return _from_leaves(leaf, x, row.quantity)
    objective, _, name = row.call.partition(" ")
    settings = {"objective": objective, "eval_metric": name, "eta": 0.0, **letters, **_QUIET}

    def metric(v: float) -> float:
        kept: dict[str, Any] = {}
        xgboost.train(
            settings, data(v), 1, evals=[(data(v), "at")], evals_result=kept, verbose_eval=False
        )
        return float(kept["at"][name][0])

    return _one_by_one(metric, x)


def _lightgbm(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    import lightgbm

    quiet = {"verbosity": -1, "num_threads": 1, "boost_from_average": False, "min_data_in_bin": 1}
    whole = {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0, "learning_rate": 1.0}

    def trained(residuals: list[float], settings: dict[str, Any], kept: dict[str, Any]) -> Any:
        data = lightgbm.Dataset(
            np.array([[0.0], [1.0]]), label=np.zeros(2), init_score=residuals, params=quiet
        )
        return lightgbm.train(
            {**letters, **quiet, **whole, **settings}, data, 1, valid_sets=[data],
            callbacks=[lightgbm.record_evaluation(kept)],
        )  # fmt: skip

    objective, _, name = row.call.partition(" ")

    def leaf(v: float, penalty: float) -> float:
        settings = {"objective": objective, "metric": "none", "lambda_l2": penalty}
        found = trained([v, -v], settings, {})  # opposite slopes, so that there is a split
        return float(found.predict(np.array([[0.0]]))[0])

    if row.quantity != "loss":
        return _from_leaves(leaf, x, row.quantity)

    def metric(v: float) -> float:
        kept: dict[str, Any] = {}
        trained([v, v], {"objective": objective, "metric": name, "learning_rate": 1e-30}, kept)
        return float(kept["training"][name][0])

    return _one_by_one(metric, x)


def _catboost(row: Row, x: Floats, letters: Mapping[str, float]) -> Any:
    from catboost.utils import eval_metric

    settings = ";".join(f"{name}={value!r}" for name, value in letters.items())
    metric = f"{row.call}:{settings}" if settings else row.call
    return _one_by_one(lambda v: eval_metric([0.0], [v], metric)[0], x)


_LIBRARIES: Mapping[str, Call] = {
    "torch": _torch,
    "scipy": _scipy,
    "statsmodels": _statsmodels,
    "sklearn": _sklearn,
    "keras": _keras,
    "optax": _optax,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
}
