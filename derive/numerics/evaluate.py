"""Evaluation of nodes: over NumPy arrays in a given dtype, as the emitted code would do it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np

from derive.numerics.helpers import HELPERS, SERIES_TERMS
from derive.numerics.nodes import Call, Local, Name, Node, Number, walk


def _gamma(value: float) -> float:
    try:
        return math.gamma(value)
    except OverflowError:
        return math.inf


def _polygamma(order: int) -> Any:
    def value(z: float) -> float:
        return float(mpmath.polygamma(order, z)) if z > 0 else math.nan

    return value


_ELEMENTWISE = {
    "erf": np.frompyfunc(math.erf, 1, 1),
    "erfc": np.frompyfunc(math.erfc, 1, 1),
    "gamma": np.frompyfunc(_gamma, 1, 1),
    "digamma": np.frompyfunc(_polygamma(0), 1, 1),
    "trigamma": np.frompyfunc(_polygamma(1), 1, 1),
    "loggamma": np.frompyfunc(math.lgamma, 1, 1),
}


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b) by Dekker's splitting."""
    dtype = np.result_type(a, b)
    factor = dtype.type(2 ** ((np.finfo(dtype).nmant + 2) // 2) + 1)
    a_high = factor * a - (factor * a - a)
    b_high = factor * b - (factor * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low


def _horner(z: Any, *coefficients: Any) -> Any:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * z + c
    return total


def _exp_series(argument: Any, *rates: Any) -> Any:
    """The sum of h_k(rates) L^k/(n + k)! for L max(rates) <= 5, h_k the sum of all products of k
    rates: a loop of the generated files, in the dtype of the arguments."""
    sums, coefficients = [0.0] * len(rates), []
    for k in range(SERIES_TERMS):
        total = 0.0 if k else 1.0
        for j, rate in enumerate(rates):
            sums[j] = total = total + rate * sums[j]
        coefficients.append(total / math.factorial(len(rates) - 1 + k))
    return _horner(argument, *coefficients)


def _in_dtype(function: Any) -> Any:
    def apply(value: Any) -> Any:
        return np.asarray(function(value), dtype=np.asarray(value).dtype)

    return apply


def _power(base: Any, exponent: Any) -> Any:
    """NaN stays NaN: a form is not right by NaN**0 = 1."""
    unknown = np.isnan(base) | np.isnan(exponent)
    return np.where(unknown, base + exponent, np.power(base, exponent))


def _log1p(value: Any) -> Any:
    """The least exact of the targets': in float64 NumPy's by log, else PyTorch's, which is one unit
    off in either direction where the result is subnormal."""
    value = np.asarray(value)
    if value.dtype == np.float64:
        return _subnormal_off(_by_log(value))
    return _subnormal_off(np.asarray(np.log1p(value)))


def _by_log(value: Any) -> Any:
    more = 1 + value
    return np.asarray(np.log(more) + np.fmax((value - (more - 1)) / more, -1))


def _subnormal_off(found: Any) -> Any:
    tiny = np.abs(found) < np.finfo(found.dtype).tiny
    if not np.any(tiny):
        return found
    odd = found / np.finfo(found.dtype).smallest_subnormal % 2 == 1
    return np.where(tiny, np.nextafter(found, np.where(odd, 2 * found, 0)), found)


def _finite(value: Any) -> Any:
    most = np.finfo(np.asarray(value).dtype).max
    return np.minimum(np.maximum(value, -most), most)


def _least(value: Any) -> Any:
    form = np.finfo(np.asarray(value).dtype)
    return form.tiny / form.eps


USUAL: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "neg": np.negative, "abs": np.abs, "sign": np.sign, "min": np.minimum, "max": np.maximum,
    "sqrt": np.sqrt, "pow": _power, "exp": np.exp, "expm1": np.expm1, "log": np.log,
    "log1p": _log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "product_error": _product_error, "horner": _horner, "exp_series": _exp_series,
    "where": np.where, "patch": np.where,
    "lt": np.less, "le": np.less_equal, "eq": np.equal,
    "and": np.logical_and, "or": np.logical_or, "ne": np.not_equal,
    "is_nan": np.isnan, "finite": _finite, "least": _least,
    "clamp": lambda v, low, high: np.minimum(np.maximum(v, low), high),
    **{name: _in_dtype(function) for name, function in _ELEMENTWISE.items()},
}  # fmt: skip


# As NumPy's files compute it in float64, in every dtype.
BY_LOG: Mapping[str, Any] = {**USUAL, "log1p": _by_log}


def varies(expression: Node) -> bool:
    """Whether targets compute it in several ways."""
    return any(isinstance(n, Call) and _varies(n.op) for n in walk(expression))


@cache
def _varies(op: str) -> bool:
    helper = HELPERS.get(op)
    if helper is None:
        return USUAL[op] is not BY_LOG[op]
    return helper.shortcut is not None or varies(helper.body)


class Values:
    """The values of expressions at the same inputs, each operation rounded to `dtype`: what occurs
    again, in one expression or in several, is computed once.

    shortcuts: whether helpers take their cheaper forms, which not every target has. functions: how
    each operation is done.
    """

    def __init__(
        self,
        inputs: Mapping[str, Any],
        dtype: type = np.float64,
        shortcuts: bool = True,
        functions: Mapping[str, Any] = USUAL,
    ) -> None:
        self._dtype, self._shortcuts, self._functions = dtype, shortcuts, functions
        self._found: list[Any] = list(inputs.values())
        self._inputs = {name: place for place, name in enumerate(inputs)}
        self._places: dict[Any, int] = {}
        self._seen: dict[int, int] = {}
        self._kept: list[Node] = []

    def of(self, expression: Node) -> Any:
        self._kept.append(expression)  # no other node takes its identity
        with np.errstate(all="ignore"):
            return self._found[self._place(expression, self._inputs, self._seen)]

    def _place(self, node: Node, names: Mapping[str, int], seen: dict[int, int]) -> int:
        """Where the value of a node is. seen: the places of nodes, by identity."""
        place = seen.get(id(node))
        if place is None:
            place = seen[id(node)] = self._new(node, names, seen)
        return place

    def _new(self, node: Node, names: Mapping[str, int], seen: dict[int, int]) -> int:
        if isinstance(node, Name):
            return names[node.name]
        if isinstance(node, Local):
            return self._place(node.value, names, seen)
        if isinstance(node, Number):
            value = node.value
            exact = value.numerator / value.denominator if isinstance(value, Fraction) else value
            number = self._dtype(exact)
            return self._placed(number.tobytes(), lambda: number)
        assert isinstance(node, Call)
        args = tuple(self._place(a, names, seen) for a in node.args)
        return self._placed((node.op, args), lambda: self._called(node.op, args))

    def _placed(self, key: Any, value: Callable[[], Any]) -> int:
        if key not in self._places:
            found = value()
            self._places[key] = len(self._found)
            self._found.append(found)
        return self._places[key]

    def _called(self, op: str, args: tuple[int, ...]) -> Any:
        if op not in HELPERS:
            return self._functions[op](*(self._found[a] for a in args))
        helper = HELPERS[op]
        seen: dict[int, int] = {}
        names = dict(zip(helper.parameters, args, strict=True))

        def within(body: Node) -> Any:
            return self._found[self._place(body, names, seen)]

        if helper.shortcut is not None and self._shortcuts:
            condition, cheap = helper.shortcut
            return np.where(within(condition), within(cheap), within(helper.body))
        return within(helper.body)


def evaluate(
    expression: Node,
    values: Mapping[str, Any],
    dtype: type = np.float64,
    shortcuts: bool = True,
    functions: Mapping[str, Any] = USUAL,
) -> Any:
    """The value of an expression, each operation rounded to `dtype`."""
    return Values(values, dtype, shortcuts, functions).of(expression)
