"""Normalizers against closed forms that people wrote down, and densities with known faults."""

import math

import mpmath
import pytest
import sympy

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.densities import Densities
from derive.verification.implementations import Runner
from derive.verification.normalizer import Normalizer
from derive.verification.report import AGREES, REFUTED

SCALE = 0.75


def closed(alpha):
    """log Z of Barron's loss at scale 1 in closed form."""
    with mpmath.workdps(40):
        return {
            0.0: lambda: mpmath.log(mpmath.pi * mpmath.sqrt(2)),
            1.0: lambda: mpmath.log(2 * mpmath.e * mpmath.besselk(1, 1)),
            2.0: lambda: mpmath.log(2 * mpmath.pi) / 2,
            4.0: lambda: (
                mpmath.mpf(1) / 4 + mpmath.log(mpmath.besselk(mpmath.mpf(1) / 4, mpmath.mpf(1) / 4))
            ),
            math.inf: lambda: mpmath.log(
                2 * mpmath.quad(lambda x: mpmath.exp(-mpmath.expm1(x * x / 2)), [0, 1, 3])
            ),
        }[alpha]()


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0, 4.0, math.inf])
def test_the_normalizer_equals_the_closed_forms(alpha):
    ball = Normalizer(load("barron")).log_partition({"alpha": alpha, "scale": SCALE})
    with mpmath.workdps(40):
        expected = closed(alpha) + mpmath.log(mpmath.mpf(SCALE))
        middle, exponent = ball.mid().man_exp()
        value = mpmath.ldexp(mpmath.mpf(int(middle)), int(exponent))
        assert abs(value - expected) < mpmath.mpf(10) ** -30
    assert float(ball.rad()) < 1e-30


def test_slopes_are_the_known_ones():
    normalizer = Normalizer(load("quadratic"))
    first, second = normalizer.slopes("scale", {"scale": SCALE})
    assert float(first) == pytest.approx(1 / SCALE, rel=1e-15)
    assert float(second) == pytest.approx(-1 / SCALE**2, rel=1e-14)
    at_zero = Normalizer(load("barron")).slopes("alpha", {"alpha": 1e-9, "scale": 1.0})[0]
    assert float(at_zero) == pytest.approx(-0.859772866, rel=1e-7)


def test_an_interval_adds_up():
    normalizer = Normalizer(load("huber"))
    here = {"delta": 1.345}
    parts = [normalizer.log_partition_on(*ends, here).exp() for ends in ((-3, 0.5), (0.5, 4))]
    whole = normalizer.log_partition_on(-3, 4, here).exp()
    assert abs(float(parts[0] + parts[1] - whole)) < 1e-35
    far = normalizer.log_partition_on(-900, 900, here)
    assert abs(float(far - normalizer.log_partition(here))) < 1e-35


def test_where_a_density_exists():
    barron = Normalizer(load("barron"))
    for alpha, truth in ((0.0, True), (1e-300, True), (-1e-12, False), (-math.inf, False)):
        assert barron.exists({"alpha": alpha, "scale": 1.0}) == truth, alpha
    assert barron.exists({"alpha": math.inf, "scale": 1.0})
    assert not Normalizer(load("welsch")).exists({"scale": 1.0})


def test_what_the_quadrature_cannot_follow_is_said():
    x = sympy.Symbol("x", real=True)
    with pytest.raises(BadInput, match="cosh"):
        Normalizer(Loss("log_cosh", "", "", (x,), sympy.log(sympy.cosh(x))))


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


def verdicts(tmp_path, text):
    file = tmp_path / "quadratic.py"
    file.write_text(text)
    with Runner("numpy") as runner:
        names = runner.names(file)
        rows = list(Densities(load("quadratic")).rows("numpy", file, names, runner))
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
