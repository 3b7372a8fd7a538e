"""Parameters outside their domain: a ValueError that names the parameter and the rule."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from table import (
    CLASSES,
    DEFINITIONS,
    INF,
    LOSSES,
    NAN,
    PARAMETERS,
    TARGETS,
    array,
    generated,
    numbers,
    quantities,
)

LENGTHS = [(loss, PARAMETERS[loss][-1]) for loss in LOSSES]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bad", [0.0, -0.0, -1.0, NAN, INF, -INF, 0, -3], ids=repr)
@pytest.mark.parametrize(("loss", "name"), LENGTHS)
def test_a_length_is_positive_and_finite(loss, name, bad, target):
    module = generated(target, loss)
    good = array(target, [1.5, 2.0])
    forms = [bad]
    if target == "numpy":  # tensors are not looked at, so that nothing waits for a device
        forms += [array(target, float(bad)), array(target, [1.0, float(bad)])]
    for function in (*quantities(loss), "value_and_grad"):
        for value in forms:
            with pytest.raises(ValueError, match=rf"^{name} must be > 0 and finite, got "):
                getattr(module, function)(good, **{name: value})


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_alpha_is_not_nan(target, where):
    module = generated(target, "barron")
    alphas = np.array([1.0, 2.0, 0.0])
    alphas[where] = NAN
    values = (NAN, array(target, NAN), array(target, alphas)) if target == "numpy" else (NAN,)
    for function in quantities("barron"):
        for value in values:
            with pytest.raises(ValueError, match=r"alpha.*NaN"):
                getattr(module, function)(array(target, [1.0, 1.0, 1.0]), alpha=value)


@pytest.mark.parametrize("bad", ["1", "text", None, 1j, [None], object, np.array("1")], ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_no_number_is_refused_by_name(loss, bad):
    for name in PARAMETERS[loss]:
        for function in (*quantities(loss), "value_and_grad"):
            with pytest.raises(ValueError, match=f"^{name} must be .*, got "):
                getattr(generated("numpy", loss), function)(np.ones(3), **{name: bad})


@pytest.mark.parametrize("target", TARGETS)
def test_a_bad_parameter_is_refused_also_beside_no_residual(target):
    for x in (np.zeros(0), np.array(NAN)):
        with pytest.raises(ValueError, match="delta"):
            generated(target, "huber").loss(array(target, x), -1.0)


@pytest.mark.parametrize("loss", LOSSES)
def test_modules_refuse_when_they_are_used(loss):
    name = PARAMETERS[loss][-1]
    with pytest.raises(ValueError, match=rf"{name}.*> 0"):
        module = getattr(generated("torch", loss), CLASSES[loss])(**{name: -1.0})
        module(torch.zeros(3), torch.zeros(3))


@pytest.mark.parametrize("bad", ["avg", None, "MEAN", 1], ids=repr)
def test_an_unknown_reduction_is_refused(bad):
    with pytest.raises(ValueError, match="reduction"):
        generated("torch", "huber").HuberLoss(reduction=bad)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_defaults_are_one(loss, target):
    x = array(target, [-2.0, 0.5])
    module = generated(target, loss)
    for name in quantities(loss):
        signature = inspect.signature(getattr(module, name))
        assert list(signature.parameters) == ["x", *PARAMETERS[loss]]
        assert [p.default for p in signature.parameters.values()][1:] == [1.0] * len(
            PARAMETERS[loss]
        )
        explicit = getattr(module, name)(x, *[1.0] * len(PARAMETERS[loss]))
        np.testing.assert_array_equal(numbers(getattr(module, name)(x)), numbers(explicit))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_shapes_that_do_not_broadcast_are_refused(loss, target):
    with pytest.raises((ValueError, RuntimeError)):
        generated(target, loss).loss(array(target, np.ones(3)), array(target, np.ones(4)))


@pytest.mark.parametrize("target", TARGETS)
def test_arguments_are_left_alone(target):
    for loss in DEFINITIONS:
        x = array(target, [-1.0, NAN, 3.0])
        parameters = [array(target, [0.5, 1.0, 2.0]) for _ in PARAMETERS[loss]]
        before = [numbers(v).copy() for v in (x, *parameters)]
        for name in quantities(loss):
            getattr(generated(target, loss), name)(x, *parameters)
        for value, old in zip((x, *parameters), before, strict=True):
            np.testing.assert_array_equal(numbers(value), old)
