"""What is proved of a branch of a loss far out: how it grows, or that it is bounded there.

A loss whose slope stays above some number has a finite integral of exp(-loss); one that stays
below some number has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import sympy

from derive.verification.backend import Ball, Undefined, arb
from derive.verification.bounds import SIZE, Names, bounds

LARGEST = 200  # operations of a formula that is rewritten


def least_slope(branch: Any, names: Names, x: Ball) -> Ball | None:
    """A lower bound of the slope at all sizes beyond x."""
    found = [low for low, _ in _beyond(slope(branch), names, x)]
    return max(found, key=float, default=None)


def most(branch: Any, names: Names, x: Ball) -> Ball | None:
    """A finite upper bound of the loss at all sizes beyond x."""
    found = [high for _, high in _beyond(branch, names, x) if high.is_finite()]
    return min(found, key=float, default=None)


def _beyond(e: Any, names: Names, x: Ball) -> Iterator[tuple[Ball, Ball]]:
    """Bounds at all sizes beyond x, one for each way in which the formula is written."""
    for form in forms(e):
        try:
            yield bounds(form, names, (x.lower(), arb.pos_inf()))
        except Undefined:
            continue


@lru_cache(maxsize=64)
def slope(branch: Any) -> Any:
    """The derivative in the size."""
    return sympy.diff(branch, SIZE)


@lru_cache(maxsize=128)
def forms(e: Any) -> tuple[Any, ...]:
    """As it stands, and in powers of 1/size, which have no oo/oo far out."""
    if sympy.count_ops(e) > LARGEST:
        return (e,)
    near = sympy.Symbol("near", positive=True)
    try:
        turned = sympy.cancel(e.subs(SIZE, 1 / near)).subs(near, 1 / SIZE)
    except (sympy.PolynomialError, NotImplementedError):
        return (e,)
    return tuple(dict.fromkeys((e, turned)))
