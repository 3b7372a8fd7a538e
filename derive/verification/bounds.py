"""What is proved about a branch of a raw formula: its range over an interval, and convexity.

Formulas here are in the size |x| (a positive symbol `size`) at given parameters; the pieces of a
piecewise formula are taken apart before (`side`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import product
from typing import Any

import sympy

from derive.errors import BadInput
from derive.verification.backend import Ball, Undefined, flint

SIZE = sympy.Symbol("size", positive=True)

Names = Mapping[str, Any]  # of complex balls
Interval = tuple[Ball, Ball]


def compiled(node: Any, names: Names, analytic: bool) -> Callable[[Any], Any]:
    """An expression as a function of the size, over complex balls; parts without it are constant.

    analytic: NaN where it is not analytic on the ball.
    """
    if node == SIZE:
        return lambda size: size
    if SIZE not in node.free_symbols and not node.is_Atom:
        value = _combined(node, analytic)(
            *(compiled(part, names, analytic)(None) for part in node.args)
        )
        return lambda _size: value
    if isinstance(node, sympy.Symbol | sympy.Rational):
        known = (
            names[node.name]
            if isinstance(node, sympy.Symbol)
            else flint.acb(int(node.p)) / int(node.q)
        )
        return lambda _size: known
    if isinstance(node, sympy.Add | sympy.Mul):
        return _folded(node, names, analytic)
    parts = [compiled(part, names, analytic) for part in node.args]
    combine = _combined(node, analytic)
    if len(parts) == 1:
        only = parts[0]
        return lambda size: combine(only(size))
    return lambda size: combine(*[part(size) for part in parts])


def _folded(node: Any, names: Names, analytic: bool) -> Callable[[Any], Any]:
    """A sum or a product, whose parts without the size are one number."""
    operate = operator.add if isinstance(node, sympy.Add) else operator.mul
    moving = [part for part in node.args if SIZE in part.free_symbols]
    resting = [part for part in node.args if SIZE not in part.free_symbols]
    found = [compiled(part, names, analytic) for part in moving]
    if resting:
        constant = reduce(operate, (compiled(part, names, analytic)(None) for part in resting))
        first = found[0]
        found[0] = lambda size: operate(first(size), constant)
    if len(found) == 1:
        return found[0]
    if len(found) == 2:
        one, other = found
        return lambda size: operate(one(size), other(size))
    return lambda size: reduce(operate, [part(size) for part in found])


def _combined(node: Any, analytic: bool) -> Callable[..., Any]:
    """How the value of an expression is made from those of its parts."""
    if isinstance(node, sympy.Add):
        return lambda *parts: sum(parts[1:], parts[0])
    if isinstance(node, sympy.Mul):
        return lambda *parts: math.prod(parts[1:], start=parts[0])
    if isinstance(node, sympy.Pow):
        if node.args[1].is_Integer:
            whole = int(node.args[1])
            return lambda base, _exponent: base**whole
        return lambda base, exponent: base.pow(exponent, analytic=analytic)
    if isinstance(node, sympy.exp):
        return lambda part: part.exp()
    if isinstance(node, sympy.log):
        return lambda part: part.log(analytic=analytic)
    if isinstance(node, sympy.Abs) and SIZE not in node.free_symbols:
        return lambda part: flint.acb(abs(part.real))
    raise BadInput(f"the normalizer cannot evaluate {type(node).__name__}")


def evaluate(node: Any, names: Names, analytic: bool) -> Any:
    """The value of an expression; the size is one of the names where it occurs."""
    return compiled(node, names, analytic)(names.get("size"))


def constant(node: Any, names: Names) -> Ball:
    """The value of a part without x."""
    return evaluate(node, names, False).real


def bounds(node: Any, names: Names, size: Interval) -> Interval:
    """Bounds of an expression over an interval of sizes, from the bounds of its parts."""
    if node == SIZE:
        return size
    if SIZE not in node.free_symbols:
        value = constant(node, names)
        return value.lower(), value.upper()
    if isinstance(node, sympy.Pow):
        return _power(bounds(node.base, names, size), constant(node.exp, names))
    parts = [bounds(part, names, size) for part in node.args]
    if isinstance(node, sympy.Add):
        return sum(p[0] for p in parts).lower(), sum(p[1] for p in parts).upper()
    if isinstance(node, sympy.Mul):
        corners = [math.prod(chosen) for chosen in product(*parts)]
        return _least(corners), _most(corners)
    if isinstance(node, sympy.exp):
        return parts[0][0].exp().lower(), parts[0][1].exp().upper()
    if isinstance(node, sympy.log) and parts[0][0] > 0:
        return parts[0][0].log().lower(), parts[0][1].log().upper()
    raise Undefined(f"no bounds of {node}")


def _power(base: Interval, exponent: Ball) -> Interval:
    low, high = base
    if low < 0 or not (exponent > 0 or (exponent < 0 and low > 0)):
        raise Undefined("no bounds of a power")
    ends = [end if end.is_zero() else end**exponent for end in (low, high)]
    return _least(ends), _most(ends)


def _least(balls: list[Ball]) -> Ball:
    return min(ball.lower() for ball in balls)


def _most(balls: list[Ball]) -> Ball:
    return max(ball.upper() for ball in balls)


def is_convex(node: Any, names: Names) -> bool:
    """Whether the formula is proved convex in log size, by its structure.

    Sums and positive multiples of convex functions are convex, so are functions with a convex
    logarithm and logarithms of the latter.
    """
    if SIZE not in node.free_symbols:
        return True
    if isinstance(node, sympy.Add):
        return all(is_convex(part, names) for part in node.args)
    if isinstance(node, sympy.log):
        return _is_log_convex(node.args[0], names)
    factor, rest = node.as_independent(SIZE, as_Add=False)
    if factor != 1 and constant(factor, names) > 0:
        return is_convex(rest, names)
    return _is_log_convex(node, names)


def _is_log_convex(node: Any, names: Names) -> bool:
    """Whether the formula is proved positive, with a logarithm that is convex in log size."""
    if SIZE not in node.free_symbols:
        return bool(constant(node, names) > 0)
    if node == SIZE:
        return True
    if isinstance(node, sympy.Add | sympy.Mul):
        return all(_is_log_convex(part, names) for part in node.args)
    if isinstance(node, sympy.Pow) and SIZE not in node.exp.free_symbols:
        return node.base == SIZE or (
            bool(constant(node.exp, names) > 0) and _is_log_convex(node.base, names)
        )
    return isinstance(node, sympy.exp) and is_convex(node.args[0], names)
