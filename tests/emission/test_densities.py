"""Density files as they are printed, on losses in their plain form: no stable one is sought."""

from __future__ import annotations

import importlib
import importlib.util
import math
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from forms import derived
from losses import own
from scipy import stats
from sympy import (
    Abs,
    FiniteSet,
    Float,
    Integer,
    Interval,
    Piecewise,
    Rational,
    Symbol,
    Union,
    log,
    oo,
)

from derive.calculus.limits import at_point
from derive.definitions.catalogue import load
from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.definitions.specialise import specialise
from derive.definitions.symbols import alpha, scale, x
from derive.emission.bundle import bundle
from derive.emission.densities import render_density
from derive.emission.render import render, templates_folder
from derive.emission.targets import TARGETS
from derive.files import runtime
from derive.numerics.forms import Regime, StableForm
from derive.numerics.lower import lower
from derive.program.density import density_module
from derive.program.lowering import lower_module

NUMPY = TARGETS["numpy"]


def texts(loss):
    """The two files; quantities are evaluated as they are typed."""
    derivation = derived(loss)
    quantities = {n: lower(loss.expand(e)) for n, e in derivation.pretty.items()}
    form = StableForm(loss, (Regime("", "", None, quantities),), (), {}, "")
    module = lower_module(derivation, form, loss.name)
    return render(module, NUMPY), render_density(density_module(derivation, module), NUMPY)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Writes the files of a loss and imports the density."""
    folder = tmp_path_factory.mktemp("emitted") / "emitted_densities"
    (folder / "densities").mkdir(parents=True)
    for place in (folder, folder / "densities"):
        (place / "__init__.py").write_text("")
    for name in NUMPY.runtime:
        shutil.copy(templates_folder() / "numpy" / name, folder / name)
    sys.path.insert(0, str(folder.parent))

    def written(loss):
        plain, density = texts(loss)
        (folder / f"{loss.name}.py").write_text(plain)
        (folder / "densities" / f"{loss.name}.py").write_text(density)
        importlib.invalidate_caches()
        return importlib.import_module(f"{folder.name}.densities.{loss.name}")

    yield written
    sys.path.remove(str(folder.parent))


d, s, k, b, kappa = (Symbol(n, positive=True) for n in ("d", "s", "k", "b", "kappa"))
OWN = {
    "quantile_huber": (own("quantile_huber"), (), 2.4909390363394581623),
    "huber_over_b": (
        Loss("huber_over_b", "h", "h", (x, k, b),
             Piecewise((x**2 / (2 * k), Abs(x) < k), (Abs(x) - k / 2, True)) / b),
        (), 1.0730585907133920042,
    ),
    "generalized_normal": (
        own("generalized_normal"), (3.0, 2.0), math.log(4 * math.gamma(4 / 3)),
    ),
    "elastic_net": (own("elastic_net"), (40.0, 1.0), -2.9963562999891701154),
    "linex": (own("linex"), (), None),
    "asymmetric_laplace": (own("asymmetric_laplace"), (), 2.2537949288246137),
    "log_cosh": (own("log_cosh"), (2.0,), None),
}  # fmt: skip


def loss_stretch(loss):
    return {"generalized_normal": "scale", "asymmetric_laplace": "s"}.get(loss.name)


@pytest.mark.parametrize("name", OWN)
def test_a_users_loss_has_what_the_catalogue_has(name, write):
    given, at, want = OWN[name]
    loss = find(given) if isinstance(given, str) else given
    module = write(loss)
    if want is not None:
        assert module.log_partition(*at) == pytest.approx(want, rel=1e-14)
    draws = module.sample(np.random.default_rng(3), 20_000, *at)
    assert stats.kstest(module.cdf(draws, *at), "uniform").pvalue > 1e-3
    np.testing.assert_allclose(module.cdf(module.ppf([0.1, 0.6], *at), *at), [0.1, 0.6], rtol=1e-12)
    for p in loss.parameters:
        slope = getattr(module, f"d_log_partition_{p}")(*at)
        values = [loss.default(q) for q in loss.parameters] if not at else list(at)
        place = loss.parameters.index(p)
        beside = [[*values], [*values]]
        step = 1e-4 * values[place]
        beside[0][place] -= step
        beside[1][place] += step
        low, high = (module.log_partition(*v) for v in beside)
        assert slope == pytest.approx((high - low) / (2 * step), rel=1e-5)
    made = module.distribution(stats.rv_continuous)
    shapes = [loss.default(p) for p in loss.parameters if p.name != loss_stretch(loss)]
    assert 0 < made.cdf(0.3, *shapes) < 1


def test_an_emitted_file_is_short_and_formatted(tmp_path):
    for name, most in (("huber", 60), ("smooth_l1", 60), ("quadratic", 60), ("student_t", 62)):
        _, text = texts(load(name))
        assert text.count("\n") <= most, name
        (tmp_path / f"{name}.py").write_text(text)
    command = ["ruff", "format", "--check", "--line-length", "100", str(tmp_path)]
    command[0] = str(Path(sys.executable).with_name("ruff"))
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_same_formula_in_other_letters_gives_the_same_file_but_for_them():
    df, c = Symbol("df", extended_positive=True), Symbol("scale", positive=True)
    nu, sigma = Symbol("nu", extended_positive=True), Symbol("sigma", positive=True)

    def student(name, n, width, order):
        formula = (n + 1) / 2 * log(1 + (x / width) ** 2 / n)
        domains = {n: Union(Interval.open(0, oo), FiniteSet(oo))}
        special = {n: (oo,)}
        return Loss(name, "S", "s", (x, *order), formula, special=special, domains=domains)

    one = texts(student("one", df, c, (df, c)))[1]
    other = texts(student("other", nu, sigma, (nu, sigma)))[1]
    turned = other
    for letters, ours in (("other", "one"), ("nu", "df"), ("sigma", "scale")):
        turned = re.sub(rf"(?<![a-zA-Z]){letters}(?![a-zA-Z])", ours, turned)
    digest = re.compile(r"sha256 \w+")
    assert digest.sub("", turned) == digest.sub("", one)
    # with the scale first there is all that there is with it last
    first = texts(student("one", df, c, (c, df)))[1]
    assert "gamma_gap" in first
    assert 'scale="scale"' in first
    names = re.compile(r"^(?:_log_z|d2?_log\w+) =|^def (\w+)", re.MULTILINE)
    assert sorted(names.findall(first)) == sorted(names.findall(one))


def test_huber_under_another_name_has_all_of_it():
    huber = load("huber")
    again = Loss("huber2", huber.title, huber.source, huber.variables, huber.loss)
    mine, theirs = texts(again)[1], texts(huber)[1]
    digest = re.compile(r"sha256 \w+")
    assert digest.sub("", mine.replace("huber2", "huber")) == digest.sub("", theirs)


def _limit(loss, parameter, value):
    (found,) = {m.value for m in at_point(loss, "loss", loss.expression, parameter, value)}
    return found


@pytest.mark.parametrize(
    ("fixed", "at", "want"),
    [
        ({alpha: Rational(1, 2)}, (2.0,), None),
        ({scale: Integer(2)}, (0.5,), None),
        ({alpha: Integer(3), scale: Integer(2)}, (), None),
        ({alpha: Integer(2), scale: Float(0.5)}, (), np.log(0.5) + np.log(2 * np.pi) / 2),
    ],
)
def test_a_specialised_loss_keeps_its_density(fixed, at, want, write):
    from tools.partition import evaluate

    name = "fixed_" + "_".join(
        f"{p}_{str(v).translate({46: 'd', 47: 'o'})}" for p, v in fixed.items()
    )
    module = write(specialise(load("barron"), fixed, _limit, name))
    if want is None:
        shape = float(fixed.get(alpha, 0.5))
        want = float(evaluate(shape)) + np.log(2)
    assert module.log_partition(*at) == pytest.approx(want, rel=1e-13)
    assert np.isfinite(module.cdf(0.3, *at))


def test_a_bundle_does_what_the_files_do(write, tmp_path):
    loss = find(own("pinball"))
    apart = write(loss)
    plain, density = texts(loss)
    (tmp_path / "pinball_alone.py").write_text(bundle("pinball", plain, runtime(NUMPY), density))
    spec = importlib.util.spec_from_file_location("pinball_alone", tmp_path / "pinball_alone.py")
    alone = importlib.util.module_from_spec(spec)
    sys.modules["pinball_alone"] = alone
    spec.loader.exec_module(alone)
    assert {"cdf", "log_partition", "d_log_partition_tau", "sample", "loss"} <= set(alone.__all__)
    q = np.linspace(0.01, 0.99, 9)
    np.testing.assert_array_equal(alone.ppf(q, 0.3), apart.ppf(q, 0.3))
    draws = [m.sample(np.random.default_rng(1), 5, 0.3) for m in (alone, apart)]
    np.testing.assert_array_equal(*draws)
    frozen = alone.distribution(stats.rv_continuous)
    assert pickle.loads(pickle.dumps(frozen)).cdf(1.0, 0.3) == apart.cdf(1.0, 0.3)
