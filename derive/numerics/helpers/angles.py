"""What lies beside a multiple of pi, which is no number of any dtype."""

from __future__ import annotations

from mpmath import mp

from derive.numerics.helpers.helper import Helper, define
from derive.numerics.nodes import Name, Node

_z, _c = Name("z"), Name("c")
# Near z = pi c every difference with the next of these is exact; the rest is small.
_PARTS = (2, 1, 1 / 8, 1 / 64, 1 / 1024)


def _less_pi() -> Node:
    total: Node = _z
    for part in _PARTS:
        total = total - (_c if part == 1 else part * _c)
    with mp.workdps(40):
        return total + float(sum(_PARTS) - mp.pi) * _c


less_pi = define(
    Helper(
        "less_pi",
        ("z", "c"),
        "z - pi c, whose sign is right where a rounded pi c would not tell.",
        _less_pi(),
        lambda z, c: z - mp.pi * c,
    )
)
