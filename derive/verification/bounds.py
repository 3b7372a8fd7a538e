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
# Analytic wherever they are finite, by the name that the ball library has for them.
MEROMORPHIC: Mapping[type[sympy.Function], str] = {
    sympy.exp: "exp", sympy.sin: "sin", sympy.cos: "cos", sympy.sinh: "sinh", sympy.cosh: "cosh",
    sympy.tanh: "tanh", sympy.erf: "erf", sympy.erfc: "erfc",
}  # fmt: skip
RISING = (sympy.exp, sympy.atan, sympy.sinh, sympy.tanh, sympy.erf)

Names = Mapping[str, Any]  # of complex balls
Interval = tuple[Ball, Ball]


CHOICES = (sympy.Abs, sympy.sign, sympy.Max, sympy.Min)


def in_pieces(expression: Any) -> Any:
    """A formula in the size with its choices as pieces, and log cosh w and log(1 + exp(w)) without
    a large cosh w or exp(w)."""

    def piecewise(node: Any) -> Any:
        return node.rewrite(sympy.Piecewise)

    def is_softplus(node: Any) -> bool:
        if not (isinstance(node, sympy.log) and node.args[0].is_Add):
            return False
        one, *others = node.args[0].args
        return one == 1 and len(others) == 1 and isinstance(others[0], sympy.exp)

    def turned(node: Any) -> Any:
        w = node.args[0].args[1].args[0]
        return w + sympy.log(1 + sympy.exp(-w)) if w.is_positive else node

    w = sympy.Wild("w")
    smooth = expression.replace(
        sympy.log(sympy.cosh(w)), w + sympy.log(1 + sympy.exp(-2 * w)) - sympy.log(2)
    )
    smooth = smooth.replace(is_softplus, turned)
    return smooth.replace(lambda n: isinstance(n, CHOICES) and n.has(SIZE), piecewise)


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
    if node.is_Atom:
        known = _atom(node, names)
        return lambda _size: known
    if isinstance(node, sympy.Add | sympy.Mul):
        return _folded(node, names, analytic)
    parts = [compiled(part, names, analytic) for part in node.args]
    combine = _combined(node, analytic)
    if len(parts) == 1:
        only = parts[0]
        return lambda size: combine(only(size))
    return lambda size: combine(*[part(size) for part in parts])


def _atom(node: Any, names: Names) -> Any:
    if isinstance(node, sympy.Symbol):
        return names[node.name]
    if isinstance(node, sympy.Rational):
        return flint.acb(int(node.p)) / int(node.q)
    if node == sympy.pi:
        return flint.acb.pi()
    if node == sympy.E:
        return flint.acb(1).exp()
    raise BadInput(f"the normalizer cannot evaluate {node}")


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
    if node.func in MEROMORPHIC:
        return operator.methodcaller(MEROMORPHIC[node.func])
    if isinstance(node, sympy.log):
        return lambda part: part.log(analytic=analytic)
    if isinstance(node, sympy.atan):
        return _analytic_atan if analytic else operator.methodcaller("atan")
    if isinstance(node, sympy.Abs) and SIZE not in node.free_symbols:
        return lambda part: flint.acb(abs(part.real))
    raise BadInput(f"the normalizer cannot evaluate {type(node).__name__}")


def _analytic_atan(part: Any) -> Any:
    """NaN where the ball may meet a cut, which go from i and -i outward."""
    beside = part.real > 0 or part.real < 0 or abs(part.imag) < 1
    return part.atan() if beside else flint.acb("nan")


def evaluate(node: Any, names: Names, analytic: bool) -> Any:
    """The value of an expression; the size is one of the names where it occurs."""
    return compiled(node, names, analytic)(names.get("size"))


def constant(node: Any, names: Names) -> Ball:
    """The value of a part without x."""
    return evaluate(node, names, False).real


def bounds(node: Any, names: Names, size: Interval) -> Interval:
    """Bounds of an expression over an interval of sizes, from the bounds of its parts; the upper
    end may be infinite."""
    if node == SIZE:
        return size
    if SIZE not in node.free_symbols:
        value = constant(node, names)
        return value.lower(), value.upper()
    if isinstance(node, sympy.Pow):
        return _power(bounds(node.base, names, size), constant(node.exp, names))
    parts = [bounds(part, names, size) for part in node.args]
    if isinstance(node, sympy.Add):
        return _hull([sum(p[0] for p in parts), sum(p[1] for p in parts)])
    if isinstance(node, sympy.Mul):
        return _hull([math.prod(chosen) for chosen in product(*parts)])
    if isinstance(node, RISING):
        combine = _real(node)
        return _hull([combine(end) for end in parts[0]])
    if isinstance(node, sympy.log) and parts[0][0] > 0:
        return _hull([end.log() for end in parts[0]])
    if node.func in MEROMORPHIC:
        return _hull([_real(node)(parts[0][0].union(parts[0][1]))])
    raise Undefined(f"no bounds of {node.func.__name__.lower()} over a range")


def _real(node: Any) -> Callable[[Ball], Ball]:
    """A function of one argument over real balls."""
    return operator.methodcaller(MEROMORPHIC.get(node.func, node.func.__name__))


def _power(base: Interval, exponent: Ball) -> Interval:
    low, high = base
    whole = exponent.is_integer() and exponent > 0
    if low < 0 and whole:
        n = int(float(exponent))
        ends = [low**n, high**n, *([flint.arb(0)] if n % 2 == 0 and high > 0 else [])]
        return _hull(ends)
    if low < 0 or not (exponent > 0 or (exponent < 0 and low > 0)):
        raise Undefined("no bounds of a power")
    return _hull([end if end.is_zero() else end**exponent for end in (low, high)])


def _hull(balls: list[Ball]) -> Interval:
    """The least and the largest of some bounds, of which none may be open (such as 0*oo)."""
    if any(ball.is_nan() for ball in balls):
        raise Undefined("no bounds")
    return _least(balls), _most(balls)


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
