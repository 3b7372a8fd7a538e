"""The density of specialised losses: what is known of the wider one is not lost."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp
from sympy import Integer, Rational, oo

from derive.calculus import derive
from derive.calculus.limits import at_point
from derive.calculus.partition.form import evaluate as stored
from derive.definitions.catalogue import load
from derive.definitions.specialise import specialise
from derive.numerics.evaluate import evaluate
from derive.numerics.stabilise import stabilise
from derive.program.density import density_forms


def _limit(loss, parameter, value):
    (found,) = {m.value for m in at_point(loss, "loss", loss.expression, parameter, value)}
    return found


def _forms(name, value):
    barron = load("barron")
    parameter = next(p for p in barron.parameters if p.name == name)
    derivation = derive(specialise(barron, {parameter: value}, _limit))
    return density_forms(derivation, stabilise(derivation))


@pytest.mark.parametrize("alpha", [oo, Rational(1, 2), Integer(3)])
def test_a_fixed_shape_keeps_its_normalizer(alpha):
    form = _forms("alpha", alpha)
    got = evaluate(form.functions["log_partition"], {"scale": np.array([1.0, 2.0])})
    want = stored(np.array([float(alpha)]), 0)[0] + np.log([1.0, 2.0])
    np.testing.assert_allclose(got, want, rtol=4e-16, atol=2e-16)


def test_a_fixed_length_keeps_its_normalizer():
    form = _forms("scale", Integer(2))
    assert form.rule.startswith("alpha must be >= 0")
    assert form.table is not None
    assert set(form.functions) == {
        "log_partition", "d_log_partition_alpha", "d2_log_partition_alpha",
    }  # fmt: skip
    (length,) = form.functions["log_partition"].args[0].args
    assert evaluate(length, {}) == mp.mpf(2)
