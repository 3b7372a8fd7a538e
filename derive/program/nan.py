"""NaN in, NaN out: a guard where a result would not depend on the residual."""

from __future__ import annotations

from functools import cache

from derive.numerics.helpers import HELPERS, Helper
from derive.numerics.nodes import CONDITIONS, Call, Local, Name, Node, Number, call, walk, where


def guarded(result: Node, residual: str) -> Node:
    """The result, and NaN where the residual is NaN. The sign of NaN counts as NaN."""
    if _passes_nan(result, residual, {}):
        return result
    other = _other_way_round(result)
    if other is not None and _passes_nan(other, residual, {}):
        return other
    return where(call("is_nan", Name(residual)), Name(residual), result)


def _other_way_round(result: Node) -> Node | None:
    """A choice with its branches exchanged; NaN takes the last one."""
    if not isinstance(result, Call) or result.op != "where":
        return None
    condition, yes, no = result.args
    if not isinstance(condition, Call) or condition.op not in ("lt", "le"):
        return None
    left, right = condition.args
    return where(call("lt" if condition.op == "le" else "le", right, left), no, yes)


def _passes_nan(current: Node, x: str, seen: dict[int, bool]) -> bool:
    key = id(current)
    if key not in seen:
        if isinstance(current, Name):
            seen[key] = current.name == x
        elif isinstance(current, Local):
            seen[key] = _passes_nan(current.value, x, seen)
        elif not isinstance(current, Call) or current.op in CONDITIONS:
            seen[key] = False
        elif current.op in ("where", "patch"):
            # Comparisons with NaN are false, so the last branch is taken.
            condition, _, last = current.args
            seen[key] = not _holds_for_nan(condition) and _passes_nan(last, x, seen)
        elif current.op == "pow":  # NaN**0 and 1**NaN are 1
            base, exponent = current.args
            fixed = isinstance(exponent, Number) and exponent.value != 0
            seen[key] = fixed and _passes_nan(base, x, seen)
        elif current.op in HELPERS:
            seen[key] = any(
                _passes_nan(argument, x, seen) and _helper_passes_nan(HELPERS[current.op], name)
                for name, argument in zip(HELPERS[current.op].parameters, current.args, strict=True)
            )
        else:
            seen[key] = any(_passes_nan(a, x, seen) for a in current.args)
    return seen[key]


@cache
def _helper_passes_nan(helper: Helper, name: str) -> bool:
    bodies = [helper.body] if helper.shortcut is None else [helper.body, helper.shortcut[1]]
    return all(_passes_nan(body, name, {}) for body in bodies)


def _holds_for_nan(condition: Node) -> bool:
    return any(isinstance(n, Call) and n.op in ("ne", "is_nan") for n in walk(condition))
