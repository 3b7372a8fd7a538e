"""Blocks: what is shared is computed once, under one name, and nothing rare is computed early."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import names_in, run_block
from trees import LETTERS, expressions, large_expressions

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Local, Name, call, patch, where
from derive.program.blocks import Naming, Pool, depends_on, make_block

x, p, q = map(Name, LETTERS)
RESERVED = frozenset({*LETTERS, "np"})
VALUES = {"x": np.array([-1.7, 0.0, 0.3, 2.5, 1e3]), "p": np.float64(1.3), "q": np.float64(-0.6)}


def _block(*results, pool=None, **more):
    return make_block(results, Naming(RESERVED, "x", "p", **more), pool)


def _same(got, want):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(*np.broadcast_arrays(got, want))


@settings(max_examples=150, deadline=None)
@given(st.lists(expressions, min_size=1, max_size=2))
def test_a_block_means_what_its_expressions_mean(results):
    block = _block(*results)
    for got, result in zip(run_block(block, VALUES), results, strict=True):
        _same(got, evaluate(result, VALUES))


@settings(max_examples=80, deadline=None)
@given(large_expressions)
def test_names_are_unique_assigned_before_use_and_used(expression):
    block = _block(expression)
    names = [a.name for a in block.assignments]
    assert len(set(names)) == len(names)
    assert not set(names) & RESERVED
    assert all(n.isidentifier() for n in names)
    known = set(LETTERS)
    for assignment in block.assignments:
        assert names_in(assignment.value) <= known
        known.add(assignment.name)
    (result,) = block.results
    used = names_in(result).union(*(names_in(a.value) for a in block.assignments))
    assert set(names) <= used


def test_a_shared_part_is_computed_once():
    shared = call("exp", x * p)
    block = _block(shared / (1 + shared))
    (e,) = block.assignments
    assert e.value == shared
    assert block.results == (Name(e.name) / (1 + Name(e.name)),)


def test_equal_parts_are_shared_across_results():
    block = _block(call("exp", x * p), call("exp", x * p) * 2)
    (e,) = block.assignments
    assert block.results == (Name(e.name), Name(e.name) * 2)


def test_what_prints_as_a_sign_is_repeated():
    assert not _block(call("neg", x) * call("neg", x)).assignments


def test_names_that_the_author_gave_are_kept():
    s = Local("s", x / q)
    block = _block(s * s + 1)
    assert [(a.name, a.value) for a in block.assignments] == [("s", x / q)]


def test_a_name_that_is_used_once_is_none():
    assert not _block(Local("s", x / q) + 1).assignments


def test_the_residual_in_its_length_is_y():
    block = _block(x / p * (x / p))
    assert [(a.name, a.value) for a in block.assignments] == [("y", x / p)]


def test_letters_of_the_definition_win():
    pool = Pool()
    s = pool.intern(x / p * (x / p))
    block = _block(s / (1 + s), pool=pool, letters={id(s): "s"})
    assert [a.name for a in block.assignments] == ["y", "s"]


def test_what_is_short_is_repeated():
    """An operation or two: the formula is easier to read without a name for it."""
    assert not _block((1 - q) * (1 - q)).assignments
    assert not _block(call("abs", x) * call("abs", x)).assignments
    assert [
        a.name for a in _block(call("abs", x) ** call("abs", x) - call("abs", x)).assignments
    ] == ["size"]


def test_a_part_inside_a_named_part_counts_once():
    """q*q stands in one place once 1 + q*q*x has its letter."""
    part = 1 + q * q * x
    block = _block(part / (part + 2) * part)
    assert len(block.assignments) == 1


def test_the_sign_stands_first():
    assert _block(-(x * p)).results == ((-x) * p,)
    assert _block(-(x / q * p)).results == ((-x) / q * p,)


def test_a_value_named_anywhere_is_named_everywhere():
    block = _block((x / q) + Local("s", x / q))
    assert [a.name for a in block.assignments] == ["s"]
    assert block.results == (Name("s") + Name("s"),)


def test_two_values_with_one_name_are_told_apart():
    one, other = Local("size", x + p), Local("size", x / q)
    block = _block(one * other + one / other)
    assert [a.name for a in block.assignments] == ["size", "size2"]


def test_a_local_never_takes_a_reserved_name():
    one, other = Local("x", p * q), Local("np", p + q)
    block = _block(one + other + x / one / other)
    assert not {a.name for a in block.assignments} & RESERVED
    assert len(block.assignments) == 2


def test_a_name_of_a_name_is_no_assignment():
    assert not _block(Local("s", x) * Local("t", Local("u", x))).assignments


def test_remedies_stay_inside():
    """A part that only the rare branch needs is not computed ahead of it, however often used."""
    costly = call("log", call("abs", x)) * p
    block = _block(patch(x > 100, costly * costly + Local("rare", costly - 1), x * p))
    assert not block.assignments
    assert costly in block.results[0].args[1].args[0].args


def test_what_the_usual_branch_needs_too_is_shared():
    costly = call("log", call("abs", x))
    block = _block(patch(x > 100, costly * 2, costly + 1))
    assert [a.value for a in block.assignments] == [costly]


def test_a_condition_of_a_patch_is_evaluated_anyway():
    far = call("abs", x) > 3
    block = _block(patch(far, 1, 2 * x) + patch(far, 3, x))
    assert [(a.name, a.value) for a in block.assignments] == [("near", far)] or [
        (a.name, a.value) for a in block.assignments
    ] == [("far", far)]


def test_branches_of_a_choice_are_evaluated_both():
    shared = call("exp", x)
    block = _block(where(x < 0, shared * 2, shared))
    assert [a.value for a in block.assignments] == [shared]


def test_a_remedy_within_a_remedy():
    rare = call("exp", x) + 1
    block = _block(patch(x > 9, patch(x > 99, rare * rare, x), x * 2))
    assert not block.assignments


def test_quantities_of_the_file_are_called():
    slope = call("exp", x * p) * q
    pool = Pool()
    it = Call("quantity", (Name("d_x"), x, p, q))
    block = _block(slope * 2 + q, pool=pool, known={id(pool.intern(slope)): it})
    assert not block.assignments
    assert block.results == (it * 2 + q,)


def test_a_pool_makes_equal_nodes_one():
    pool = Pool()
    one, two = pool.intern(call("exp", x + 1)), pool.intern(call("exp", x + 1))
    assert one is two
    assert pool.intern(x + 1.0) == pool.intern(x + 1)


@pytest.mark.parametrize(
    ("expression", "expected"), [(x * p, True), (p * q, False), (Local("s", x), True)]
)
def test_dependence(expression, expected):
    assert depends_on(expression, "x") is expected
