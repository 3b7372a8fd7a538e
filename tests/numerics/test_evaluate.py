"""Values of forms over arrays: what occurs again is computed once, and nothing is kept after."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from derive.numerics.evaluate import USUAL, Values, evaluate, varies
from derive.numerics.helpers import HELPERS, sigmoid
from derive.numerics.nodes import Name, call

X = {"x": np.linspace(0.5, 4, 7)}


def _form():
    return call("exp", Name("x") + 1)


def _counted(calls):
    def exp(value):
        calls.append(value)
        return np.exp(value)

    return {**USUAL, "exp": exp}


def test_equal_parts_are_computed_once_in_one_form_and_in_several():
    calls = []
    values = Values(X, functions=_counted(calls))
    got = values.of(_form() * _form())
    assert np.array_equal(got, np.exp(X["x"] + 1) ** 2)
    values.of(_form() / Name("x"))
    assert len(calls) == 1


def test_a_helper_is_computed_once_for_equal_arguments():
    calls = []
    values = Values(X, functions=_counted(calls))
    values.of(sigmoid(Name("x") + 1))
    first = len(calls)
    values.of(sigmoid(Name("x") + 1) * 2)
    assert len(calls) == first > 0


def test_numbers_of_either_sign_of_zero_are_told_apart():
    zeros = call("div", 1, Name("x") * 0.0) - call("div", 1, Name("x") * -0.0)
    assert np.all(evaluate(zeros, X) == np.inf)


def test_no_array_outlives_the_evaluation():
    seen = []

    def exp(value):
        seen.append(weakref.ref(value))
        return np.exp(value)

    gc.disable()
    try:
        evaluate(_form(), X, functions={**USUAL, "exp": exp})
        assert [ref() for ref in seen] == [None]
    finally:
        gc.enable()


def test_which_forms_differ_between_targets():
    assert varies(call("log1p", Name("x")))
    assert not varies(_form())
    for helper in HELPERS.values():
        if helper.shortcut is not None:
            assert varies(helper(*map(Name, helper.parameters)))
