"""The documented fit of real data: three independent ways to one line."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def example(load):
    return load("line_with_outliers")


@pytest.mark.parametrize("data", ["engel", "stack_loss"])
def test_the_huber_fit_is_that_of_statsmodels(example, data):
    design, response = getattr(example, data)()
    reference = example.fit_by_statsmodels(design, response)
    weighted = example.fit_by_weights(design, response)
    optimized = example.fit_by_optimizer(design, response, reference.scale)
    assert weighted.scale == pytest.approx(reference.scale, rel=1e-6, abs=0)
    for fit in (weighted, optimized):
        assert fit.coefficients == pytest.approx(reference.coefficients, rel=1e-6, abs=1e-6)


def test_the_outliers_matter(example):
    design, response = example.engel()
    plain = example.least_squares(design, response, np.ones_like(response))
    robust = example.fit_by_weights(design, response).coefficients
    assert robust[1] - plain[1] > 0.05
