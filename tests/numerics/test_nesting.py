"""Sums of products with fewer operations, and powers of labels: each by known answers."""

from __future__ import annotations

import pytest
import sympy
from sympy import FiniteSet, Symbol, exp, log

from derive.definitions.loss import Loss
from derive.numerics.nesting import nested, of_labels

a, b, c, d = sympy.symbols("a b c d")
z, y = Symbol("z", real=True), Symbol("y", real=True)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (a * b + a * c + d, "a*(b + c) + d"),
        (a**2 * b + a * c, "a*(a*b + c)"),
        (a * (b - c) - d * (c - b), "(a + d)*(b - c)"),  # sums with one sign
        (a + b, "a + b"),
        (d * (a * b + a * c), "a*d*(b + c)"),
    ],
)
def test_what_most_terms_share_comes_first(written, wanted):
    found = nested(written)
    assert str(found) == wanted
    assert sympy.expand(found - written) == 0


@pytest.mark.parametrize(
    ("labels", "power", "wanted"),
    [((0, 1), (2 * y - 1) ** 2, 1), ((-1, 1), y**3, y), ((0, 1, 2), y**2, y**2)],
)
def test_powers_of_labels(labels, power, wanted):
    loss = Loss(
        name="t", title="t", source="t", variables=(z, y), predictions=(z,), target=y,
        loss=log(1 + exp(-y * z)), domains={y: FiniteSet(*labels)},
    )  # fmt: skip
    assert of_labels(loss, power * z) == wanted * z
