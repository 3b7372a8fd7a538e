"""The density of a loss as a program: log Z and its derivatives, and the facts it goes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import sympy
from sympy import And, Expr, S, Symbol

from derive.calculus import Derivation
from derive.definitions.loss import Loss
from derive.definitions.notation import condition as told
from derive.definitions.notation import formula
from derive.definitions.stored import Stored
from derive.numerics.folding import folded
from derive.numerics.lower import condition, lower
from derive.numerics.nodes import Call, Node, node, walk
from derive.numerics.normalizer import By, normalizer
from derive.program.blocks import Naming, make_block, operations
from derive.program.lowering import RESERVED, helpers_of
from derive.program.module import Block, Helper, Module
from derive.program.peephole import About, cleaned

# A longer formula for a derivative of log Z says no more than that it is an expectation.
LONGEST = {1: 30, 2: 14}


@dataclass(frozen=True)
class ParameterFunction:
    """log Z (by nothing) or a derivative of it, a function of all parameters."""

    by: By
    meaning: str
    block: Block


@dataclass(frozen=True)
class Range:
    """Where a parameter may lie for the density to exist, and which ends belong."""

    name: str
    default: float
    low: float
    high: float
    has_low: bool
    has_high: bool


@dataclass(frozen=True)
class DensityModule:
    """Everything that is printed in the file of a density.

    exists: whether there is a density at all; if not, only integrals over intervals are offered.
    closed: what is known of log Z as formulas; stored: numbers behind some of them. public: the
    derivatives of log Z that the file has. slopes: the functions of the loss that the others are
    expectations of, by their variables. stretch: the parameter that only stretches the residual.
    points: the minimum (None where it is not known), kinks and jumps. tails: q of |x|^-q, as the
    probability beyond x falls at both ends.
    requirement, rule: where the density exists, None for all parameters. vectors: whether there is
    a density of vectors by their norm; vectors_rule: in words where.
    """

    loss: Module
    exists: bool
    notes: tuple[str, ...]
    ranges: tuple[Range, ...]
    closed: tuple[ParameterFunction, ...]
    stored: Stored | None
    public: tuple[By, ...]
    slopes: Mapping[By, str]
    length: Node
    stretch: str
    points: tuple[Node | None, ...]
    tails: tuple[Node, Node]
    even: bool
    rises: bool
    requirement: Node | None
    rule: str
    vectors: bool
    vectors_rule: str
    helpers: tuple[Helper, ...]
    operations: frozenset[str]


def density_module(derivation: Derivation, module: Module) -> DensityModule:
    """Derivation -> DensityModule."""
    loss, density, facts = derivation.loss, derivation.density, derivation.facts
    exists = density.exists not in (None, sympy.false)
    found = normalizer(derivation) if exists else {}
    by_quadrature = _by_quadrature(derivation, found) if exists else []
    found = {by: value for by, value in found.items() if by not in by_quadrature}
    c = facts.stretch.name if facts.stretch is not None else ""
    stretched = [(c,), (c, c)] if c and exists else []
    closed = tuple(_function(by, value, loss) for by, value in found.items())
    roots = [n for f in closed for n in f.block.expressions]
    helpers = helpers_of(roots)
    roots += [n for h in helpers for n in h.expressions]
    norm = density.norm if exists and facts.even else None
    nowhere = norm == sympy.false and loss.narrowed
    requires = exists and density.exists != S.true
    lower_end, upper_end = (_fact(_decay(q)) for q in density.orders)
    return DensityModule(
        loss=module,
        exists=exists,
        notes=tuple(_notes(derivation, found)),
        ranges=tuple(_range(derivation, p) for p in loss.parameters),
        closed=closed,
        stored=loss.log_partition if found else None,
        public=tuple(_ordered(loss, [*(by for by in found if by), *by_quadrature, *stretched])),
        slopes=_slopes(module, by_quadrature),
        length=_fact(facts.length if facts.length is not None else S.One),
        stretch=c,
        points=(
            _fact(facts.minimum) if facts.minimum is not None else None,
            *(_fact(b.place) for b in facts.breaks if b.place != facts.minimum or _moves(b.place)),
        ),
        tails=(lower_end, upper_end),
        even=facts.even,
        rises=facts.rises,
        requirement=condition(density.exists) if requires else None,
        rule=f"{_must(density.exists)} for a density: the integral diverges" if requires else "",
        vectors=norm not in (None, sympy.false) or nowhere,
        vectors_rule="the integral over vectors diverges" if nowhere
        else "" if norm in (None, S.true, S.false)
        else f"{_must(norm)} for vectors: the integral diverges",
        helpers=helpers,
        operations=frozenset(n.op for r in roots for n in walk(r) if isinstance(n, Call)),
    )  # fmt: skip


def _moves(place: Expr) -> bool:
    return bool(place.free_symbols)


def _by_quadrature(derivation: Derivation, found: Mapping[By, Node]) -> list[By]:
    """The derivatives of log Z that are expectations: not known as a formula, or not as a short
    one. Not of a loss that jumps, nor twice where its slope does, at a place that moves."""
    density, facts, parameters = derivation.density, derivation.facts, derivation.loss.parameters
    moving = [b.order for b in facts.breaks if _moves(b.place)]
    wanted = []
    for by in [(p,) for p in parameters] + list(combinations_with_replacement(parameters, 2)):
        names = tuple(p.name for p in by)
        vanishes = facts.stretch in by or (() in found and by not in density.derivatives)
        if names in found:
            short = operations(found[names]) <= LONGEST[len(by)]
        else:
            short = vanishes or derivation.loss.log_partition is not None
        if not short and all(order >= len(by) for order in moving):
            wanted.append(names)
    return wanted


def _slopes(module: Module, by_quadrature: Iterable[By]) -> dict[By, str]:
    """The functions of the loss's file that expectations are taken of."""
    needed: set[By] = {(name,) for by in by_quadrature for name in by}
    needed |= {by for by in by_quadrature if len(by) > 1}
    names = [p.name for p in module.parameters]
    ordered = sorted(needed, key=lambda by: (len(by), [names.index(n) for n in by]))
    found = {by: module.derivative(*by) for by in ordered}
    return {by: f.name for by, f in found.items() if f is not None}


def _function(by: By, value: Node, loss: Loss) -> ParameterFunction:
    reserved = RESERVED | {p.name for p in loss.parameters}
    block = make_block([cleaned(value, About())], Naming(frozenset(reserved)))
    if not by:
        return ParameterFunction(by, "log Z.", block)
    words = f"The derivative of log Z by {' and '.join(dict.fromkeys(by))}"
    return ParameterFunction(by, f"{words}{', twice' if len(by) > len(set(by)) else ''}.", block)


def _ordered(loss: Loss, found: Iterable[By]) -> list[By]:
    """First derivatives, then second ones, in the order of the signature."""
    names = [p.name for p in loss.parameters]
    return sorted(found, key=lambda by: (len(by), [names.index(n) for n in by]))


def _fact(expression: Expr) -> Node:
    """A fact as nodes; infinity is the number."""
    return node(float(expression)) if expression.is_infinite else lower(folded(expression))


def _decay(order: Expr) -> Expr:
    """As the integral of |x|^-order falls, in factors; every piece alone, which stays exact beside
    0."""
    if isinstance(order, sympy.Piecewise):
        return sympy.Piecewise(*((_decay(value), where) for value, where in order.args))
    return sympy.factor(order - 1)


def _must(relation: Expr) -> str:
    """alpha must be >= 0."""
    if isinstance(relation, sympy.core.relational.Relational) and not relation.rhs.free_symbols:
        sign = {"==": "=", "!=": "other than"}.get(relation.rel_op, relation.rel_op)
        return f"{_letters_first(relation.lhs)} must be {sign} {formula(relation.rhs)}"
    if isinstance(relation, sympy.core.relational.Relational):
        sides = _letters_first(relation.lhs), _letters_first(relation.rhs)
        return f"{sides[0]} must be {relation.rel_op} {sides[1]}"
    return f"the parameters must satisfy {told(relation)}"


def _letters_first(expression: Expr) -> str:
    """df + 1, as a condition is said."""
    if expression.is_Add and expression.args[0].is_Number and expression.args[0] > 0:
        rest = formula(expression - expression.args[0])
        return f"{rest} + {formula(expression.args[0])}"
    return formula(expression)


def _range(derivation: Derivation, p: Symbol) -> Range:
    """The domain of a parameter, made narrower by what the density asks of it alone."""
    domain, exists = derivation.loss.domain(p), derivation.density.exists
    parts = [a for a in And.make_args(exists) if exists is not None and a.free_symbols == {p}]
    low, high = domain.inf, domain.sup
    has_low, has_high = domain.contains(low) == S.true, domain.contains(high) == S.true
    if parts:
        free = sympy.Dummy(real=True)
        asked = And(*(a.subs(p, free) for a in parts)).as_set()
        if isinstance(asked, sympy.Interval):
            if asked.inf != -sympy.oo and asked.inf >= low:
                low, has_low = asked.inf, not asked.left_open
            if asked.sup != sympy.oo and asked.sup <= high:
                high, has_high = asked.sup, not asked.right_open
    default = derivation.loss.default(p)
    return Range(p.name, default, float(low), float(high), bool(has_low), bool(has_high))


def _notes(derivation: Derivation, found: Mapping[By, Node]) -> Iterable[str]:
    """What the head of the file says of Z."""
    density, loss = derivation.density, derivation.loss
    if density.exists is None:
        yield f"No density is emitted: {density.reason.rstrip('.')}."
        return
    if density.exists == sympy.false:
        yield f"No density: {density.reason.rstrip('.')}."
        return
    if density.exists != S.true:
        yield f"The density exists for {told(density.exists)}: elsewhere the integral diverges."
    if loss.log_partition is not None and found:
        stored = loss.log_partition
        yield (
            f"log Z = log({stored.stretch}) + a function of {stored.parameter}, stored as numbers "
            f"{stored.origin} by: {stored.command}."
        )
    elif found and density.log_partition is not None:
        yield f"log Z = {formula(density.log_partition)}."
    else:
        yield "log Z by quadrature at run time, to 1e-12; its slopes are expectations."
