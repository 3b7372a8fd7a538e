"""A file at fixed parameters has what the full file has of its density, with the same values."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch
from scipy import stats
from sympy import Integer, Rational
from table import generated

from derive.calculus.limits import at_point
from derive.definitions.catalogue import load
from derive.definitions.specialise import specialise
from derive.pipeline import build
from derive.progress import Progress

F64 = torch.float64
FULL = {name: generated("numpy", name) for name in ("barron", "student_t")}
CLASSES = {"barron": "Barron", "student_t": "StudentT"}
# the loss, what is fixed, what is left, and the values of all parameters
QUICK = [
    ("barron", ("alpha", Rational(1, 2)), (1.4,), (0.5, 1.4)),
    ("barron", ("alpha", Integer(0)), (1.4,), (0.0, 1.4)),
    ("student_t", ("scale", Integer(2)), (2.5,), (2.5, 2.0)),
]
# each goes the whole way, which takes ten seconds
SWEEP = [
    ("barron", ("alpha", Integer(3)), (1.4,), (3.0, 1.4)),
    ("barron", ("scale", Integer(2)), (0.7,), (0.7, 2.0)),
    ("student_t", ("df", Integer(3)), (1.4,), (3.0, 1.4)),
]
CASES = [*QUICK, *(pytest.param(case, marks=pytest.mark.slow) for case in SWEEP)]


def _limit(loss, parameter, value):
    (found,) = {m.value for m in at_point(loss, "loss", loss.expression, parameter, value)}
    return found


@pytest.fixture(scope="module", params=CASES, ids=lambda c: f"{c[0]}-{c[1][0]}-{c[1][1]}")
def made(request, tmp_path_factory):
    """The two files, imported, and the full one's parameters."""
    name, (fixed, value), left, full = request.param
    wider = load(name)
    parameter = next(p for p in wider.parameters if p.name == fixed)
    loss = specialise(wider, {parameter: value}, _limit)
    files = build(loss, ("numpy", "torch"), name, Progress(), joined=True).files
    folder, modules = tmp_path_factory.mktemp("specialised"), []
    for path, text in files.items():
        place = folder / path.replace("/", "_")
        place.write_text(text)
        spec = importlib.util.spec_from_file_location(place.stem, place)
        module = importlib.util.module_from_spec(spec)
        sys.modules[place.stem] = module
        spec.loader.exec_module(module)
        modules.append(module)
    yield name, modules, left, full
    for module in modules:
        del sys.modules[module.__name__]


def test_probabilities_moments_and_norm(made):
    name, (numpy, torch_file), left, full = made
    wide = FULL[name]
    x, q = np.array([-1e3, -3.0, -0.2, 0.0, 0.9, 40.0]), np.array([1e-9, 0.1, 0.45, 0.5, 0.9])
    for function, at in (("cdf", x), ("sf", x), ("ppf", q), ("log_density", x)):
        got, want = (getattr(m, function)(at, *v) for m, v in ((numpy, left), (wide, full)))
        np.testing.assert_allclose(got, want, rtol=2e-12)
    for order in (1, 2, 3, 4):
        got, want = numpy.moment(order, *left), wide.moment(order, *full)
        np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(numpy.entropy(*left), wide.entropy(*full), rtol=1e-13)
    on = [m.log_partition_on(-1.0, 2.0, *v) for m, v in ((numpy, left), (wide, full))]
    np.testing.assert_allclose(*on, rtol=1e-14)
    d = getattr(torch_file, CLASSES[name])(*(torch.tensor(v, dtype=F64) for v in (0.0, *left)))
    np.testing.assert_allclose(d.cdf(torch.tensor(x)), wide.cdf(x, *full), rtol=2e-12)
    np.testing.assert_allclose(d.entropy(), wide.entropy(*full), rtol=1e-13)
    if wide.moment(2, *full) < np.inf:
        np.testing.assert_allclose(d.variance, wide.moment(2, *full), rtol=1e-12)
    if full[0] == 0:
        with pytest.raises(ValueError, match="diverges"):
            numpy.log_partition_norm(2, *left)
        return
    want = wide.log_partition_norm(2, *full)
    np.testing.assert_allclose(numpy.log_partition_norm(2, *left), want, rtol=1e-12)
    given = [torch.tensor(v, dtype=F64) for v in left]
    np.testing.assert_allclose(torch_file.log_partition_norm(2, *given), want, rtol=1e-12)


def test_draws_and_the_distributions(made):
    name, (numpy, torch_file), left, full = made
    draws = numpy.sample(np.random.default_rng(5), 20_000, *left)
    assert stats.kstest(FULL[name].cdf(draws, *full), "uniform").pvalue > 1e-3
    torch.manual_seed(5)
    d = getattr(torch_file, CLASSES[name])(*(torch.tensor(v, dtype=F64) for v in (0.0, *left)))
    draws = d.sample((20_000,)).numpy()
    assert stats.kstest(FULL[name].cdf(draws, *full), "uniform").pvalue > 1e-3
    scipy = numpy.distribution(stats.rv_continuous)
    got = scipy.cdf(0.3, *left) if left == full[:1] else scipy.cdf(0.3, scale=left[0])
    np.testing.assert_allclose(got, FULL[name].cdf(0.3, *full), rtol=1e-13)
    where = torch.tensor(left[0], dtype=F64, requires_grad=True)
    getattr(torch_file, CLASSES[name])(0.0, where).rsample((5,)).sum().backward()
    assert torch.isfinite(where.grad)
