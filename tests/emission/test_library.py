"""Functions that NumPy has, but slowly: as exact, at the ends too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mpmath import mp

from derive.emission.render import templates_folder

MANY = 400


@pytest.fixture(scope="module")
def log1p():
    names: dict[str, object] = {}
    path = templates_folder() / "numpy" / "library" / "log1p.py"
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
    return names["_log1p"]


@pytest.mark.parametrize(
    ("low", "high", "sign"), [(-320, 308, 1), (-20, 1, 1), (-1, 0.7, 1), (-20, -0.01, -1)]
)
def test_log1p_is_off_by_less_than_2_ulp(log1p, low, high, sign):
    w = sign * 10 ** np.random.default_rng(0).uniform(low, high, MANY)
    with mp.workdps(400):
        exact = [mp.log1p(mp.mpf(float(v))) for v in w]
        units = [np.spacing(abs(float(e))) for e in exact]
        got = log1p(w)
        errors = [
            abs((mp.mpf(float(g)) - e) / u) for g, e, u in zip(got, exact, units, strict=True)
        ]
    assert max(errors) < 1.5


def test_log1p_at_the_ends(log1p):
    ends = np.array([-1.0, 0.0, np.inf, np.nan, -2.0, -np.inf, 5e-324, np.finfo(float).max])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(log1p(np.repeat(ends, MANY))[::MANY], np.log1p(ends))
    assert log1p(np.float64(0.5)) == log1p(np.full(MANY, 0.5))[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_a_product_is_rounded_by_is_exact(dtype):
    """In PyTorch, which computes in float32 too."""
    names: dict[str, object] = {}
    path = templates_folder() / "torch" / "library" / "product_error.py"
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
    rng = np.random.default_rng(1)
    a, b = (torch.tensor(rng.uniform(1, 4, MANY), dtype=getattr(torch, dtype)) for _ in range(2))
    with mp.workdps(60):
        pairs = zip(a.tolist(), b.tolist(), (a * b).tolist(), strict=True)
        exact = [float(mp.mpf(x) * mp.mpf(y) - mp.mpf(xy)) for x, y, xy in pairs]
    assert names["_product_error"](a, b).tolist() == exact
