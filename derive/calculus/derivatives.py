"""First and second derivatives, taken by own rules on open regimes.

SymPy's `diff` gives DiracDelta at kinks; here d|g| = sign(g) dg, d sign(g) = 0, a Piecewise is
differentiated branch by branch, and at a kink a first derivative is the middle of the
subdifferential, a second one the value of the inner side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement
from types import MappingProxyType

from mpmath import mp
from sympy import (
    Abs,
    Eq,
    Expr,
    FiniteSet,
    Max,
    Min,
    Mul,
    Piecewise,
    S,
    Symbol,
    expand,
    factor_terms,
    log,
    sign,
)
from sympy.core.function import Function
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from derive.calculus.evaluate import NotReal, evaluate, truth
from derive.calculus.reading import fold, readable
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.definitions.quantity import Quantity
from derive.errors import Refuted


def partial(expression: Expr, variable: Symbol) -> Expr:
    """The derivative where it exists; at an edge between branches, that of one of them."""
    if not expression.has(variable):
        return S.Zero
    if expression == variable:
        return S.One
    if expression.is_Add:
        return expression.func(*(partial(a, variable) for a in expression.args))
    if expression.is_Mul:
        return _product(expression, variable)
    if expression.is_Pow:
        return _power(expression, variable)
    if isinstance(expression, Abs):
        inner = expression.args[0]
        return sign(inner) * partial(inner, variable)
    if isinstance(expression, sign):
        return S.Zero
    if isinstance(expression, Max | Min):
        return _extremum(expression, variable)
    if isinstance(expression, Piecewise):
        branches = [(partial(e, variable), c) for e, c in expression.args]
        return Piecewise(*branches)
    if isinstance(expression, Function):
        return S.Zero + sum(
            expression.fdiff(i + 1) * partial(a, variable)
            for i, a in enumerate(expression.args)
            if a.has(variable)
        )
    raise NotImplementedError(f"no rule to differentiate {expression.func}")


def _product(expression: Expr, variable: Symbol) -> Expr:
    total = S.Zero
    for i, factor in enumerate(expression.args):
        if factor.has(variable):
            rest = expression.func(*expression.args[:i], *expression.args[i + 1 :])
            total += rest * partial(factor, variable)
    return total


def _power(expression: Expr, variable: Symbol) -> Expr:
    base, exponent = expression.as_base_exp()
    slope = S.Zero
    if base.has(variable):
        slope += exponent * base ** (exponent - 1) * partial(base, variable)
    if exponent.has(variable):
        slope += expression * log(base) * partial(exponent, variable)
    return slope


def _extremum(expression: Expr, variable: Symbol) -> Expr:
    first, *others = expression.args
    rest = expression.func(*others)
    da, db = partial(first, variable), partial(rest, variable)
    wins = exceeds(first, rest) if isinstance(expression, Max) else exceeds(rest, first)
    return Piecewise((da, wins), (db, True))


def exceeds(first: Expr, other: Expr) -> Boolean:
    """first > other, without what both have in common: products may leave the range and their
    comparison with them. t x > (t - 1) x is x > 0, and x^2/2 > c^2/2 is |x| > c."""
    gap = factor_terms(expand(first - other))
    left = gap.func(*(f for f in gap.args if not f.is_positive)) if gap.is_Mul else gap
    if left.is_Symbol or (-left).is_Symbol:
        return left > 0 if left.is_Symbol else -left < 0
    minus = [a for a in left.args if a.could_extract_minus_sign()] if left.is_Add else []
    if len(minus) == 1 and len(left.args) == 2 and (S.Zero in (first, other)):
        return left - minus[0] > -minus[0]
    if first.is_nonnegative and other.is_nonnegative:
        powers = (first / other).as_powers_dict()
        if all(e in (2, -2) for e in powers.values()):
            above, below = (Mul(*(b for b, e in powers.items() if e == k)) for k in (2, -2))
            return Abs(above) > Abs(below)
    return first > other


def chain(loss: Loss, expression: Expr, variable: Symbol) -> Expr:
    """The total derivative of an expression that uses the loss's named sub-expressions."""
    total = partial(expression, variable)
    for name in loss.where:
        if expression.has(name):
            slope = fold(loss.where, chain(loss, name.definition, variable))
            total += partial(expression, name) * slope
    return total


def quantity_names(loss: Loss) -> tuple[Quantity, ...]:
    """Every quantity of this room, in the order of the generated file."""
    first = [(v,) for v in loss.variables]
    second = combinations_with_replacement(loss.variables, 2)
    derivatives = [Quantity("loss", by) for by in (*first, *second) if _is_told(loss, by)]
    weight = [Quantity("weight")] if loss.kind == "residual" else []
    return (Quantity("loss"), *derivatives, *weight)


def _is_told(loss: Loss, by: tuple[Symbol, ...]) -> bool:
    """Whether there is such a derivative: none in a label, second ones in a prediction at least."""
    if loss.predictions and len(by) > 1 and not set(by) & set(loss.predictions):
        return False
    return not any(isinstance(loss.domain(v), FiniteSet) for v in by)


def quantities(loss: Loss) -> Mapping[str, Expr]:
    """All quantities in raw variables."""
    slopes = {v: partial(loss.expression, v) for v in loss.variables}
    found: dict[str, Expr] = {}
    for name in quantity_names(loss):
        if name.of == "weight":
            found[name] = over_residual(found[_influence(loss)], loss.residual)
        elif not name.by:
            found[name] = loss.expression
        elif len(name.by) == 1:
            found[name] = middle_at_kinks(loss, slopes[name.by[0]])
        else:
            second = without_squared_signs(partial(slopes[name.by[0]], name.by[1]))
            found[name] = inner_at_kinks(loss, second)
    return MappingProxyType(found)


class Readable(Mapping[str, Expr]):
    """All quantities with the named sub-expressions, simplified for reading: each is made when it
    is first asked for, and compared with the raw one. Raises Refuted where they differ."""

    def __init__(self, loss: Loss, raw: Mapping[str, Expr]) -> None:
        self._loss, self._raw = loss, raw
        self._slopes: dict[Symbol, Expr] = {}
        self._made: dict[str, Expr] = {}

    def __getitem__(self, key: str) -> Expr:
        if key not in self._made:
            name = next((q for q in quantity_names(self._loss) if q == key), None)
            if name is None:
                raise KeyError(key)
            found = self._simplified(name)
            if not agrees(self._loss, found, self._raw[name]):
                raise Refuted(
                    f"{self._loss.name}: simplifying {name} changed its value; please report this"
                )
            self._made[key] = found
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(quantity_names(self._loss))

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return repr(dict(self))

    def _simplified(self, name: Quantity) -> Expr:
        loss = self._loss
        if name.of == "weight":
            return readable(over_residual(self[_influence(loss)], loss.residual))
        if not name.by:
            return loss.loss
        slope = self._slope(name.by[0])
        if len(name.by) == 1:
            return middle_at_kinks(loss, slope)
        second = without_squared_signs(chain(loss, slope, name.by[1]))
        return readable(inner_at_kinks(loss, fold(loss.where, second)))

    def _slope(self, variable: Symbol) -> Expr:
        if variable not in self._slopes:
            raw = chain(self._loss, self._loss.loss, variable)
            self._slopes[variable] = readable(fold(self._loss.where, raw))
        return self._slopes[variable]


def _influence(loss: Loss) -> Quantity:
    return Quantity("loss", (loss.residual,))


def agrees(loss: Loss, read: Expr, raw: Expr) -> bool:
    """Whether a readable form has the values of the raw one at sample points."""
    with mp.workdps(60):
        for at in generic_points(loss, 3):
            try:
                value, again = evaluate(raw, at), evaluate(loss.expand(read), at)
            except NotReal:
                continue
            if abs(value - again) > mp.mpf(10) ** -40 * (1 + abs(value)):
                return False
    return True


def over_residual(slope: Expr, x: Symbol) -> Expr:
    """psi(x)/x, with x cancelled term by term; a value that psi has only at x = 0 is left out."""
    if isinstance(slope, Piecewise):
        kept = [(over_residual(e, x), c) for e, c in slope.args if c != Eq(x, 0)]
        return Piecewise(*kept)
    if slope.has(sign(x)):
        slope = factor_terms(slope)
        rest = slope / sign(x)
        return rest / Abs(x) if not rest.has(sign(x)) else slope / x
    if slope.is_Add:
        return slope.func(*(over_residual(a, x) for a in slope.args))
    return slope / x


def without_squared_signs(second: Expr) -> Expr:
    """sign(g)^2 = 1: at g = 0 too, which is the value of either side."""
    return second.replace(
        lambda e: e.is_Pow and isinstance(e.base, sign) and e.exp.is_integer,
        lambda e: e.base if e.exp % 2 else S.One,
    )


def middle_at_kinks(loss: Loss, slope: Expr) -> Expr:
    """Where two branches of a first derivative do not meet, the value between them."""
    return slope.replace(lambda e: isinstance(e, Piecewise), lambda e: _with_edges(loss, e))


def _with_edges(loss: Loss, slope: Piecewise) -> Expr:
    branches: list[tuple[Expr, object]] = []
    for (value, condition), following in zip(slope.args, slope.args[1:], strict=False):
        if isinstance(condition, Relational) and not isinstance(condition, Eq):
            edge = Eq(condition.lhs, condition.rhs)
            if _jumps(loss, value - following[0], edge):
                branches.append(((value + following[0]) / 2, edge))
        branches.append((value, condition))
    return Piecewise(*branches, slope.args[-1])


def _jumps(loss: Loss, difference: Expr, edge: Eq) -> bool:
    """Whether the difference of two branches is not 0 on the edge between them."""
    x = loss.residual
    gap = loss.expand(edge.lhs - edge.rhs)
    difference = loss.expand(difference)
    with mp.workdps(40):
        for at in generic_points(loss, 4):
            for start in (at[x], -at[x]):
                try:
                    root = mp.findroot(lambda value, at=at: evaluate(gap, {**at, x: value}), start)
                    if abs(evaluate(difference, {**at, x: root})) > mp.mpf(10) ** -20:
                        return True
                except (NotReal, ValueError, ZeroDivisionError):
                    continue
    return False


def inner_at_kinks(loss: Loss, second: Expr) -> Expr:
    """At the edge between branches, the branch on the side of x = 0."""
    return second.replace(lambda e: isinstance(e, Piecewise), lambda e: _closed_inside(loss, e))


def _closed_inside(loss: Loss, second: Piecewise) -> Expr:
    branches = []
    at = {**generic_points(loss, 1)[0], loss.residual: mp.mpf(0)}
    for value, condition in second.args:
        branches.append((value, _toward_zero(loss, condition, at)))
    return Piecewise(*branches)


def _toward_zero(loss: Loss, condition: object, at: Mapping[Symbol, object]) -> object:
    if not isinstance(condition, Relational) or isinstance(condition, Eq):
        return condition
    gap = condition.lhs - condition.rhs
    if evaluate(loss.expand(gap), at) == 0:
        return condition
    inside = truth(loss.expand(condition), at)
    return condition.weak if inside else condition.strict
