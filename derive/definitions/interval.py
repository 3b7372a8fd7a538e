"""The kinds of variables in a loss file, and what they say about values: a set and a symbol."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sympy import Expr, FiniteSet, Interval, Set, Symbol, Union, oo, true

from derive.definitions.formula import read_number
from derive.definitions.loss import Along
from derive.errors import BadInput

KINDS = ("real", "positive", "nonnegative", "extended_real")
_LABELS = re.compile(r"\s*\{(.*)\}\s*", re.DOTALL)
_MOST_LABELS = 16
_INTERVAL = re.compile(r"\s*([\[(])(.*),(.*)([\])])\s*", re.DOTALL)


@dataclass(frozen=True)
class Kind:
    """What is known of a variable; `domain` is None where the assumptions already say it all."""

    assumptions: dict[str, bool]
    domain: Set | None

    def symbol(self, name: str) -> Symbol:
        return Symbol(name, **self.assumptions)


def read_kind(value: Any, where: str) -> Kind:
    """A variable's kind from a loss file: one of KINDS, "[0, 1]", "(0, oo)", an array [0, 1], or
    labels "{-1, 1}"."""
    if isinstance(value, list):
        if len(value) != 2 or any(isinstance(v, (list, dict, bool)) for v in value):
            raise BadInput(f"{where}: an interval has two ends, such as [0, 1]")
        return _interval("[", str(value[0]), str(value[1]), "]", where)
    if isinstance(value, str) and value in KINDS:
        return Kind({value: True}, None)
    labels = _LABELS.fullmatch(value) if isinstance(value, str) else None
    if labels is not None:
        return _labels(
            [read_number(v, where) for v in labels[1].split(",")[: _MOST_LABELS + 1]], where
        )
    match = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        kinds = ", ".join(KINDS)
        raise BadInput(f"{where}: expected {kinds}, or an interval such as '[0, 1]' or '(0, oo)'")
    left, start, end, right = match.groups()
    return _interval(left, start, end, right, where)


def read_along(kind: str, where: str, name: str) -> Along:
    """A role with one entry a class: "real over k", "probability over k"; or "index of k"."""
    match = re.fullmatch(r"\s*(real|probability|index) (?:over|of) ([A-Za-z]\w*)\s*", kind)
    if match is None:
        raise BadInput(
            f"{where}: expected 'real over k', 'probability over k' or 'index of k', "
            f"not {kind[:40]!a}"
        )
    return Along(name, match[1], match[2])


def _labels(values: list[Expr], where: str) -> Kind:
    if len(values) > _MOST_LABELS or not all(v.is_Rational for v in values):
        raise BadInput(f"{where}: labels are at most {_MOST_LABELS} numbers, such as '{{-1, 1}}'")
    domain = FiniteSet(*values)
    sign = next(
        (s for s in ("positive", "nonnegative") if all(getattr(v, f"is_{s}") for v in values)),
        "real",
    )
    return Kind({sign: True}, domain)


def _interval(left: str, start: str, end: str, right: str, where: str) -> Kind:
    low, high = read_number(start, where), read_number(end, where)
    if (low < high) is not true:
        raise BadInput(f"{where}: an interval's first end must lie below its second")
    infinite = [
        edge
        for edge, bracket in ((low, left), (high, right))
        if edge in (oo, -oo) and bracket in "[]"
    ]
    finite = Interval(low, high, left == "(", right == ")")
    domain = Union(finite, FiniteSet(*infinite)) if infinite else finite
    return Kind({_sign(low, high, finite, bool(infinite)): True}, domain)


def _sign(low: Expr, high: Expr, finite: Interval, extended: bool) -> str:
    if low.is_nonnegative and not (low.is_zero and not finite.left_open):
        sign = "positive"
    elif low.is_nonnegative:
        sign = "nonnegative"
    elif high.is_nonpositive and not (high.is_zero and not finite.right_open):
        sign = "negative"
    elif high.is_nonpositive:
        sign = "nonpositive"
    else:
        sign = "real"
    return f"extended_{sign}" if extended else sign


def shown(domain: Set) -> str:
    """A domain as a loss file writes it, such as (0, oo), [-oo, oo] or {-1, 1}."""
    if isinstance(domain, FiniteSet):
        return f"{{{', '.join(map(str, domain))}}}"
    low, high = domain.inf, domain.sup
    left = "[" if domain.contains(low) is true else "("
    right = "]" if domain.contains(high) is true else ")"
    return f"{left}{low}, {high}{right}"
