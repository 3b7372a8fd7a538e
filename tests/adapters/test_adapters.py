"""Losses in SciPy, statsmodels and boosting, each beside the library's own counterpart."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp
from scipy import optimize

from derive.adapters import least_squares
from derive.definitions.find import find
from derive.errors import BadInput
from generated.for_numpy import charbonnier, huber, quadratic

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "numpy"
sys.path.insert(0, str(TEMPLATES))
import _adapters  # noqa: E402

RNG = np.random.default_rng(5)
X = RNG.uniform(-2, 2, size=(200, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.standard_t(2, size=200)


@pytest.fixture(scope="module")
def view():
    return least_squares("charbonnier", scale=1.0)


def test_the_bend_is_exact_at_zero(view):
    z = np.array([0.0, 1e-300, 1e-16, 1e-12, 1e-8, 1e-4])
    exact = [-0.5 * (1 + t) ** -1.5 for t in z]
    np.testing.assert_allclose(view(z)[2], exact, rtol=1e-15)


def test_the_rows_are_rho_and_its_slopes(view):
    z = np.logspace(-6, 6, 13)
    for at, rho, slope, bend in zip(z, *view(z), strict=True):
        with mp.workdps(40):
            exact = mp.taylor(lambda t: 2 * (mp.sqrt(1 + t) - 1), mp.mpf(float(at)), 2)
        for got, want in zip((rho, slope, bend / 2), exact, strict=True):
            assert got == pytest.approx(float(want), rel=2e-15)


def test_scipy_takes_it_as_its_own(view):
    def residuals(t):
        return X @ t - Y

    ours, own = (
        optimize.least_squares(residuals, np.zeros(3), jac=lambda _: X, loss=loss, f_scale=0.7)
        for loss in (view, "soft_l1")
    )
    np.testing.assert_allclose(ours.x, own.x, rtol=1e-8)
    assert ours.nfev == own.nfev
    assert ours.cost == pytest.approx(own.cost, rel=1e-12)


def test_a_loss_at_a_special_point():
    """Of the limit: at alpha = 2 rho is z/scale^2."""
    rows = least_squares("barron", alpha=2.0, scale=2.0)(np.array([0.0, 1e-16, 4.0]))
    np.testing.assert_allclose(rows[0], [0, 2.5e-17, 1], rtol=1e-15)
    np.testing.assert_allclose(rows[1], 0.25, rtol=1e-15)
    np.testing.assert_allclose(rows[2], 0.0)


@pytest.mark.parametrize(
    ("loss", "message"),
    [("absolute", "infinite at x = 0"), ("tests/losses/pinball.toml", "not even")],
)
def test_what_has_no_such_view(loss, message):
    with pytest.raises(BadInput, match=message):
        least_squares(loss)
    with pytest.raises(BadInput, match="no parameter 'delta'"):
        least_squares(find("cauchy"), delta=1.0)


def test_statsmodels_takes_it_as_its_own():
    sm = pytest.importorskip("statsmodels.api")
    ours, own = (
        sm.RLM(Y, X, M=norm).fit()
        for norm in (
            _adapters.robust_norm(huber, delta=1.345),
            sm.robust.norms.HuberT(1.345),
        )
    )
    np.testing.assert_allclose(ours.params, own.params, rtol=1e-12)
    np.testing.assert_allclose(ours.bse, own.bse, rtol=1e-12)


def test_xgboost_takes_it_as_its_own():
    xgboost = pytest.importorskip("xgboost")
    data = xgboost.DMatrix(X, label=Y, weight=np.linspace(0.5, 2, len(Y)))
    settings = {"base_score": 0.0, "lambda": 0.0, "nthread": 1, "max_depth": 3}
    for own, objective in (
        ({"objective": "reg:squarederror"}, _adapters.BoostingObjective(quadratic, scale=1.0)),
        (
            {"objective": "reg:pseudohubererror", "huber_slope": 1.0},
            _adapters.BoostingObjective(charbonnier, curvature="d2_x", scale=1.0),
        ),
    ):
        built_in = xgboost.train({**settings, **own}, data, 10)
        ours = xgboost.train(settings, data, 10, obj=objective)
        np.testing.assert_allclose(ours.predict(data), built_in.predict(data), atol=2e-5)


def test_the_weight_is_a_hessian_that_never_is_negative():
    from generated.for_numpy import welsch

    residual, zero = np.array([0.0, 0.5, 3.0, 100.0]), np.zeros(4)
    objective = _adapters.Objective(welsch, scale=1.0)
    slope, hessian = objective.at(residual, zero)
    np.testing.assert_allclose(slope, residual * hessian, rtol=1e-15)
    assert np.all(hessian >= 0)
    doubled = pickle.loads(pickle.dumps(objective)).at(residual, zero, np.full(4, 2.0))
    np.testing.assert_allclose(doubled, (2 * slope, 2 * hessian))


def test_lightgbm_takes_it_as_its_own():
    lightgbm = pytest.importorskip("lightgbm")
    quiet = {"verbosity": -1, "num_threads": 1, "boost_from_average": False, "deterministic": True}

    def trained(objective):
        data = lightgbm.Dataset(X, label=Y, params=quiet)
        return lightgbm.train({**quiet, "objective": objective}, data, 10).predict(X)

    ours = trained(_adapters.BoostingObjective(quadratic, scale=1.0))
    np.testing.assert_allclose(ours, trained("regression"), rtol=1e-6)
    regressor = lightgbm.LGBMRegressor(
        n_estimators=10, objective=_adapters.EstimatorObjective(quadratic, scale=1.0), **quiet
    )
    np.testing.assert_allclose(regressor.fit(X, Y).predict(X), ours, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Failed to import numba")
def test_catboost_takes_it_as_its_own():
    catboost = pytest.importorskip("catboost")
    settings = {
        "iterations": 10, "depth": 3, "learning_rate": 0.3, "verbose": False, "thread_count": 1,
        "allow_writing_files": False, "random_seed": 1, "boost_from_average": False,
        "leaf_estimation_method": "Newton", "bootstrap_type": "No", "random_strength": 0,
    }  # fmt: skip
    own, ours = (
        catboost.CatBoostRegressor(loss_function=loss, eval_metric="RMSE", **settings)
        .fit(X, Y)
        .predict(X)
        for loss in ("RMSE", _adapters.CatBoostObjective(quadratic, scale=1.0))
    )
    np.testing.assert_allclose(ours, own, atol=2e-2)
