"""The divergence of Kullback and Leibler in NumPy, against closed forms and mpmath."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from divergences import PAIRS, cauchy, laplace, normal
from mpmath import mp
from table import INF, generated


@pytest.mark.parametrize(
    ("loss", "closed"), [("quadratic", normal), ("cauchy", cauchy), ("absolute", laplace)]
)
def test_it_is_the_known_one(loss, closed):
    divergence = generated("numpy", loss).kl_divergence
    for (a, s), (b, t) in PAIRS:
        with mp.workdps(40):
            want = float(closed(mp.mpf(0), mp.mpf(s), mp.mpf(b - a), mp.mpf(t)))
        assert divergence((s,), {"scale": t}, b - a) == pytest.approx(want, rel=1e-12)


def test_of_students():
    divergence = generated("numpy", "student_t").kl_divergence
    assert divergence((3.0,), (5.0,)) == pytest.approx(0.017630989633398965589, rel=1e-13)
    # nearly all of it lies beyond the panels; then a normal density from one without variance
    got = divergence({"df": 0.01}, {"df": 0.02})
    assert got == pytest.approx(0.30380230121011832, rel=1e-12)
    assert divergence((1.5,), (INF,)) == INF
    with mp.workdps(30):  # E[x^2]/2 - entropy + log(2 pi)/2
        n = mp.mpf(5) / 2
        apart = mp.digamma((n + 1) / 2) - mp.digamma(n / 2)
        entropy = (n + 1) / 2 * apart + mp.log(mp.sqrt(n) * mp.beta(n / 2, 0.5))
        want = float(n / (n - 2) / 2 - entropy + mp.log(2 * mp.pi) / 2)
    assert divergence((2.5,), (INF,)) == pytest.approx(want, rel=1e-12)


def test_where_it_ends_nowhere_and_where_it_is_nothing():
    divergence = generated("numpy", "barron").kl_divergence
    assert divergence((0.0,), (1.0,)) == divergence((2.0,), (INF,)) == INF
    assert divergence((1.0,), (0.0,)) == pytest.approx(0.19006108762092624, rel=1e-12)
    assert divergence((1.5, 0.3), (1.5, 0.3)) == 0
    with pytest.raises(ValueError, match="alpha must be >= 0"):
        divergence((1.0,), (-1.0,))
    with pytest.raises(TypeError, match="beta"):
        divergence((1.0,), {"beta": 1.0})


@pytest.mark.parametrize("shift", [0.0, 0.5, -30.0])
def test_kinks_of_both_are_ends(shift):
    """By mpmath, between the kinks of both."""
    huber = generated("numpy", "huber")
    ours, theirs = 0.3, 1.7
    with mp.workdps(25):

        def loss(x, d):
            return x * x / 2 if abs(x) <= d else d * (abs(x) - mp.mpf(d) / 2)

        def log_z(d):
            d = mp.mpf(d)
            inside = mp.sqrt(2 * mp.pi) * mp.erf(d / mp.sqrt(2))
            return mp.log(inside + 2 * mp.exp(-d * d / 2) / d)

        def term(x):
            first = -loss(x, ours) - log_z(ours)
            return mp.exp(first) * (first + loss(x - shift, theirs) + log_z(theirs))

        points = {-ours, ours, shift - theirs, shift + theirs, 0.0, *(s * v for s in (-1, 1)
                  for v in (10, 40, 100, 200, 400))}  # fmt: skip
        want = float(mp.quad(term, sorted(points)))
    assert huber.kl_divergence((ours,), (theirs,), shift) == pytest.approx(want, rel=1e-12)


def test_shapes_types_and_the_other_target():
    student = generated("numpy", "student_t")
    got = student.kl_divergence((3.0, np.ones((2, 1))), (np.array([1.0, 2.0, 5.0]),), 0.4)
    assert got.shape == (2, 3)
    assert student.kl_divergence((np.float32(3),), (np.float32(5),)).dtype == np.float32
    made = generated("torch", "student_t").StudentT
    at = [torch.tensor(v, dtype=torch.float64) for v in (0.0, 3.0, 1.0, 0.4, 2.0, 1.0)]
    want = torch.distributions.kl_divergence(made(*at[:3]), made(*at[3:]))
    assert got[1, 1] == pytest.approx(float(want), rel=1e-12)
