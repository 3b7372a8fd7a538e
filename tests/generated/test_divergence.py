"""The divergence of Kullback and Leibler between two densities of a loss."""

from __future__ import annotations

import pytest
import torch
from divergences import PAIRS, cauchy, laplace, normal
from mpmath import mp
from typed_torch import (
    F64,
    INF,
    Absolute,
    Barron,
    Cauchy,
    HuberByQuadrature,
    Pinball,
    Quadratic,
    StudentT,
    tensors,
)

divergence = torch.distributions.kl_divergence


@pytest.mark.parametrize(
    ("make", "closed"), [(Quadratic, normal), (Cauchy, cauchy), (Absolute, laplace)]
)
@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_it_is_the_integral(make, closed, p, q):
    got = float(divergence(make(*tensors(*p)), make(*tensors(*q))))
    with mp.workdps(40):
        want = float(closed(*(mp.mpf(v) for v in (*p, *q))))
    # two logarithms of densities are known to 1e-16, and this is the square of their difference
    assert got == pytest.approx(want, rel=3e-12)


def test_of_two_students():
    got = divergence(StudentT(*tensors(0.0, 3.0)), StudentT(*tensors(0.0, 5.0)))
    assert float(got) == pytest.approx(0.017630989633398965589, rel=1e-13)
    # by mpmath: nearly all of it lies beyond the panels
    got = divergence(StudentT(*tensors(0.0, 0.01, 1.0)), StudentT(*tensors(0.0, 0.02, 1.0)))
    assert float(got) == pytest.approx(0.30380230121011832, rel=1e-12)
    narrow = divergence(*(StudentT(*tensors(0.0, df, dtype=torch.float32)) for df in (3.0, 5.0)))
    assert narrow.dtype == torch.float32
    assert float(narrow) == pytest.approx(0.0176309896, rel=1e-5)


def test_where_it_ends_nowhere():
    for p, q in (((0.0, 0.0, 1.0), (0.0, 1.0, 1.0)), ((0.0, 2.0, 1.0), (0.0, INF, 1.0))):
        assert float(divergence(Barron(*tensors(*p)), Barron(*tensors(*q)))) == INF
        assert float(divergence(Barron(*tensors(*q)), Barron(*tensors(*p)))) < 1


def test_of_itself_it_is_nothing():
    one = Pinball(*tensors(0.3, 0.2, 1.0))
    assert float(divergence(one, one)) == 0
    batch = divergence(Pinball(torch.zeros(3, 1), 0.3), Pinball(0.5, 0.3, torch.ones(2)))
    assert batch.shape == (3, 2)
    assert (batch > 0).all()


@pytest.mark.parametrize("make", [Quadratic, Absolute, Cauchy, HuberByQuadrature])
def test_it_is_differentiable(make):
    at = [torch.tensor(v, dtype=F64, requires_grad=True) for v in (0.3, 1.2, -0.4, 0.8)]
    between = lambda a, c, b, d: divergence(make(a, c), make(b, d))  # noqa: E731
    assert torch.autograd.gradcheck(between, at)
