"""A parameter held off its special values: the general form serves these, too, without a branch.

Far out, where nothing tells a quantity from its limit at infinity any more, the parameter is
bounded. Beside a finite value p0, |p - p0| is kept from 0: what is less than the distance of two
numbers there changes nothing but the value at p0 itself, where 0/0 would be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from sympy import Expr, Symbol, oo

from derive.numerics.errors import ErrorModel, at_limit, at_value
from derive.numerics.lower import lower
from derive.numerics.measure import Reference
from derive.numerics.nodes import Call, Local, Name, Node, call

# float32 has numbers of these sizes, and their squares stay apart from its smallest ones.
_BOUND, _LEAST = 2.0**100, 2.0**-100
# Parameters beyond the bound, by the numbers of their dtype.
_BEYOND: Mapping[str, tuple[float, ...]] = {
    "float64": (2.0**101, 2.0**500, 2.0**1000),
    "float32": (2.0**101, 2.0**126),
}


def held_off(model: ErrorModel, form: Node) -> Node:
    """The form with its parameters held off those special values that it serves that way."""
    for variable, special in model.loss.special.items():
        points = [p for p in special if (variable.name, float(p)) in model.wanted.limits]
        for point in (p for p in points if p.is_finite and p != 0):
            apart = _apart(form, variable, point)
            if apart != form and _serves(model, apart, variable, point):
                form = apart
        infinite = [p for p in points if not p.is_finite]
        bounded = _bounded(form, variable, infinite)
        serves = infinite and all(_serves(model, bounded, variable, p) for p in infinite)
        if serves and all(_holds_beyond(model, bounded, form, variable, p) for p in infinite):
            form = bounded
    return form


def _apart(form: Node, variable: Symbol, point: Expr) -> Node:
    """|p - p0|, but never 0."""
    p, p0 = Name(variable.name), lower(point)

    def kept(current: Node) -> Node | None:
        if isinstance(current, Call) and current.op == "abs":
            (inner,) = current.args
            if inner in (p - p0, p0 - p):
                return call("max", current, _LEAST)
        return None

    return _replaced(form, kept)


def _bounded(form: Node, variable: Symbol, points: Sequence[Expr]) -> Node:
    value: Node = Name(variable.name)
    if oo in points and -oo in points:
        value = call("clamp", value, -_BOUND, _BOUND)
    else:
        value = call("min", value, _BOUND) if oo in points else call("max", value, -_BOUND)
    bounded = Local(variable.name[0], value)
    return _replaced(form, lambda current: bounded if current == Name(variable.name) else None)


def _replaced(form: Node, by: Callable[[Node], Node | None]) -> Node:
    @cache
    def again(current: Node) -> Node:
        found = by(current)
        if found is not None:
            return found
        if isinstance(current, Call):
            return Call(current.op, tuple(map(again, current.args)))
        if isinstance(current, Local):
            return Local(current.name, again(current.value))
        return current

    return again(form)


def _serves(model: ErrorModel, form: Node, variable: Symbol, point: Expr) -> bool:
    """Whether it gives the limit at a special value."""
    there = at_limit(model, variable, point)
    finite = there is not None and not there.wanted.expression.has(oo, -oo)
    return there is not None and finite and there.serves(form)


def _holds_beyond(
    model: ErrorModel, bounded: Node, form: Node, variable: Symbol, point: Expr
) -> bool:
    """Whether beyond the bound it is no worse than without it."""
    sign = 1.0 if point == oo else -1.0
    for reference in model.references[:4]:
        for value in _BEYOND[reference.sample.dtype]:
            sample = at_value(reference.sample, variable.name, sign * value)
            exact = Reference(model.wanted, sample)
            with_bound, without = (exact.errors_of(f, model.goal) for f in (bounded, form))
            if ((with_bound > model.goal) & (with_bound > without)).any():
                return False
    return True
