"""Beside a zero: what rounding takes from each operation is carried along and added in the end.

Where the terms of a sum cancel, what was rounded off before is most of what is left. The rounding
of +, -, *, / and square roots is a number of the dtype, and is had exactly; what it does to the
result is found to first order, by the slopes of what follows. Only functions are still rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from derive.numerics.helpers import HELPERS
from derive.numerics.nodes import (
    Call,
    Local,
    Name,
    Node,
    Number,
    absolute,
    call,
    node,
    patch,
    rebuilt,
    walk,
    where,
)

_MOST = 400  # nodes
_CLOSE = 0.125  # of a term: a sum below it is beside a zero
_LARGER = 8
_ZERO = node(0)


class _Lost(ValueError):
    """An operation whose rounding, or whose slope, is not known."""


def carried(form: Node, usual: Node) -> Node | None:
    """The usual form, but where a sum in it cancels the form with its roundings; None where they
    are not known. (Another form may cancel where there is no zero.)"""
    summed, carry = _sum_in(form), _Carry()
    if summed is None:
        return None
    try:
        value, rest = carry.of(form)
        terms = [carry.of(term)[0] for term in list(_terms(summed))[:2]]
    except _Lost:
        return None
    if rest is None or sum(1 for _ in walk(value + rest)) > _MOST:
        return None
    found = _placed(usual, value + rest, terms)
    return None if found == usual else found


def _placed(usual: Node, whole: Node, terms: Sequence[Node]) -> Node:
    if isinstance(usual, Call) and usual.op in ("where", "patch"):
        test, *ways = usual.args
        return call(usual.op, test, *(_placed(way, whole, terms) for way in ways))
    summed = _sum_in(usual)
    if summed is None:
        return usual
    size = absolute(next(_terms(summed)))
    test = absolute(summed) < size * _CLOSE
    for term in terms:  # what cancels more would have to be known better
        test = call("and", test, absolute(term) < size * _LARGER)
    # where a step has left the range, the whole is no number
    test = call("and", test, absolute(whole - usual) < size)
    return patch(test, whole, usual)


def _sum_in(form: Node) -> Node | None:
    """The sum that is the form, or a factor of it."""
    if isinstance(form, Local):
        return _sum_in(form.value)
    if not isinstance(form, Call):
        return None
    if form.op in ("add", "sub"):
        return form
    if form.op not in ("mul", "div", "neg"):
        return None
    return next((found for a in form.args if (found := _sum_in(a)) is not None), None)


def _terms(summed: Node) -> Iterator[Node]:
    if isinstance(summed, Local):
        yield from _terms(summed.value)
    elif isinstance(summed, Call) and summed.op in ("add", "sub"):
        for term in summed.args:
            yield from _terms(term)
    else:
        yield summed


# A value, and what is to be added to it; None is nothing.
Pair = tuple[Node, Node | None]


class _Carry:
    def __init__(self) -> None:
        self.done: dict[Node, Pair] = {}

    def of(self, form: Node) -> Pair:
        if form not in self.done:
            self.done[form] = self._of(form)
        return self.done[form]

    def _of(self, form: Node) -> Pair:
        if isinstance(form, Name | Number):
            return form, None
        if isinstance(form, Local):
            return self.of(form.value)
        assert isinstance(form, Call)
        if form.op in HELPERS:
            helper = HELPERS[form.op]
            body = helper.body if helper.shortcut is None else helper.shortcut[1]
            return self.of(_given(body, dict(zip(helper.parameters, form.args, strict=True))))
        pairs = [self.of(a) for a in form.args]
        if form.op in _ARITHMETIC:
            return _ARITHMETIC[form.op](*pairs)
        if form.op in _SLOPES:
            return _function(form.op, *pairs[0])
        if form.op in ("lt", "le", "eq", "ne", "and", "or"):
            return call(form.op, *(value for value, _ in pairs)), None
        raise _Lost


def _given(body: Node, values: Mapping[str, Node]) -> Node:
    return rebuilt(body, lambda n: values.get(n.name, n) if isinstance(n, Name) else n)


def _plus(a: Node | None, b: Node | None) -> Node | None:
    return b if a is None else a if b is None else a + b


def _times(a: Node, b: Node | None) -> Node | None:
    return None if b is None else a * b


def _is_power_of_two(value: Node) -> bool:
    if not isinstance(value, Number) or not isinstance(value.value, Fraction):
        return False
    size = abs(value.value)
    return size != 0 and all(n & (n - 1) == 0 for n in (size.numerator, size.denominator))


def _rounding(a: Node, b: Node) -> Node:
    """What rounding takes from a + b."""
    total = a + b
    other = total - a
    return (a - (total - other)) + (b - other)


def _add(a: Pair, b: Pair) -> Pair:
    return a[0] + b[0], _plus(_plus(a[1], b[1]), _rounding(a[0], b[0]))


def _neg(a: Pair) -> Pair:
    return -a[0], None if a[1] is None else -a[1]


def _sub(a: Pair, b: Pair) -> Pair:
    return a[0] - b[0], _add(a, _neg(b))[1]


def _mul(a: Pair, b: Pair) -> Pair:
    (x, dx), (y, dy) = a, b
    rest = _plus(_times(y, dx), _times(x, dy))
    if _is_power_of_two(x) or _is_power_of_two(y):
        return x * y, rest
    return x * y, _plus(rest, call("product_error", x, y))


def _div(a: Pair, b: Pair) -> Pair:
    (x, dx), (y, dy) = a, b
    quotient = x / y
    if _is_power_of_two(y):
        return quotient, None if dx is None else dx / y
    left = (x - quotient * y) - call("product_error", quotient, y)
    left = left if dx is None else left + dx
    return quotient, (left if dy is None else left - quotient * dy) / y


def _sqrt(a: Pair) -> Pair:
    x, dx = a
    root = call("sqrt", x)
    left = (x - root * root) - call("product_error", root, root)
    return root, (left if dx is None else left + dx) / (2 * root)


def _pow(a: Pair, b: Pair) -> Pair:
    (x, dx), (p, dp) = a, b
    power = x**p
    by_base = None if dx is None else power * (p * (dx / x))
    by_exponent = None if dp is None else power * (dp * call("log", x))
    return power, _plus(by_base, by_exponent)


def _log1p(a: Pair) -> Pair:
    total, rest = _add((node(1), None), a)
    return call("log", total), None if rest is None else rest / total


def _where(test: Pair, yes: Pair, no: Pair) -> Pair:
    rest = None
    if yes[1] is not None or no[1] is not None:
        rest = where(test[0], yes[1] or _ZERO, no[1] or _ZERO)
    return where(test[0], yes[0], no[0]), rest


def _max(a: Pair, b: Pair) -> Pair:
    return _where((a[0] < b[0], None), b, a)


def _min(a: Pair, b: Pair) -> Pair:
    return _where((a[0] < b[0], None), a, b)


_ARITHMETIC: Mapping[str, Callable[..., Pair]] = {
    "add": _add, "sub": _sub, "neg": _neg, "mul": _mul, "div": _div, "sqrt": _sqrt, "pow": _pow,
    "log1p": _log1p, "where": _where, "patch": _where, "max": _max, "min": _min,
}  # fmt: skip
# The slope of a function at its argument, by its value too.
_SLOPES: Mapping[str, Callable[[Node, Node], Node]] = {
    "exp": lambda x, value: value,
    "expm1": lambda x, value: value + 1,
    "log": lambda x, value: 1 / x,
    "atan": lambda x, value: 1 / (1 + x * x),
    "sin": lambda x, value: call("cos", x),
    "cos": lambda x, value: -call("sin", x),
    "tanh": lambda x, value: 1 - value * value,
    "abs": lambda x, value: call("sign", x),
}


def _function(op: str, x: Node, dx: Node | None) -> Pair:
    value = call(op, x)
    return value, None if dx is None else _SLOPES[op](x, value) * dx
