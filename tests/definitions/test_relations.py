"""Relations between parameters: read, refused where they cannot hold, kept by what is drawn."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from sympy import Abs, Interval, Piecewise, Symbol, oo

from derive.calculus.samples import generic_points
from derive.definitions.accepted import accept
from derive.definitions.loss import Loss
from derive.definitions.lossfile import parse
from derive.definitions.relations import in_order, satisfied, shown
from derive.definitions.samples import draw, spread
from derive.definitions.specialise import read_settings, specialise
from derive.definitions.symbols import x
from derive.errors import BadInput
from derive.numerics.errors import samples
from derive.verification.special import shown_parameters, special_sample

a, b, c = (Symbol(name, positive=True) for name in "abc")
TEXT = """name = "plateau"
loss = "piecewise((x**2/2, abs(x) <= a), (a**2/2, abs(x) <= b), (a**2/2 + abs(x) - b, True))"
require = {require}
[variables]
x = "real"
a = {a}
b = "positive"
[defaults]
a = 1
b = 2
"""
THREE = Loss(
    name="three",
    variables=(x, a, b, c),
    require=(a <= b, b < c),
    defaults={a: 1.0, b: 2.0, c: 4.0},
    loss=Piecewise((x**2, Abs(x) <= a), (a * b, Abs(x) <= b), (a / c, True)),
)


def plateau(require: str, kind: str = '"positive"') -> Loss:
    return parse(TEXT.format(require=require, a=kind), "plateau.toml")


@pytest.mark.parametrize(
    ("text", "relations"),
    [
        ('["a <= b"]', [a <= b]),
        ('["a<b"]', [a < b]),
        ('["b >= a"]', [b >= a]),
        ("[]", []),
    ],
)
def test_a_loss_file_states_relations(text, relations):
    assert list(plateau(text).require) == relations


def test_a_chain_is_several_relations_and_shown_as_one():
    text = TEXT.replace("{require}", '["a <= b < c"]').replace("(x) - b", "(x) - b/c")
    text = text.replace("{a}", '"positive"').replace("[defaults]", 'c = "positive"\n[defaults]')
    loss = parse(f"{text}c = 3", "chain.toml")
    assert loss.require == (a <= b, b < c)
    assert shown(loss.require) == "a <= b < c"
    assert shown([a < c, b >= a]) == "a < c, a <= b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"a <= b"', "expected a list"),
        ("[1]", "expected a list"),
        ('["a"]', "does not compare parameters"),
        ('["a <= 2"]', "does not compare parameters"),
        ('["x < a"]', "does not compare parameters"),
        ('["a == b"]', "does not compare parameters"),
        ('["a < b", "b <= a"]', "goes round in a circle"),
        ('["b < a"]', "must satisfy b < a"),
    ],
)
def test_what_is_no_relation_is_told(text, words):
    with pytest.raises(BadInput, match=words):
        plateau(text)


def test_what_is_compared_has_one_domain():
    with pytest.raises(BadInput, match="'a' and 'b' need one domain"):
        plateau('["a <= b"]', '"[0, 2]"')


def test_a_relation_in_code_is_one_between_parameters():
    with pytest.raises(BadInput, match="does not compare two parameters"):
        accept(replace(THREE, require=(a < 2 * b,)), "three.py")


def test_the_digest_and_a_copy_know_the_relations():
    assert replace(THREE, require=()).digest != THREE.digest
    assert pickle.loads(pickle.dumps(THREE)).require == THREE.require


def test_values_are_exchanged_until_they_are_in_order():
    assert in_order(THREE, {x: -1, a: 3, b: 2, c: 1}) == {x: -1, a: 1, b: 2, c: 3}
    assert satisfied(THREE, {a: 2, b: 2, c: 3})
    assert not satisfied(THREE, {a: 1, b: 2, c: 2})
    assert satisfied(THREE, {a: 1, c: 0.5})  # b is not given


def _ordered(sample) -> bool:
    low, middle, high = np.array([g.parameters for g in sample.groups]).T
    return bool(np.all(low <= middle) and np.all(middle < high))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_all_that_is_drawn_is_in_order(dtype):
    for name in ("everyday", "whole"):
        found = draw(THREE, name, dtype, 2000)
        assert _ordered(found)
        assert len({g.parameters for g in found.groups}) > 20
    assert _ordered(special_sample(THREE, dtype))


def test_what_chooses_forms_and_the_tables_are_in_order():
    assert all(map(_ordered, samples(THREE, apart=True)))
    assert _ordered(spread(THREE, 400, 4, "float32"))
    assert shown_parameters(THREE) == ((1.0, 2.0, 4.0),)


def test_generic_points_are_in_order_and_keep_what_is_fixed():
    points = generic_points(THREE, 8)
    assert len(points) == 8
    assert all(at[a] <= at[b] < at[c] for at in points)
    assert all(at[b] == 1 and at[a] <= 1 for at in generic_points(THREE, 3, {b: 1}))


def test_a_fixed_parameter_bounds_those_that_are_compared_with_it():
    at = specialise(THREE, read_settings(THREE, {"b": "3"}))
    assert (at.domain(a), at.domain(c)) == (Interval(0, 3, True), Interval.open(3, oo))
    assert at.require == ()
    low = specialise(THREE, read_settings(THREE, {"a": "1"}))
    assert (low.domain(b), low.domain(c)) == (Interval(1, oo), Interval.open(1, oo))
    assert low.require == (b < c,)


def test_settings_out_of_order_are_told():
    with pytest.raises(BadInput, match="a <= b < c must hold, got a = 3, b = 2, c = 4$"):
        specialise(THREE, read_settings(THREE, {"a": "3"}))
