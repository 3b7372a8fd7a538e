"""log cosh, softplus and their slopes: functions that grow like |z|."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp

from derive.numerics.chebyshev import interpolant
from derive.numerics.helpers.helper import FAR, Helper, define, exp
from derive.numerics.nodes import Local, Name, Node, absolute, call, polynomial, where

_z = Name("z")


def _squares(f: Callable[[Any], Any]) -> Node:
    """z^2 times a polynomial in z^2, which is the even function f up to |z| = 1."""
    with mp.workdps(60):
        near = interpolant(lambda w: f(mp.sqrt(w)) / w, mp.mpf(10) ** -16, 1, 0)
    assert near is not None
    square = Local("square", _z * _z)
    return square * polynomial(square, near)


def _log_cosh(z: Any) -> Any:
    return mp.log1p(mp.sinh(z) ** 2) / 2


def _logcosh() -> Node:
    """A polynomial up to 1; beyond 1, |z| - log 2 and what decays with exp(-2|z|)."""
    size = Local("size", absolute(_z))
    decay = call("log1p", exp(-2 * size))
    return where(size < 1, _squares(_log_cosh), size - (call("log", 2) - decay))


logcosh = define(
    Helper(
        "logcosh",
        ("z",),
        "log(cosh(z)), without cancellation at small z and without overflow at large.",
        _logcosh,
        _log_cosh,
    )
)


def _excess(z: Any) -> Any:
    return z * mp.tanh(z) - _log_cosh(z)


def _logcosh_excess() -> Node:
    """A polynomial up to 1; beyond 1, log 2 less what decays with exp(-2|z|)."""
    size = Local("size", absolute(_z))
    decay = Local("decay", exp(-2 * call("min", size, FAR)))
    rest = call("log1p", decay) + 2 * call("min", size, FAR) * (decay / (1 + decay))
    return where(size < 1, _squares(_excess), call("log", 2) - rest)


logcosh_excess = define(
    Helper(
        "logcosh_excess",
        ("z",),
        "z tanh(z) - log(cosh(z)): 0 at 0, log(2) at infinity.",
        _logcosh_excess,
        _excess,
    )
)
softplus = define(
    Helper(
        "softplus",
        ("z",),
        "log(1 + exp(z)), without overflow.",
        call("max", _z, 0) + call("log1p", exp(-absolute(_z))),
        lambda z: _softplus_of(z),
    )
)
_a, _b, _d = Name("a"), Name("b"), Name("d")
log_total = define(
    Helper(
        "log_total",
        ("a", "b", "d"),
        "log(exp(a) + exp(b)), from d = b - a.",
        call("max", _a, _b) + call("log1p", exp(-absolute(_d))),
        lambda a, b, d: max(a, b) + mp.log1p(mp.exp(-abs(b - a))),
    )
)
sigmoid = define(
    Helper(
        "sigmoid",
        ("z",),
        "1/(1 + exp(-z)), without overflow.",
        where(_z < 0, exp(-absolute(_z)), 1) / (1 + exp(-absolute(_z))),
        lambda z: 1 / (1 + mp.exp(-z)),
    )
)
root_softplus = define(
    Helper(
        "root_softplus",
        ("z",),
        "sqrt(log(1 + exp(z))), which is exp(z/2) where log(1 + exp(z)) has lost its digits.",
        where(_z < -40, exp(_z / 2), call("sqrt", softplus(_z))),
        lambda z: mp.sqrt(z + mp.log1p(mp.exp(-z)) if z > 0 else mp.log1p(mp.exp(z))),
    )
)
root_sigmoid = define(
    Helper(
        "root_sigmoid",
        ("z",),
        "1/sqrt(1 + exp(-z)), which is exp(z/2) where exp(z) has lost its digits.",
        where(_z < -40, exp(_z / 2), call("sqrt", sigmoid(_z))),
        lambda z: 1 / mp.sqrt(1 + mp.exp(-z)),
    )
)


def _even(f: Callable[[Any], Any], reach: float) -> Node:
    """A polynomial in z^2, which is the even function f up to |z| = reach."""
    with mp.workdps(60):
        near = interpolant(lambda w: f(mp.sqrt(w)), mp.mpf(10) ** -20, reach**2, 0)
    assert near is not None
    return polynomial(Local("square", _z * _z), near)


def _softplus_of(z: Any) -> Any:
    return z + mp.log1p(mp.exp(-z)) if z > 0 else mp.log1p(mp.exp(z))


# Up to here a polynomial is rounded less than logarithms are.
_MODERATE = 1.5


def _crossed() -> Node:
    """Near 0 (1 - exp(-z)) (z/2 coth(z/2) - log(2 cosh(z/2))); far out
    exp(-max(z, 0)) (a - (exp(a) - 1) softplus(-a)), a = |z|, with z's sign: the product is 1."""
    a = Local("a", call("min", absolute(_z), FAR))
    b = Local("b", call("min", a, 40))
    size = a - call("expm1", b) * softplus(-b)
    far = call("sign", _z) * exp(-call("max", _z, 0)) * size
    even = _even(lambda z: (z / mp.tanh(z / 2) - z) / 2 - mp.log1p(mp.exp(-z)), _MODERATE)
    return where(absolute(_z) < _MODERATE, -call("expm1", -_z) * even, far)


softplus_crossed = define(
    Helper(
        "softplus_crossed",
        ("z",),
        "exp(-z) softplus(z) - softplus(-z), without cancellation.",
        _crossed,
        lambda z: mp.exp(-z) * mp.log1p(mp.exp(z)) - mp.log1p(mp.exp(-z)),
    )
)
softplus_product = define(
    Helper(
        "softplus_product",
        ("z",),
        "softplus(z) softplus(-z), which is even.",
        lambda: where(
            absolute(_z) < _MODERATE,
            _even(lambda z: _softplus_of(z) * _softplus_of(-z), _MODERATE),
            softplus(_z) * softplus(-_z),
        ),
        lambda z: _softplus_of(z) * _softplus_of(-z),
    )
)
_q, _t = Name("q"), Name("t")
softplus_step = define(
    Helper(
        "softplus_step",
        ("q", "t"),
        "log(1 + exp(q + t)) - log(1 + exp(q)), without cancellation.",
        where(
            absolute(_t) < 1,
            call("log1p", sigmoid(_q) * call("expm1", _t)),
            where(
                _q < 0, softplus(_q + _t) - softplus(_q), _t + softplus(-_q - _t) - softplus(-_q)
            ),
        ),
        lambda q, t: mp.log1p(mp.expm1(t) / (1 + mp.exp(-q))),
    )
)
