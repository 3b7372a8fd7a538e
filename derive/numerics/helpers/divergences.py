"""Logarithms of ratios of two probabilities, by their difference where they are near."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from derive.numerics.helpers.exponential import expm1_minus
from derive.numerics.helpers.helper import Helper, define
from derive.numerics.helpers.logarithm import log1p_minus
from derive.numerics.nodes import Name, absolute, call, where

_a, _b, _d = Name("a"), Name("b"), Name("d")
_FAR = 2.0**-60


_beyond = call("min", _a, _b) < call("max", _a, _b) * _FAR
log_quotient = define(
    Helper(
        "log_quotient",
        ("a", "b"),
        "log(a/b), also where the quotient leaves the range.",
        where(_beyond, call("log", _a) - call("log", _b), call("log", _a / _b)),
        lambda a, b: mp.log(a / b),
    )
)


def _divergence(a: Any, b: Any, _: Any) -> Any:
    return b if a == 0 else a * mp.log(a / b) - a + b


divergence = define(
    Helper(
        "divergence",
        ("a", "b", "d"),
        "a log(a/b) - a + b, where d = b - a; b at a = 0. It is never negative.",
        where(
            call("eq", _a, 0),
            _b,
            where(
                call("or", _b < _a / 2, _a < _b / 1024),
                _d + _a * log_quotient(_a, _b),
                -_a * log1p_minus(_d / _a),
            ),
        ),
        _divergence,
    )
)
_p, _q, _w = Name("p"), Name("q"), Name("w")
chance_gap = define(
    Helper(
        "chance_gap",
        ("p", "q", "w"),
        "p - q for p = q exp(-w).",
        where(absolute(_w) < 1, _q * call("expm1", -_w), _p - _q),
        lambda p, q, w: p - q,
    )
)
chance_divergence = define(
    Helper(
        "chance_divergence",
        ("p", "q", "w"),
        "q log(q/p) - q + p for p = q exp(-w); p at q = 0.",
        where(
            call("eq", _q, 0),
            _p,
            where(absolute(_w) < 1, _q * expm1_minus(-_w), _q * _w - _q + _p),
        ),
        lambda p, q, w: p - q + q * w,
    )
)
log1mexp = define(
    Helper(
        "log1mexp",
        ("n",),
        "log(1 - exp(-n)) for n >= 0.",
        where(
            Name("n") < 0.6931471805599453,
            call("log", -call("expm1", -Name("n"))),
            call("log1p", -call("exp", -Name("n"))),
        ),
        lambda n: mp.log(-mp.expm1(-n)) if n < 1 else mp.log1p(-mp.exp(-n)),
    )
)
