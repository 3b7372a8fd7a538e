"""From a stable form to a module: which functions a file has, and what each computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import sympy
from sympy import Symbol

from derive.calculus import Derivation
from derive.definitions.loss import Loss
from derive.definitions.relations import shown
from derive.numerics import helpers
from derive.numerics.forms import StableForm
from derive.numerics.lower import CannotLower, condition, lower
from derive.numerics.nodes import Call, Name, Node, Number, call, walk
from derive.program import wording
from derive.program.blocks import Naming, Pool, make_block, operations
from derive.program.documentation import documentation
from derive.program.homogeneity import relations
from derive.program.module import Block, Branch, Function, Helper, Module, Parameter, Related
from derive.program.nan import guarded
from derive.program.peephole import About, cleaned
from derive.program.settled import settled

# A quantity of fewer operations is written out where another one contains it.
_WORTH_A_CALL = 12
# Words that a generated file uses beside the names of the loss.
RESERVED = frozenset({"loss", "weight", "value_and_grad"})


def lower_module(derivation: Derivation, form: StableForm, subject: str) -> Module:
    """StableForm -> Module."""
    loss = form.loss
    made = _functions(form, derivation.facts.stretch)
    called = called_from([n for f in made for n in f.expressions])
    made, called = settled(made, called)
    functions, used = tuple(made), tuple(map(helper, called))
    special = tuple(r.condition for r in form.regimes if r.condition is not None)
    kept = {b.condition for f in functions for b in f.branches}
    special = tuple(c for c in special if c in kept)
    roots = [n for f in functions for n in f.expressions]
    roots += [n for h in used for n in h.expressions]
    roots += [*special, *(b.condition for h in used for b in h.branches)]
    return Module(
        name=loss.name,
        digest=loss.digest,
        subject=subject,
        residual=loss.residual.name,
        parameters=tuple(parameter(loss, p) for p in loss.parameters),
        documentation=documentation(derivation),
        functions=functions,
        special=special,
        helpers=used,
        operations=frozenset(n.op for r in roots for n in walk(r) if isinstance(n, Call)),
        diverging=form.diverging,
        definition=_definition(derivation),
        predictions=tuple(role(loss, v) for v in loss.predictions),
        target=role(loss, loss.target) if loss.target is not None else None,
        related=related(loss),
    )


def _definition(derivation: Derivation) -> dict[str, Node]:
    found = {}
    for name in ("loss", *(f"d_{v.name}" for v in derivation.loss.variables)):
        with suppress(CannotLower, KeyError):  # there is no derivative in a label
            found[name] = lower(derivation.quantities[name])
    return found


def parameter(loss: Loss, p: Symbol) -> Parameter:
    """A parameter with its default and what its values have to satisfy."""
    domain, name = loss.domain(p), Name(p.name)
    low, high = domain.inf, domain.sup
    conditions = []
    if low != -sympy.oo or domain.contains(low) != True:  # noqa: E712
        closed = domain.contains(low) == True  # noqa: E712
        conditions.append(call("le" if closed else "lt", _bound(low), name))
    if high != sympy.oo or domain.contains(high) != True:  # noqa: E712
        closed = domain.contains(high) == True  # noqa: E712
        conditions.append(call("le" if closed else "lt", name, _bound(high)))
    # -inf <= NaN is false.
    condition = conditions[0] if conditions else call("le", _bound(low), name)
    for more in conditions[1:]:
        condition = call("and", condition, more)
    return Parameter(p.name, float(loss.default(p)), condition, wording.requirement(loss, p))


def related(loss: Loss) -> Related | None:
    """The relations between the parameters, as one condition."""
    if not loss.require:
        return None
    together = condition(sympy.And(*loss.require))
    return Related(tuple(p.name for p in loss.parameters), together, shown(loss.require))


def role(loss: Loss, v: Symbol) -> Parameter:
    """A prediction or a target: its values, ±inf among them where the domain has no end."""
    domain, name = loss.domain(v), Name(v.name)
    text = wording.rule(loss, v)
    if isinstance(domain, sympy.FiniteSet):
        first, *more = (call("eq", name, _bound(label)) for label in sorted(domain, key=float))
        for other in more:
            first = call("or", first, other)
        return Parameter(v.name, math.nan, first, text)
    tests = []
    if domain.inf.is_finite:
        closed = domain.contains(domain.inf) == True  # noqa: E712
        tests.append(call("le" if closed else "lt", _bound(domain.inf), name))
    if domain.sup.is_finite:
        closed = domain.contains(domain.sup) == True  # noqa: E712
        tests.append(call("le" if closed else "lt", name, _bound(domain.sup)))
    condition = tests[0] if tests else call("eq", name, name)
    for test in tests[1:]:
        condition = call("and", condition, test)
    return Parameter(v.name, math.nan, condition, text)


def _bound(value: sympy.Expr) -> Number:
    if value.is_Rational:
        return Number(Fraction(int(value.p), int(value.q)))
    return Number(float(value))


class _Regime:
    """One regime on the way to blocks: its quantities interned in a pool of their own."""

    def __init__(
        self,
        form: StableForm,
        stretch: Symbol | None,
        quantities: Mapping[str, Node],
        follows: Mapping[str, Node],
    ) -> None:
        loss = form.loss
        self.pool = Pool()
        residual = loss.residual.name
        about = About(
            frozenset({residual}),
            frozenset(p.name for p in loss.parameters if loss.domain(p).inf >= 0),
        )
        self.quantities = {
            name: self.pool.intern(
                cleaned(value, about)
                if loss.predictions
                else guarded(cleaned(value, about), residual)
            )
            for name, value in quantities.items()
        }
        self.follows = {name: self.pool.intern(value) for name, value in follows.items()}
        self.naming = Naming(
            frozenset(RESERVED | {v.name for v in loss.variables} | set(form.names)),
            residual,
            stretch.name if stretch is not None else "",
            self._letters(loss, about),
        )

    def _letters(self, loss: Loss, about: About) -> dict[int, str]:
        found: dict[int, str] = {}
        for name in loss.where:
            try:
                value = lower(loss.expand(name.definition))
            except CannotLower:
                continue
            for form in (value, cleaned(value, about)):
                found.setdefault(id(self.pool.intern(form)), name.name)
        return found

    def block(self, names: Sequence[str], arguments: tuple[Node, ...]) -> Block:
        if len(names) == 1 and names[0] in self.follows:
            return Block((), (self.follows[names[0]],))
        known = {}
        if names[0].startswith("d2_"):
            for other, value in self.quantities.items():
                first = other == "weight" or other.startswith("d_")
                if first and operations(value) >= _WORTH_A_CALL:
                    known[id(value)] = Call("quantity", (Name(other), *arguments))
        naming = replace(self.naming, known=known)
        return make_block([self.quantities[n] for n in names], naming, self.pool)


def _functions(form: StableForm, stretch: Symbol | None) -> list[Function]:
    loss = form.loss
    variables = [v.name for v in loss.variables]
    arguments = tuple(Name(v) for v in variables)
    by = _by(variables)
    follows = {name: relation for name, (_, relation) in relations(form, stretch).items()}
    regimes = [
        (r.condition, _Regime(form, stretch, r.quantities, follows), r) for r in form.regimes
    ]
    functions = []
    for name in [*form.names, "value_and_grad"]:
        slopes = [f"d_{v.name}" for v in loss.predictions or (loss.residual,)]
        parts = ("loss", *slopes) if name == "value_and_grad" else (name,)
        general = regimes[-1][1].block(parts, arguments)
        branches = [
            Branch(condition, r.meaning, regime.block(parts, arguments))
            for condition, regime, r in regimes
            if condition is not None
        ]
        found = by.get(name, ())
        functions.append(
            Function(
                name, found, wording.meaning(loss, name, found), _kept(branches, general), general
            )
        )
    return functions


def _by(variables: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {f"d_{v}": (v,) for v in variables}
    for place, v in enumerate(variables):
        found[f"d2_{v}"] = (v, v)
        found |= {f"d2_{v}_{w}": (v, w) for w in variables[place + 1 :]}
    return found


def _kept(branches: Sequence[Branch], general: Block) -> tuple[Branch, ...]:
    """The branches that differ from what holds otherwise; the last ones first."""
    apart = _disjoint(branches)
    kept: list[Branch] = []
    for branch in reversed(branches):
        if branch.block != general or (kept and not apart):
            kept.insert(0, branch)
    return tuple(kept)


def _disjoint(branches: Sequence[Branch]) -> bool:
    """Whether the conditions are different values, or ends of the range, of one parameter."""
    places = [_place(b.condition) for b in branches]
    names = {place[0] for place in places if place is not None}
    if None in places or len(names) > 1:
        return False
    ranges = sorted(
        (low, high) for place in places if place is not None for _, low, high in [place]
    )
    return all(one[1] < other[0] for one, other in pairwise(ranges))


def _place(condition: Node) -> tuple[Name, float, float] | None:
    """The parameter that a condition is about, and between which values it has to lie."""
    if not isinstance(condition, Call) or condition.op not in ("eq", "le"):
        return None
    a, b = condition.args
    if isinstance(a, Name) and isinstance(b, Number):
        high = float(b.value)
        return a, high if condition.op == "eq" else -math.inf, high
    if isinstance(a, Number) and isinstance(b, Name):
        return b, float(a.value), math.inf
    return None


def helpers_of(roots: Sequence[Node]) -> tuple[Helper, ...]:
    """Every helper that is called, as functions of the file."""
    return tuple(map(helper, called_from(roots)))


def called_from(roots: Sequence[Node]) -> list[helpers.Helper]:
    """Every helper that is called, directly or from another, by name."""
    wanted: set[str] = set()
    frontier = list(roots)
    while frontier:
        called = {n.op for f in frontier for n in walk(f) if isinstance(n, Call)}
        new = (called & set(helpers.HELPERS)) - wanted
        wanted |= new
        frontier = [e for name in new for e in _expressions(helpers.HELPERS[name])]
    return [helpers.HELPERS[name] for name in sorted(wanted)]


def _expressions(found: helpers.Helper) -> list[Node]:
    return [found.body, *(found.shortcut or ())]


def helper(found: helpers.Helper) -> Helper:
    """A stable atom as a function of the file."""
    reserved = RESERVED | set(found.parameters)
    naming = Naming(frozenset(reserved), found.varying[0] if found.varying else "")

    def laid_out(value: Node) -> Block:
        return make_block([cleaned(value, About())], naming)

    branches: tuple[Branch, ...] = ()
    if found.shortcut is not None:
        condition, cheap = found.shortcut
        branches = (Branch(condition, "", laid_out(cheap)),)
    return Helper(found.name, found.parameters, found.meaning, branches, laid_out(found.body))
