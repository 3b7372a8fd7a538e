"""Rules are identities, and atoms differentiate as their definitions do."""

from __future__ import annotations

import pytest
import sympy
from high_precision import meaning
from mpmath import mp
from sympy import Symbol

from derive.calculus.evaluate import evaluate
from derive.numerics.atoms import ATOMS, spelled_out
from derive.numerics.lower import lower
from derive.numerics.rules import RULES, rewrite

DIGITS = 50
POSITIVE = ("0.37", "1.9", "0.0123", "6.5", "3.25")
# the second argument of two is an exponent: any sign
FIRST = ("0.37", "1.9", "-0.41", "6.5", "0.9")
SECOND = ("-1.3", "0.7", "2.25", "0.01", "-4.5")


def _close(one, other, digits=DIGITS - 8):
    assert abs(one - other) <= mp.mpf(10) ** -digits * max(abs(one), abs(other), mp.mpf("1e-8"))


def _points(symbols, *columns):
    for k in range(5):
        yield {s: mp.mpf(columns[i % len(columns)][(k + i) % 5]) for i, s in enumerate(symbols)}


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_both_sides_of_a_rule_are_equal(rule):
    left, right = spelled_out(rule.left), spelled_out(rule.right)
    assert left != right or rule.left != rule.right
    if sympy.simplify(left - right) == 0:
        return
    symbols = sorted((left - right).free_symbols, key=str)
    with mp.workdps(DIGITS + 30):
        for at in _points(symbols, POSITIVE):
            _close(evaluate(left, at), evaluate(right, at))


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_a_rule_finds_its_own_left_side(rule):
    symbols = sorted(rule.left.free_symbols, key=str)
    # where a denominator may vanish its sign must not be known
    plain = {s: Symbol(s.name, real=True) for s in symbols if rule.name == "vanishing denominator"}
    left = rule.left.subs(plain) if plain else rule.left
    found, used = rewrite(left)
    assert rule.name in used
    assert found != left
    with mp.workdps(DIGITS + 30):
        for at in _points(sorted(left.free_symbols, key=str), POSITIVE):
            _close(evaluate(spelled_out(found), at), evaluate(spelled_out(left), at))


@pytest.mark.parametrize("atom", ATOMS, ids=lambda a: a.__name__)
def test_slopes_of_an_atom_are_those_of_its_definition(atom):
    letters = sympy.symbols("z p e f c d", real=True)[: next(iter(atom.nargs))]
    definition = atom.definition(*letters)
    for position, letter in enumerate(letters, start=1):
        slope = spelled_out(atom(*letters).fdiff(position))
        expected = sympy.diff(definition, letter)
        with mp.workdps(DIGITS + 40):
            for at in _points(letters, FIRST, SECOND):
                _close(evaluate(slope, at), evaluate(expected, at))


@pytest.mark.parametrize("atom", ATOMS, ids=lambda a: a.__name__)
def test_what_an_atom_evaluates_is_what_it_means(atom):
    letters = sympy.symbols("z p e f c d", real=True)[: next(iter(atom.nargs))]
    nodes = lower(atom(*letters))
    with mp.workdps(DIGITS + 40):
        for at in _points(letters, FIRST, SECOND):
            if atom.__name__.startswith("gamma_gap") and at[letters[0]] < 0:
                continue  # log gamma is meant for positive arguments
            names = {s.name: v for s, v in at.items()}
            _close(meaning(nodes, names), evaluate(atom.definition(*letters), at))


@pytest.mark.parametrize("atom", ATOMS, ids=lambda a: a.__name__)
def test_an_atom_survives_substitution_and_differentiation_twice(atom):
    z, p = sympy.symbols("z p", real=True)
    count = next(iter(atom.nargs))
    inner = (z / (1 + p**2), p)[:count]
    expression = sympy.diff(atom(*inner), z, 2)
    raw = sympy.diff(atom.definition(*inner), z, 2)
    with mp.workdps(DIGITS + 60):
        for at in _points((z, p), FIRST, SECOND):
            _close(evaluate(spelled_out(expression), at), evaluate(raw, at))


def test_spelling_out_leaves_no_atom():
    z = Symbol("z", real=True)
    nested = ATOMS[0](ATOMS[1](ATOMS[2](z)))
    assert not spelled_out(nested).atoms(*ATOMS)


def test_names_are_unique():
    names = [r.name for r in RULES]
    assert len(set(names)) == len(names)
    assert len({a.__name__ for a in ATOMS}) == len(ATOMS)
