"""The ball arithmetic that the oracle stands on, and the message when it is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from derive.errors import EnvironmentTrouble


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:  # the optional extra 'verify'
        return None


__all__ = ["Ball", "arb", "arb_series", "ctx", "raised", "require"]
__all__ += ["NeedsPrecision", "Tie", "Undefined", "ZeroDivisor"]

Ball = Any  # an arb; without python-flint there is no such type
flint = _optional("flint")
arb_series: Any = getattr(flint, "arb_series", None)
ctx: Any = getattr(flint, "ctx", None)

MISSING = (
    "python-flint is not installed, and every check needs its rigorous arithmetic: "
    "pip install 'derive-losses[verify]'"
)


def require(*_: Any) -> None:
    """Raise EnvironmentTrouble unless python-flint is installed."""
    if flint is None:
        raise EnvironmentTrouble(MISSING)


arb: Any = getattr(flint, "arb", require)


def raised(a: Ball, n: int) -> Ball:
    """a**n. For a ball whose middle is exactly 0 the library's real power is NaN."""
    return a**n if a.mid() != 0 or a.is_exact() else (flint.acb(a) ** n).real


class NeedsPrecision(Exception):
    """A ball contains a point where the value is not decided; more bits may decide it."""


class Undefined(Exception):
    """The formula has no value at this very point; a limit may exist. `names`: what vanishes."""

    def __init__(self, reason: str, names: frozenset[str] = frozenset()) -> None:
        super().__init__(reason)
        self.names = names


class NotReal(Undefined):
    """The formula has no real value here, whatever is approached."""


class Tie(Undefined):
    """Two branches of the formula meet at this very point, and a derivative is asked for."""


class ZeroDivisor(Undefined):
    """A divisor vanishes exactly at this very point."""
