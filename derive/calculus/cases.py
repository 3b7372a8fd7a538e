"""Case distinctions brought together: one brace around a formula instead of several inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import (
    Add,
    And,
    Dummy,
    Eq,
    Expr,
    Ge,
    Gt,
    Le,
    Lt,
    Max,
    Min,
    Mul,
    Ne,
    Piecewise,
    S,
    Symbol,
    expand,
)
from sympy.core.relational import Relational

BELOW, AT, ABOVE = -1, 0, 1
HOLDS: Mapping[Any, Any] = {
    Lt: lambda side: side < 0, Le: lambda side: side <= 0, Gt: lambda side: side > 0,
    Ge: lambda side: side >= 0, Eq: lambda side: side == 0, Ne: lambda side: side != 0,
}  # fmt: skip


def gathered(e: Expr, x: Symbol) -> Expr:
    """An equal formula whose cases are gathered where they all ask on which side of one bound x
    lies, or all distinguish the same cases; else the formula as it is."""
    if not e.has(Piecewise):
        return e
    chain = _same_chain(e)
    if chain is not None:
        return chain
    gap = _only_gap(e)
    if gap is not None:
        return _by_sides(e, gap, x)
    if e.is_Mul:
        return Mul(*(gathered(part, x) for part in _grouped(e)))
    return e


def flattened(e: Piecewise, x: Symbol) -> Piecewise:
    """Cases inside of a case one after the other, where all of them bound the same expression."""
    branches: list[tuple[Expr, Any]] = []
    for value, when in e.args:
        inner = gathered(value, x)
        if not isinstance(inner, Piecewise) or not isinstance(when, Relational):
            branches.append((inner, when))
            continue
        for part, narrower in inner.args:
            both = when if narrower == True else _both(narrower, when, x)  # noqa: E712
            if both is None:
                return e
            branches.append((part, both))
    return Piecewise(*branches, evaluate=False)


def _both(one: Any, other: Any, x: Symbol) -> Any:
    """What two bounds on the same expression say together, if one of them says it; else None."""
    if not isinstance(one, Relational):
        return None
    moving, t = _sides(expand(one.lhs - one.rhs), x)[0], Dummy("t", real=True)
    first, second = (relation.xreplace({moving: t}) for relation in (one, other))
    if first.has(x) or second.has(x):
        return None
    joined = And(first, second).simplify()
    return one if joined == first else other if joined == second else None


def _same_chain(e: Expr) -> Expr | None:
    """Branch by branch where every distinction has the same conditions, none of them twice told."""
    pieces = e.atoms(Piecewise)
    chains = {tuple(when for _, when in p.args) for p in pieces}
    if (
        len(chains) != 1
        or e.has(Max, Min)
        or any(v.has(Piecewise) for p in pieces for v, _ in p.args)
    ):
        return None
    (conditions,) = chains
    if len(_gaps(e)) == 1:
        return None
    branches = [
        (e.xreplace({p: p.args[k][0] for p in pieces}), when) for k, when in enumerate(conditions)
    ]
    return Piecewise(*branches)


def _grouped(e: Mul) -> list[Expr]:
    """The factors, those with the same bound together."""
    groups: dict[frozenset[Expr], Expr] = {}
    for factor in e.args:
        key = frozenset(_gaps(factor)) if factor.has(Piecewise) else frozenset()
        groups[key] = groups.get(key, S.One) * factor
    return list(groups.values())


def _conditions(e: Expr) -> Iterable[Any]:
    return (when for p in e.atoms(Piecewise) for _, when in p.args)


def _gaps(e: Expr) -> set[Expr]:
    """What the conditions compare with 0, up to its sign."""
    found: set[Expr] = set()
    for when in _conditions(e):
        for relation in when.atoms(Relational):
            gap = expand(relation.lhs - relation.rhs)
            found.add(-gap if -gap in found else gap)
    return found


def _only_gap(e: Expr) -> Expr | None:
    whole = all(when == True or isinstance(when, Relational) for when in _conditions(e))  # noqa: E712
    gaps = _gaps(e)
    return gaps.pop() if whole and len(gaps) == 1 else None


def _by_sides(e: Expr, gap: Expr, x: Symbol) -> Expr:
    """Below the bound, at it, above it; joined where two of these say the same."""
    left, right = _sides(gap, x)
    gap = expand(left - right)
    values = {side: _on_side(e, gap, side) for side in (BELOW, AT, ABOVE)}
    first = _first(e, gap)
    other = -first
    there = {side: expand(value.subs(left, right)) for side, value in values.items()}
    joins_first = values[AT] == values[first] or there[AT] == there[first]
    joins_other = values[AT] == values[other] or there[AT] == there[other]
    if values[first] == values[other] and joins_first:
        return values[first]
    strict, weak = (Lt, Le) if first == BELOW else (Gt, Ge)
    if joins_first:
        return Piecewise(
            (values[first], weak(left, right, evaluate=False)), (values[other], True),
            evaluate=False,
        )  # fmt: skip
    branches = [(values[first], strict(left, right, evaluate=False))]
    if not joins_other:
        branches.append((values[AT], Eq(left, right, evaluate=False)))
    return Piecewise(*branches, (values[other], True), evaluate=False)


def _sides(gap: Expr, x: Symbol) -> tuple[Expr, Expr]:
    """What holds x, and the bound on it."""
    terms = Add.make_args(gap)
    moving = Add(*(t for t in terms if t.has(x))) if gap.has(x) else terms[0]
    bound = moving - gap
    return (-moving, -bound) if moving.could_extract_minus_sign() else (moving, bound)


def _first(e: Expr, gap: Expr) -> int:
    """The side of which the first distinction speaks first."""
    piece = min(e.atoms(Piecewise), key=lambda p: str(p))
    for _, when in piece.args:
        if isinstance(when, Relational) and not isinstance(when, Eq):
            return next(side for side in (BELOW, ABOVE) if _holds(when, gap, side))
    return BELOW


def _holds(when: Any, gap: Expr, side: int) -> bool:
    if not isinstance(when, Relational):
        return bool(when)
    turned = 1 if expand(when.lhs - when.rhs) == gap else -1
    return bool(HOLDS[when.func](turned * side))


def _on_side(e: Expr, gap: Expr, side: int) -> Expr:
    """The formula on one side of the bound; a maximum across it is decided too."""

    def branch(p: Piecewise) -> Expr:
        return next(value for value, when in p.args if _holds(when, gap, side))

    while e.has(Piecewise):
        e = e.replace(lambda a: isinstance(a, Piecewise), branch)
    for part in e.atoms(Max, Min):
        if len(part.args) == 2:
            one, other = part.args
            difference = expand(one - other)
            if difference in (gap, -gap):
                larger = one if (difference == gap) == (side > 0) else other
                smaller = other if larger == one else one
                e = e.xreplace({part: larger if isinstance(part, Max) else smaller})
    return e
