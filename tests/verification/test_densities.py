"""Densities with known faults."""

import math

import flint
import pytest
from emitted import NUMPY

from derive.definitions.catalogue import load
from derive.verification.densities import Densities
from derive.verification.emitted import Emitted
from derive.verification.enclosure import Enclosure
from derive.verification.expected import whole
from derive.verification.implementations import Runner
from derive.verification.normalizer import Normalizer
from derive.verification.report import AGREES, REFUTED, UNKNOWN

GAUSS = """
import numpy as np


def _loss(x, scale):
    return (x / scale) ** 2 / 2


def log_partition(scale):
    return np.log(scale) + scale.dtype.type(0.91893853320467274178)


def d_log_partition_scale(scale):
    return 1 / scale


def d2_log_partition_scale(scale):
    return -1 / scale / scale


def log_density(x, scale):
    wide = np.asarray(x, np.float64), np.asarray(scale, np.float64)
    return (-_loss(*wide) - log_partition(wide[1])).astype(x.dtype)


def density(x, scale):
    wide = np.asarray(x, np.float64), np.asarray(scale, np.float64)
    return np.exp(-_loss(*wide) - log_partition(wide[1])).astype(x.dtype)


def log_partition_on(a, b, scale):
    from math import erf
    root = np.sqrt(2.0) * scale
    gap = [erf(v) - erf(u) for u, v in zip(a / root, b / root)]
    tail = [a_ > 3 * s for a_, s in zip(a, scale)]
    import math
    far = [math.erfc(u) - math.erfc(v) for u, v in zip(a / root, b / root)]
    with np.errstate(all="ignore"):
        return log_partition(scale) + np.log(np.where(tail, far, gap)) - np.log(2)
"""


def verdicts(tmp_path, text, name="quadratic"):
    folder = tmp_path / "for_numpy" / "densities"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    loss = load(name)
    with Runner(tmp_path) as runner:
        files = Emitted(loss, tmp_path, NUMPY)
        functions = runner.functions(files.modules)
        rows = list(Densities(loss).rows(files, functions, runner))
    return {(r.quantity, r.dtype): r for r in rows}


def test_a_right_density_agrees(tmp_path):
    found = verdicts(tmp_path, GAUSS)
    assert {k[0] for k in found} == {
        *("log_partition", "d_log_partition_scale", "d2_log_partition_scale"),
        *("log_density", "density", "log_partition_on"),
    }
    wrong = {k: (r.excess, r.detail) for k, r in found.items() if r.verdict != AGREES}
    assert all(k[0] == "log_partition_on" for k in wrong), wrong
    assert all("Arb" in r.method for r in found.values())


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        (("0.91893853320467274178", "0.91893853320467374178"), "log_partition"),
        (("return 1 / scale", "return (1 + 1e-11) / scale"), "d_log_partition_scale"),
        (("return -1 / scale", "return -(1 + 1e-10) / scale"), "d2_log_partition_scale"),
        (("(-_loss(*wide) -", "(-1.0000000001 * _loss(*wide) -"), "log_density"),
        (("np.exp(-_loss", "0.999999 * np.exp(-_loss"), "density"),
        (("- np.log(2)", "- np.log(2.0001)"), "log_partition_on"),
        (("def density(", "def dense("), "density"),
    ],
)
def test_wrong_densities_are_refuted(tmp_path, change, quantity):
    assert change[0] in GAUSS
    found = verdicts(tmp_path, GAUSS.replace(*change))
    assert found[quantity, "float64"].verdict == REFUTED


def test_what_an_enclosure_does_not_tell_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Normalizer, "log_partition", lambda _, p: flint.arb(math.log(p["scale"]) + 0.9, 0.1)
    )
    found = verdicts(tmp_path, GAUSS)
    assert found["log_partition", "float64"].verdict == UNKNOWN
    assert found["density", "float32"].verdict == UNKNOWN


NONE = """
def log_partition_on(a, b, c):
    return a
"""
OFFERED = (
    NONE
    + """
def log_density(x, c):
    return -x
"""
)


def test_a_density_where_the_integral_is_infinite_is_refuted(tmp_path):
    without = verdicts(tmp_path, NONE, "talwar")["no density", ""]
    assert without.verdict == AGREES
    assert "proved" in without.method
    offered = verdicts(tmp_path, OFFERED, "tukey")["no density", ""]
    assert offered.verdict == REFUTED
    assert "log_density" in offered.detail
    raising = OFFERED.replace("return -x", "raise ValueError")
    assert verdicts(tmp_path, raising, "arctan")["no density", ""].verdict == AGREES


def test_values_beyond_the_range_are_told():
    """log density below -2^1024, density 0."""
    far = Enclosure(flint.arb(-3) * flint.arb((1, 1100)))
    assert float(whole(*far.high_low()).exp()) == 0.0
    assert whole(*far.high_low()) < -flint.arb((1, 1100))


def test_what_only_stretches_the_residual_is_a_unit_whatever_its_sign():
    assert Densities(load("linex"))._units == (0,)  # log Z = 1 - log|a|
    barron = load("barron")
    units = [barron.parameters[k].name for k in Densities(barron)._units]
    assert units == ["scale"]


def test_a_slope_beside_its_zero_is_no_more_exact_than_its_parameter():
    asked = Densities(load("quantile"))  # log Z = -log(tau (1 - tau)), which is flat at 1/2
    asked.parameters = {"float32": ((0.5,), (0.49,), (0.2,))}
    meant, beside, away = asked._slope("float32", "tau", 1).allowance
    assert meant == 0  # the default
    assert beside == pytest.approx(0.49 * (0.49**-2 + 0.51**-2) / (1 / 0.49 - 1 / 0.51), rel=1e-3)
    assert away < 2
