"""The registered divergences of Kullback and Leibler, against quadrature of the definition."""

from __future__ import annotations

import math

import pytest
import torch
from mpmath import mp
from table import DEFINITIONS, generated

F64 = torch.float64
NAMES = {"quadratic": "Quadratic", "absolute": "Absolute", "cauchy": "Cauchy"}
# (place, length) of p and of q: apart, close, very close, equal, and far apart
PAIRS = [
    ((0.3, 1.0), (-0.8, 2.5)), ((0.3, 2.5), (0.31, 2.4)), ((1.0, 0.7), (1.0, 0.7 + 1e-7)),
    ((1.0 + 1e-7, 0.7), (1.0, 0.7)), ((0.0, 0.01), (0.05, 0.02)), ((5.0, 1.0), (-20.0, 1.0)),
]  # fmt: skip


def _exact(loss, p, q):
    """The integral of p log(p/q), cut at the places and at multiples of the lengths."""
    with mp.workdps(50):
        (a, c), (b, d) = ([mp.mpf(v) for v in pair] for pair in (p, q))
        f = DEFINITIONS[loss]
        z = {"quadratic": mp.sqrt(2 * mp.pi), "absolute": 2, "cauchy": mp.sqrt(2) * mp.pi}[loss]

        def term(x):
            first = f(x - a, c)
            ratio = f(x - b, d) - first + mp.log(d / c)
            return mp.exp(-first) / (c * z) * ratio

        reach = [0.5, 1, 2, 4, 8, 16] if loss != "cauchy" else [2.0**k for k in range(-1, 12)]
        cuts = {a + s * c * k for k in reach for s in (-1, 1)}
        cuts |= {b + s * d * k for k in reach for s in (-1, 1)}
        ends = [-mp.inf, *sorted({a, b, *cuts}), mp.inf]
        return mp.quad(term, ends)


@pytest.mark.parametrize("loss", NAMES)
@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_it_is_the_integral(loss, p, q):
    make = getattr(generated("torch", loss), NAMES[loss])
    first, second = (make(*(torch.tensor(v, dtype=F64) for v in pair)) for pair in (p, q))
    got = float(torch.distributions.kl_divergence(first, second))
    want = float(_exact(loss, p, q))
    # where p and q nearly agree the floating inputs themselves decide it, and they are exact
    assert got == pytest.approx(want, rel=1e-13)
    assert want > 0


@pytest.mark.parametrize("loss", NAMES)
def test_of_itself_it_is_nothing_and_far_away_infinite(loss):
    make = getattr(generated("torch", loss), NAMES[loss])
    one = make(torch.tensor([0.3, -1.0]), torch.tensor([2.0, 0.1]))
    assert torch.distributions.kl_divergence(one, one).tolist() == [0.0, 0.0]
    far = make(torch.tensor(1e300, dtype=F64), torch.tensor(1e-300, dtype=F64))
    near = make(torch.tensor(0.0, dtype=F64), torch.tensor(1e-300, dtype=F64))
    value = float(torch.distributions.kl_divergence(near, far))
    assert value == math.inf if loss != "cauchy" else value > 2000
    batch = torch.distributions.kl_divergence(make(torch.zeros(3, 1), 1.0), make(0.5, torch.ones(2)))
    assert batch.shape == (3, 2)


@pytest.mark.parametrize("loss", NAMES)
def test_it_is_differentiable(loss):
    make = getattr(generated("torch", loss), NAMES[loss])
    at = [torch.tensor(v, dtype=F64, requires_grad=True) for v in (0.3, 1.2, -0.4, 0.8)]
    between = lambda a, c, b, d: torch.distributions.kl_divergence(make(a, c), make(b, d))  # noqa: E731
    assert torch.autograd.gradcheck(between, at)
