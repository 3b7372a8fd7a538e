"""Derivation -> ClasswiseForm: what is evaluated, each form proved equal to the definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import mpmath
import sympy
from sympy import Expr

from derive.calculus.classwise import COUNTS, ClasswiseDerivation, points, summed, taken_out
from derive.calculus.evaluate import NotReal, evaluate
from derive.definitions.classes import varies, written_out
from derive.definitions.loss import Along, Loss
from derive.errors import Refuted
from derive.numerics.classwise.atoms import OfSurprise, meaning
from derive.numerics.classwise.lower import lowered
from derive.numerics.classwise.parts import form_of_part, in_one_total, with_parts
from derive.numerics.classwise.rules import candidates, scalars
from derive.numerics.classwise.slopes import (
    by_differences,
    in_parameter,
    less_mean,
    slope,
    spelled,
    with_signs_apart,
)
from derive.numerics.nodes import Node

_DIGITS, _CLOSE = 60, mpmath.mpf(10) ** -30


@dataclass(frozen=True)
class ClasswiseForm:
    """The program of every quantity; expressions: the same in the words of the rules.
    probabilities: those for a target that gives each class a probability."""

    loss: Loss
    expressions: Mapping[str, Expr]
    quantities: Mapping[str, Node]
    probabilities: ClasswiseForm | None


def stabilise_classwise(derivation: ClasswiseDerivation) -> ClasswiseForm:
    """The first stable form that is the definition; its derivatives are taken in its own words."""
    loss, z = derivation.loss, derivation.loss.residual
    for way in candidates(loss.expression):
        way = scalars(taken_out(way))
        if _equal(derivation, "loss", way):
            break
    else:
        way = loss.expression
    steep = slope(way, z)
    found = {"loss": way, f"d_{z.name}": steep}
    if isinstance(loss.target, Along) and loss.target.sort != "index":
        found[f"d_{loss.target.name}"] = slope(way, loss.target)
    for p in loss.parameters:
        found[f"d_{p.name}"] = by_differences(in_parameter(way, p))
    product = summed(derivation.v * spelled(steep))
    found["hessian_product"] = slope(product, z) if product != 0 else product
    centred = less_mean(found["hessian_product"], derivation.v)
    if _equal(derivation, "hessian_product", centred):
        found["hessian_product"] = centred

    def plain(e: Expr) -> Expr:
        return scalars(_flat(with_signs_apart(e)))

    parts: dict[Expr, Node | None] = {}

    def known(part: Expr) -> Node | None:
        if part not in parts:
            parts[part] = form_of_part(part, loss)
        return parts[part]

    joined = {name: with_parts(plain(in_one_total(e)), known) for name, e in found.items()}
    found = {
        name: e if e.has(OfSurprise) else with_parts(plain(found[name]), known)
        for name, e in joined.items()
    }
    for name, e in found.items():
        if not _equal(derivation, name, e):
            raise Refuted(
                f"{loss.name}: the stable form of {name} does not equal the definition; this is a "
                "mistake in a rule, please report it"
            )
    soft = derivation.probabilities
    return ClasswiseForm(
        loss,
        MappingProxyType(found),
        MappingProxyType({name: lowered(e, loss, parts) for name, e in found.items()}),
        stabilise_classwise(soft) if soft is not None else None,
    )


def _flat(e: Expr) -> Expr:
    """As few operations as it takes; what is rational as one quotient."""
    terms = sympy.Add.make_args(e)
    plain = sympy.Add(*(t for t in terms if not t.has(sympy.Function)))
    if len(terms) > 1 and plain.is_Add:
        e = e - plain + sympy.cancel(sympy.together(plain))
    ways = (e, sympy.factor_terms(e), sympy.factor_terms(sympy.powsimp(e, combine="exp")))
    return min(ways, key=lambda w: (w.count_ops(), str(w)))


def _equal(derivation: ClasswiseDerivation, name: str, form: Expr) -> bool:
    """At many digits, over several numbers of classes, at points that have nothing special."""
    form = meaning(form)
    with mpmath.workdps(_DIGITS):
        for count in COUNTS:
            for target, values in points(derivation.loss, derivation.v, count):
                exact = written_out(derivation.quantities[name], count, target)
                own = written_out(form, count, target)
                many = varies(derivation.quantities[name]) or varies(form)
                for k in range(count if many else 1):
                    if not _close(own(k), exact(k), values):
                        return False
    return True


def _close(one: Expr, other: Expr, values: Mapping[Any, Any]) -> bool:
    try:
        got, wanted = evaluate(one, values), evaluate(other, values)
    except (NotReal, ZeroDivisionError):
        return False
    return bool(abs(got - wanted) <= _CLOSE * (1 + abs(wanted)))
