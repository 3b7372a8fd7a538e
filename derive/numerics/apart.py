"""Whether two expressions differ, told by their values at one point: cheap where they do."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.reading import KEPT
from derive.definitions.loss import Let
from derive.numerics.atoms import Atom

_DIGITS = 30
_TROUBLES = (NotReal, NotImplementedError, ArithmeticError, TypeError)


def differ(a: Expr, b: Expr) -> bool:
    """Only where that is sure; where no value is known, two expressions may be equal."""
    one, other = _value(a), _value(b)
    if one is None or other is None:
        return False
    with mp.workdps(_DIGITS):
        return bool(abs(one - other) > (abs(one) + abs(other)) * mp.mpf(10) ** (-_DIGITS // 3))


@lru_cache(maxsize=KEPT)
def _value(expression: Expr) -> Any:
    written = _written(expression)
    with mp.workdps(_DIGITS):
        try:
            return evaluate(written, {v: _number(v) for v in written.free_symbols})
        except _TROUBLES:
            return None


@lru_cache(maxsize=KEPT)
def _written(e: Any) -> Any:
    """Names and atoms written out."""
    if isinstance(e, Let):
        return _written(e.definition)
    if isinstance(e, Atom):
        return _written(type(e).definition(*e.args))
    return e.func(*map(_written, e.args)) if e.args else e


def _number(v: Symbol) -> Any:
    """Between 0.2 and 0.8, an own one for each name; below 0 for what is negative."""
    drawn = int.from_bytes(hashlib.sha256(v.name.encode()).digest()[:8], "big")
    value = mp.mpf(drawn) / 2**64 * mp.mpf("0.6") + mp.mpf("0.2")
    return -value if v.is_nonpositive else value
