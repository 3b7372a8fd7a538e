"""Small inputs from public reports that once failed: the right values, to 20 digits by mpmath."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from derive.calculus import derive
from derive.calculus.derivation import Derivation
from derive.definitions.find import find
from derive.definitions.samples import Group, Sample
from derive.numerics.errors import goal
from derive.numerics.forms import StableForm
from derive.numerics.measure import Reference, errors_in_ulp, target, values
from derive.numerics.stabilise import stabilise

FOLDER = Path(__file__).resolve().parents[1] / "cases"
INF = float("inf")
BOTH = ("float64", "float32")

# loss, quantity, x, parameters (default where absent), value, dtypes
POINTS = [
    ("asym_tukey", "loss", 1e-8, {}, 5e-17, BOTH),
    ("asym_tukey", "loss", 0.01, {}, 4.999977220187014932e-5, BOTH),
    ("asym_tukey", "d_c", 0.01, {}, 9.7245585445090346088e-11, BOTH),
    ("balanced_l1", "loss", 1e-8, {}, 4.7713839272488463965e-16, BOTH),
    ("balanced_l1", "weight", 1e-8, {}, 9.5427675509496506221, BOTH),
    ("charbonnier_power", "d2_eps", INF, {"eps": 1, "a": 0.5}, -2.0, BOTH),
    ("charbonnier_power", "d_eps", 0.01, {"eps": 1, "a": 0.5}, 2.4997500234353129e-9, BOTH),
    ("charbonnier_power", "d_eps", 1e-6, {}, 2.75e-16, BOTH),
    ("gen_charbonnier", "d2_x", 1e3, {"eps": 1, "a": 0.5}, 9.9999850000187499781e-10, BOTH),
    ("gen_charbonnier", "d2_x", 1e6, {"eps": 1, "a": 0.5}, 9.999999999985e-19, BOTH),
    ("gen_charbonnier", "d_a", 1e-2, {"eps": 1, "a": 0.5}, 9.9999999958337503794e-5, BOTH),
    ("gen_charbonnier", "d_a", 1e-8, {"eps": 1, "a": 0.5}, 1e-16, BOTH),
    *(
        ("gennorm", quantity, 0.0, {"a": 1.5, "b": b}, value, BOTH)
        for quantity in ("weight", "d2_x")
        for b, value in ((1.5, INF), (2.0, 2 / 1.5**2), (3.0, 0.0))
    ),
    ("linex", "d_a", 0.01, {}, 3.4008071622111115239e-7, BOTH),
    ("linex", "d2_x_a", 1e-12, {}, 1.0000000000026666e-24, BOTH),
    ("linex", "d_a", 213.6, {}, INF, BOTH),
    ("log_cosh_rate", "d2_b", 0.01, {}, -7.49850021512935017592e-9, BOTH),
    ("log_cosh_rate", "d2_b", 1e-8, {}, -7.499999999999998500e-33, BOTH),
    ("log_mse", "loss", 1.0, {}, 9.999995000003333e-07, BOTH),
    ("phuber_c2", "d2_x", 1000.0, {"c": 0.1}, 9.9999998500000035e-13, BOTH),
    ("phuber_c2", "d2_x", 1000.0, {"c": 100}, 9.8518533684157340e-4, BOTH),
    ("phuber_c2", "d2_c", 1000.0, {"c": 0.1}, -1.9997000000025, BOTH),
    ("quantile_huber_sign", "d_k", 14309.4, {"tau": 0.9, "k": 0.018539}, -0.45, BOTH),
]


@cache
def _found(name: str) -> tuple[Derivation, StableForm]:
    known = derive(find(str(FOLDER / f"{name}.toml")))
    return known, stabilise(known)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "quantity", "x", "parameters", "value", "dtype"),
    [(*row[:5], dtype) for row in POINTS for dtype in row[5]],
)
def test_the_value_is_right(name, quantity, x, parameters, value, dtype):
    """To the promise beyond kappa, in ULP of the dtype at the inputs as that dtype has them."""
    known, form = _found(name)
    loss = known.loss
    kind = np.dtype(dtype).type
    at = tuple(float(kind(parameters.get(p.name, loss.default(p)))) for p in loss.parameters)
    names = tuple(v.name for v in loss.variables)
    sample = Sample("a case", dtype, names, (Group(at, np.array([float(kind(x))])),))
    reference = Reference(target(known, quantity), sample)
    if dtype == "float64" and np.isfinite(value):
        assert reference.high[0] == pytest.approx(value, rel=1e-12)
    got = values(form.regimes[-1].quantities[quantity], sample)
    if np.isinf(value):
        assert got[0] == value
        return
    error = errors_in_ulp(got, reference.high, reference.low, dtype)[0]
    assert error <= goal(loss, quantity) + 1 + reference.kappa(0)
