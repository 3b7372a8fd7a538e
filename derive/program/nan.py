"""NaN in, NaN out: a guard where a result would not depend on what is given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from derive.numerics.helpers import HELPERS, Helper
from derive.numerics.nodes import CONDITIONS, Call, Local, Name, Node, Number, call, walk, where

# How far NaN in one entry reaches: nowhere, to the same entry of the result, or all over its row.
_NOWHERE, _ENTRY, _ROW = 0, 1, 2
_BY_FIRST = frozenset({"entry", "beside", "level", "centred", "rest", "others"})


def guarded(result: Node, residual: str) -> Node:
    """The result, and NaN where the residual is NaN. The sign of NaN counts as NaN."""
    if _reach(result, residual, _ROW, {}):
        return result
    other = _other_way_round(result)
    if other is not None and _reach(other, residual, _ROW, {}):
        return other
    return where(call("is_nan", Name(residual)), Name(residual), result)


def guarded_rows(result: Node, vectors: Sequence[str]) -> Node:
    """The result, and NaN all over a row of classes where an entry of a vector is NaN."""
    lost = [v for v in vectors if _reach(result, v, _ENTRY, {}) < _ROW]
    if not lost:
        return result
    first, *others = (call("largest", Name(v)) for v in lost)
    for one in others:
        first = first + one
    top = Local("top", first)
    return where(call("is_nan", top), top, result)


def _other_way_round(result: Node) -> Node | None:
    """A choice with its branches exchanged; NaN takes the last one."""
    if not isinstance(result, Call) or result.op != "where":
        return None
    condition, yes, no = result.args
    if not isinstance(condition, Call) or condition.op not in ("lt", "le"):
        return None
    left, right = condition.args
    return where(call("lt" if condition.op == "le" else "le", right, left), no, yes)


def _reach(current: Node, x: str, given: int, seen: dict[int, int]) -> int:
    """given: what NaN in x is as it comes in, a residual all there is."""
    key = id(current)
    if key not in seen:
        seen[key] = _found(current, x, given, seen)
    return seen[key]


def _found(current: Node, x: str, given: int, seen: dict[int, int]) -> int:
    if isinstance(current, Name):
        return given if current.name == x else _NOWHERE
    if isinstance(current, Local):
        return _reach(current.value, x, given, seen)
    if not isinstance(current, Call) or current.op in CONDITIONS:
        return _NOWHERE
    reached = [_reach(a, x, given, seen) for a in current.args]
    match current.op:
        case "where" | "patch":
            # Comparisons with NaN are false: there the last branch is taken.
            false = _false(current.args[0], x, given, seen)
            if given == _ROW and not _holds_for_nan(current.args[0]):
                false = _ROW  # what is chosen by a parameter depends on the residual either way
            return max(min(reached[1:]), min(false, reached[2]))
        case "pow":  # NaN**0 and 1**NaN are 1
            exponent = current.args[1]
            fixed = isinstance(exponent, Number) and exponent.value != 0
            return reached[0] if fixed else _NOWHERE
        case "total" | "largest":
            return _ROW if reached[0] else _NOWHERE
        case "hit" | "count" | "share":
            return _NOWHERE
        case "put" | "put_into":
            return _ROW if min(reached[0], reached[2]) == _ROW else _NOWHERE
        case op if op in _BY_FIRST:  # one entry's own NaN may be the one that is left out
            return _ROW if reached[0] == _ROW else _NOWHERE
        case op if op in HELPERS:
            helper = HELPERS[op]
            passed = zip(helper.parameters, reached, strict=False)  # fixed ones are left out
            return max((r for n, r in passed if _helper_passes_nan(helper, n)), default=_NOWHERE)
    return max(reached)


def _false(condition: Node, x: str, given: int, seen: dict[int, int]) -> int:
    """Where a condition is false for certain, as it compares with NaN."""
    if isinstance(condition, Call) and condition.op in ("and", "or"):
        parts = [_false(a, x, given, seen) for a in condition.args]
        return max(parts) if condition.op == "and" else min(parts)
    if isinstance(condition, Call) and condition.op in ("lt", "le", "eq"):
        return max(_reach(a, x, given, seen) for a in condition.args)
    return _NOWHERE


@cache
def _helper_passes_nan(helper: Helper, name: str) -> bool:
    bodies = [helper.body] if helper.shortcut is None else [helper.body, helper.shortcut[1]]
    return all(_reach(body, name, _ROW, {}) for body in bodies)


def _holds_for_nan(condition: Node) -> bool:
    return any(isinstance(n, Call) and n.op in ("ne", "is_nan") for n in walk(condition))
