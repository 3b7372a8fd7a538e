"""Parts of a loss over classes that are functions of one surprise: forms as for any loss.

A surprise n = -log softmax(f) of one class has every digit. What depends on it and on parameters
alone is a function of a number >= 0; where written as it stands it loses digits, its form is
looked for as that of a loss of n is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import sympy
from sympy import Dummy, Expr, S

from derive.calculus.derivation import Density, Derivation, Facts
from derive.definitions.classes import Across, Entry, Total, varies
from derive.definitions.loss import Along, Loss
from derive.numerics.atoms import spelled_out
from derive.numerics.classwise.atoms import SURPRISE, WORDS, OfSurprise, Surprise
from derive.numerics.errors import ErrorModel, samples
from derive.numerics.lower import lower
from derive.numerics.measure import target
from derive.numerics.nodes import Node
from derive.numerics.stabilise import form_of

_LOST = 0.1  # share of the everyday points where digits are missed
_CLOSED = (*WORDS, Across, Entry, Total)


def in_one_total(e: Expr) -> Expr:
    """Multiples of totals as one total, with what is common to its terms taken out."""
    totals = [t for t in sympy.Add.make_args(sympy.expand_mul(e)) if t.has(Total)]
    inside = S.Zero
    for term in totals:
        parts = [f for f in sympy.Mul.make_args(term) if isinstance(f, Total)]
        if len(parts) != 1 or varies(term / parts[0]) or (term / parts[0]).has(Total, Entry):
            return e
        inside += parts[0].args[0] * term / parts[0]
    if len(totals) < 2:
        return e
    rest = sympy.expand_mul(e) - sympy.Add(*totals)
    return rest + Total(sympy.factor_terms(inside))


def with_parts(e: Expr, forms: Callable[[Expr], Node | None]) -> Expr:
    """The expression with those sums as one word each that are functions of one surprise and have
    a form of their own."""
    surprise = _only_surprise(e)
    if surprise is not None:
        if not any(s.has(surprise) for s in e.atoms(sympy.Add)):
            return e
        inside = e.subs(surprise, SURPRISE)
        return e if forms(inside) is None else OfSurprise(surprise, inside)
    if not e.is_Mul:
        return e.func(*(with_parts(a, forms) for a in e.args)) if e.args else e
    groups: dict[Expr | None, list[Expr]] = defaultdict(list)
    for factor in e.args:
        groups[_only_surprise(factor)].append(factor)
    rest = [with_parts(f, forms) for f in groups.pop(None, [])]
    return sympy.Mul(*rest, *(with_parts(sympy.Mul(*g), forms) for g in groups.values()))


def _only_surprise(e: Expr) -> Expr | None:
    """The surprise, of each class or of the target's, of which alone the expression is made."""
    letters: dict[Expr, Dummy] = {}

    def is_surprise(part: Expr) -> bool:
        at_target = isinstance(part, Entry) and isinstance(part.args[0], Surprise)
        return at_target or isinstance(part, Surprise)

    entries = [p for p in e.atoms(Entry) if is_surprise(p)]
    flat = e.subs({p: letters.setdefault(p, Dummy()) for p in entries})
    flat = flat.subs({p: letters.setdefault(p, Dummy()) for p in flat.atoms(Surprise)})
    if len(letters) != 1 or flat.has(*_CLOSED) or flat.atoms(Along):
        return None
    return next(iter(letters))


def form_of_part(part: Expr, loss: Loss) -> Node | None:
    """The form of a function of SURPRISE; None where the formula as it stands keeps its digits at
    nearly all everyday points."""
    written, part = part, spelled_out(part)
    alone = Loss(
        name=loss.name,
        variables=(SURPRISE, *(p for p in loss.parameters if part.has(p))),
        predictions=(SURPRISE,),
        loss=part,
        defaults={p: loss.default(p) for p in loss.parameters if part.has(p)},
        domains={p: loss.domain(p) for p in loss.parameters if part.has(p)},
    )
    derivation = Derivation(
        alone, {"loss": part}, {"loss": part}, S.Zero, (), Density(None, None, (), (), ""), (),
        Facts(even=False, length=None, stretch=None, breaks=(), minimum=None, rises=False),
    )  # fmt: skip
    model = ErrorModel(target(derivation, "loss"), samples(alone))
    errors = model.errors(lower(written))
    missed = [np.mean(np.isfinite(e) & (e > model.goal)) for e in errors[:4:2]]
    if max(missed) < _LOST:  # what is infinite is masked by what stands beside the part
        return None
    return form_of(derivation, "loss")
