"""The faces of 1 + y^2/b, each safe where y^2 overflows or y^2/b underflows."""

from __future__ import annotations

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define
from derive.numerics.helpers.logarithm import log_excess
from derive.numerics.nodes import Local, Name, absolute, call, patch

_y, _b = Name("y"), Name("b")
_square = Local("w", _y * _y / _b)
_is_far = call("huge", _y) < _square
_far_log = 2 * call("log", absolute(_y)) - call("log", _b)

log1p_square = define(
    Helper(
        "log1p_square",
        ("y", "b"),
        "log(1 + y^2/b), also where y^2 overflows.",
        patch(_is_far, _far_log, call("log1p", _square)),
        lambda y, b: mp.log1p(y * y / b),
    )
)
saturation = define(
    Helper(
        "saturation",
        ("y", "b"),
        "w/(1 + w) with w = y^2/b, also where y^2 overflows.",
        patch(_is_far, 1, _square / (1 + _square)),
        lambda y, b: y * y / b / (1 + y * y / b),
    )
)
log_excess_square = define(
    Helper(
        "log_excess_square",
        ("y", "b"),
        "log(1 + w) - w/(1 + w) with w = y^2/b, also where y^2 overflows.",
        patch(_is_far, _far_log - 1, log_excess(_square)),
        lambda y, b: mp.log1p(y * y / b) - y * y / b / (1 + y * y / b),
    )
)
