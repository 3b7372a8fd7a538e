"""The plain formula: what one would type by hand, and how wrong that is."""

import numpy as np
import pytest

from derive.calculus import derive
from derive.definitions.catalogue import load
from derive.definitions.samples import Group, Sample
from derive.verification.plain import evaluated, rows


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_it_is_the_formula(target):
    pytest.importorskip(target)
    x = np.array([-3.0, -0.5, 0.25, 1.5, 40.0])
    sample = Sample("some", "float64", ("x", "delta"), (Group((1.5,), x),))
    found = derive(load("huber")).quantities
    loss = np.where(np.abs(x) <= 1.5, x**2 / 2, 1.5 * np.abs(x) - 1.125)
    assert np.allclose(evaluated(found["loss"], sample, target), loss, rtol=1e-15)
    assert np.allclose(evaluated(found["d_x"], sample, target), np.clip(x, -1.5, 1.5), rtol=1e-15)


def test_it_loses_everything_where_the_stable_form_does_not():
    found = {(r.quantity, r.dtype): r for r in rows([load("cauchy")], ("numpy",), {"everyday": 80})}
    assert found["loss", "float64"].excess > 1e6  # log(1 + s) for small s
    assert found["d2_x", "float32"].points > 0
    quadratic = list(rows([load("quadratic")], ("numpy",), {"everyday": 80}))
    assert all(r.excess < 4 for r in quadratic if r.dtype == "float64")
