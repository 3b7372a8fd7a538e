"""Relations between parameters, such as a <= b: read, checked, kept by what is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sympy import And, Expr, Ge, Gt, Interval, Le, Lt, Set, Symbol, oo, true
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from derive.definitions.loss import Loss
from derive.errors import BadInput

SIGNS = {"<=": Le, "<": Lt, ">=": Ge, ">": Gt}
_SIGN = re.compile("(<=|>=|<|>)")


def read_relations(
    texts: Any, parameters: Mapping[str, Symbol], where: str
) -> tuple[Relational, ...]:
    """From `require` of a loss file: texts such as "a <= b", or "a <= b < c"."""
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise BadInput(f'{where}: expected a list, such as ["a <= b"]')
    found = []
    for text in texts:
        names, signs = [part.strip() for part in _SIGN.split(text)[::2]], _SIGN.findall(text)
        for name in names:
            if not signs or name not in parameters:
                declared = ", ".join(parameters) or "none"
                raise BadInput(
                    f"{where}: {text[:40]!a} does not compare parameters as 'a <= b' does "
                    f"(declared: {declared})"
                )
        for (low, high), sign in zip(pairwise(names), signs, strict=True):
            found.append(SIGNS[sign](parameters[low], parameters[high]))
    return tuple(found)


def check_relations(loss: Loss, where: str) -> None:
    """Refuse what no values satisfy, and what nothing downstream could keep."""
    for relation in loss.require:
        if not isinstance(relation, Relational) or relation.rel_op not in SIGNS:
            raise BadInput(f"{where}, require: expected relations, such as a <= b, not {relation}")
        low, high = relation.lts, relation.gts
        if low not in loss.parameters or high not in loss.parameters:
            raise BadInput(f"{where}, require: {shown([relation])} does not compare two parameters")
        if loss.domain(low) != loss.domain(high):
            raise BadInput(f"{where}, require: '{low}' and '{high}' need one domain to be compared")
        if loss.kind != "residual":
            raise BadInput(f"{where}, require: is for losses of a residual alone")
    if any(_leads(loss, p, p) is not None for p in loss.parameters):
        raise BadInput(f"{where}, require: {shown(loss.require)} goes round in a circle")
    if not satisfied(loss, {p: loss.default(p) for p in loss.parameters}):
        raise BadInput(f"{where}, defaults: they must satisfy {shown(loss.require)}; state others")


def satisfied(loss: Loss, at: Mapping[Any, Any]) -> bool:
    """Whether values, by symbol, are as the loss requires, as far as both sides are given."""
    return all(
        at[r.lts] < at[r.gts] if isinstance(r, Lt | Gt) else at[r.lts] <= at[r.gts]
        for r in loss.require
        if r.lts in at and r.gts in at
    )


def refuse(loss: Loss, at: Mapping[Symbol, Any]) -> None:
    """BadInput for values that are, with the defaults of the others, not as required."""
    found = {p: at.get(p, loss.default(p)) for p in loss.parameters}
    if not satisfied(loss, found):
        told = ", ".join(f"{p} = {v if p in at else f'{v:g}'}" for p, v in found.items())
        raise BadInput(f"{loss.name}: {shown(loss.require)} must hold, got {told}")


def required(loss: Loss, free: Iterable[Symbol]) -> Boolean:
    """The relations as a condition on some variables; true where fewer than two are compared."""
    compared = {p for r in loss.require for p in r.free_symbols}
    return And(*loss.require) if len(compared & set(free)) > 1 else true


def in_order(loss: Loss, at: Mapping[Symbol, Any]) -> dict[Symbol, Any]:
    """The same values, exchanged among the parameters that are compared until they are in order;
    equal ones stay equal."""
    found, swapped = dict(at), True
    while swapped:  # each exchange leaves fewer pairs the wrong way round
        swapped = False
        for low, high in ((r.lts, r.gts) for r in loss.require):
            if found[low] > found[high]:
                found[low], found[high], swapped = found[high], found[low], True
    return found


def shown(
    relations: Sequence[Relational],
    letter: Callable[[Symbol], str] = str,
    at_most: str = "<=",
) -> str:
    """As text, joined where one goes on from the other: a <= b < c."""
    text, last = "", None
    for r in relations:
        sign = "<" if isinstance(r, Lt | Gt) else at_most
        before = "" if r.lts == last else f"{', ' if text else ''}{letter(r.lts)}"
        text += f"{before} {sign} {letter(r.gts)}"
        last = r.gts
    return text


def domains_beside(loss: Loss, p: Symbol, value: Expr) -> dict[Symbol, Set]:
    """What is left of the domains of parameters that are compared with one, where it is fixed."""
    found = {}
    for q in loss.parameters:
        above, below = _leads(loss, p, q), _leads(loss, q, p)
        if above is not None:
            found[q] = loss.domain(q).intersect(Interval(value, oo, above, True))
        if below is not None:
            found[q] = loss.domain(q).intersect(Interval(-oo, value, True, below))
    return found


def _leads(loss: Loss, low: Symbol, high: Symbol) -> bool | None:
    """Whether the way of relations from one parameter up to another is strict; None without one."""
    seen: dict[Symbol, bool] = {}
    ends = {low: False}
    while ends:
        start, ends = ends, {}
        for r in loss.require:
            strict = start.get(r.lts, False) or isinstance(r, Lt | Gt)
            if r.lts in start and (r.gts not in seen or strict > seen[r.gts]):
                seen[r.gts] = ends[r.gts] = strict
    return seen.get(high)
