"""Products in an order in which no partial product leaves the range needlessly.

The order is found by numbers: the size of every factor at points over the whole range, and at each
step the factor that keeps the partial product nearest to what lies between 1 and the result.
Powers and exponentials can be taken in two halves, between which the others find their place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy
from flint import arb
from sympy import Expr, Piecewise, S, Symbol

from derive.definitions.floats import FORMATS, Floats
from derive.definitions.loss import Let, Loss
from derive.definitions.samples import Sample, whole_range
from derive.numerics.atoms import Atom
from derive.numerics.edges import with_edges
from derive.numerics.exact import Exact, NoValue
from derive.numerics.lower import condition, lower
from derive.numerics.nodes import Local, Node, call, node, where

_POINTS = 400
_SHARE = 8
_FOLLOWED = 24
_HUGE = 1e6  # a logarithm beyond is as good as infinite
_MOST = 14  # factors; more are left as they are
_LONGEST = 6


@dataclass(frozen=True)
class Ranges:
    """Points over the whole range of each dtype; known: the sizes of factors there."""

    samples: tuple[Sample, ...]
    known: dict[Expr, Floats | None] = field(default_factory=dict)

    @staticmethod
    def of(loss: Loss, quantities: Sequence[Expr] = ()) -> Ranges:
        """quantities: near whose edges there are more points."""
        samples = []
        for dtype in ("float64", "float32"):
            sample = whole_range(loss, _SHARE * _POINTS, dtype=dtype).thinned(_SHARE)
            samples.append(with_edges(sample, quantities, loss.variables))
        return Ranges(tuple(samples))

    def exponents(self) -> Floats:
        """At every point, the exponents of the smallest subnormal, smallest normal and largest
        number of its dtype."""
        rows = []
        for sample in self.samples:
            form = FORMATS[sample.dtype]
            row = [form.least, form.smallest_exponent, form.largest_exponent]
            rows.append(np.repeat(np.array([row], dtype=float), len(sample), axis=0))
        return np.concatenate(rows).T

    def at(self, variable: Symbol) -> Ranges:
        """The same where a parameter has one value, which no expression contains any more."""
        return replace(self, known={v: s for v, s in self.known.items() if not v.has(variable)})

    def logarithms(self, loss: Loss, value: Expr) -> Floats | None:
        """log2 of the size of a factor at every point."""
        if value not in self.known:
            self.known[value] = _logarithms(loss, value, self)
        return self.known[value]


def ordered(loss: Loss, expression: Expr, ranges: Ranges, halves: bool) -> Node | None:
    """The product, or each product among cases, in the best order; None where there is none."""
    if not isinstance(expression, Piecewise):
        return _ordered(loss, expression, ranges, halves)
    forms = [_ordered(loss, e, ranges, halves) for e, _ in expression.args]
    if not any(forms):
        return None
    *cases, (last, _) = expression.args
    total = forms[-1] or lower(last)
    for form, (value, test) in reversed(list(zip(forms, cases, strict=False))):
        total = where(condition(test), form or lower(value), total)
    return total


def _ordered(loss: Loss, expression: Expr, ranges: Ranges, halves: bool) -> Node | None:
    factors = list(_factors(expression, halves))
    if halves and len(factors) > 2 and factors[::2] == factors[1::2]:
        root = _in_order(loss, factors[::2], ranges)
        form = None if root is None else Local("root", root) * Local("root", root)
    else:
        form = _in_order(loss, factors, ranges)
    negative = expression.as_coeff_Mul()[0].is_negative
    return -form if form is not None and negative else form


def _in_order(loss: Loss, factors: Sequence[Factor], ranges: Ranges) -> Node | None:
    if not 2 <= len(factors) <= _MOST:
        return None
    powers = np.array([power for _, power, _ in factors])
    sizes = [ranges.logarithms(loss, value) for value, _, _ in factors]
    if any(size is None for size in sizes):
        return None
    signed = powers[:, None] * np.stack(sizes)  # type: ignore[arg-type]
    known = np.all(np.isfinite(signed), axis=0)
    order = _order(signed[:, known], powers, ranges.exponents()[:, known])
    total: Node | None = None
    for place in order:
        _, power, form = factors[place]
        if total is None:
            total = form if power > 0 else 1 / form
        else:
            total = total * form if power > 0 else total / form
    return total


Factor = tuple[Expr, int, Node]  # the factor, 1 above and -1 below the line, and its form


def _factors(expression: Expr, halves: bool) -> Iterator[Factor]:
    coefficient, rest = expression.as_coeff_Mul()
    size = abs(coefficient)
    if size.is_Rational:
        if size.p != 1:
            yield S(int(size.p)), 1, node(int(size.p))
        if size.q != 1:
            yield S(int(size.q)), -1, node(int(size.q))
    else:
        yield size, 1, lower(size)
    for base, exponent in _powers(rest):
        factor = base**exponent
        side = -1 if exponent.could_extract_minus_sign() and base is not sympy.E else 1
        if exponent.is_Integer and abs(exponent) <= _LONGEST:
            form = lower(base)
            for _ in range(abs(int(exponent))):
                yield base, side, form
        elif halves and (base is sympy.E or not exponent.is_Rational):
            half = base ** (side * exponent / 2)
            form = Local("half", _power(base, side * exponent / 2))
            yield half, side, form
            yield half, side, form
        elif exponent.is_Rational and base is not sympy.E:
            whole, part = divmod(abs(exponent), 1)
            for _ in range(int(whole) if whole <= _LONGEST else 0):
                yield base, side, lower(base)
            part = part if whole <= _LONGEST else abs(exponent)
            if part:
                yield base**part, side, lower(base**part)
        elif base is not sympy.E and not exponent.is_number:
            yield factor, 1, _power(base, exponent)
        else:
            yield factor, 1, lower(factor)


def _powers(product: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The factors as powers; g^(q + n) as g^q g^n: a rounded q + n would cost |log g| ULP."""
    for factor in sympy.Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        whole, part = exponent.as_coeff_Add()
        if base is not sympy.E and part != 0 and whole.is_Integer and whole != 0:
            yield base, part
            yield base, whole
        else:
            yield base, exponent


def _power(base: Expr, exponent: Expr) -> Node:
    """One power, whatever its exponent: at 0 and at infinity it has its limit."""
    if base is sympy.E:
        return call("exp", lower(exponent))
    return call("pow", lower(base), lower(exponent))


def _logarithms(loss: Loss, value: Expr, ranges: Ranges) -> Floats | None:
    """log2 of the size of a factor at the points, NaN where it has none."""
    try:
        exact = Exact(_without_names(value), loss.variables)
    except NotImplementedError:
        return None
    found = []
    for sample in ranges.samples:
        columns = [sample.columns[n] for n in sample.names]
        found += [_logarithm(exact, point) for point in zip(*columns, strict=True)]
    return np.array(found)


def _logarithm(exact: Exact, point: Sequence[float]) -> float:
    try:
        ball = abs(exact.enclosed([arb(float(v)) for v in point], 16))
    except (NoValue, ZeroDivisionError):
        return math.nan
    if ball > 0 and ball.is_finite():
        return min(max(float(ball.log()) / math.log(2.0), -_HUGE), _HUGE)
    return math.nan


def _without_names(value: Expr) -> Expr:
    while names := value.atoms(Let):
        value = value.xreplace({name: name.definition for name in names})
    while value.atoms(Atom):
        value = value.replace(lambda e: isinstance(e, Atom), lambda e: type(e).definition(*e.args))
    return value


@dataclass(frozen=True)
class _Partial:
    order: tuple[int, ...]
    size: Floats
    cost: float


def _order(signed: np.ndarray, powers: np.ndarray, exponents: Floats) -> tuple[int, ...]:
    """The best of few orders that are followed at a time: at how many points a partial product
    leaves the range although the result does not, and then how far it strays from [1, result]."""
    result = np.sum(signed, axis=0)
    low, high = np.minimum(result, 0.0), np.maximum(result, 0.0)
    least, smallest, largest = exponents
    is_held, is_finite = result > least - 1, result < largest + 1
    followed = [_Partial((), np.zeros_like(result), 0.0)]
    for step in range(len(powers)):
        longer: dict[frozenset[int], list[_Partial]] = {}
        for partial in followed:
            for place in range(len(powers)):
                if place in partial.order or (step == 0 and powers[place] < 0 < max(powers)):
                    continue
                moved = partial.size + signed[place]
                under = (moved < smallest + 1) & is_held & (result > moved + 1)
                over = (moved > largest - 1) & is_finite
                lost = np.count_nonzero(under | over)
                stray = np.maximum(np.maximum(moved - high, low - moved), 0.0)
                farthest = float(np.max(stray, initial=0.0) + np.sum(stray) / max(len(stray), 1))
                cost = partial.cost + lost + 1e-4 * farthest
                order = (*partial.order, place)
                longer.setdefault(frozenset(order), []).append(_Partial(order, moved, cost))
        best = [min(same, key=lambda p: p.cost) for same in longer.values()]
        followed = sorted(best, key=lambda p: p.cost)[:_FOLLOWED]
    return followed[0].order
