"""A claim judged: first the search for a counterexample, then the search for a proof."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import sympy
from sympy import Expr, Symbol, true

from derive.definitions.loss import Loss
from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.crossings import STRICT, crossings
from derive.verification.claims.meeting import meeting
from derive.verification.claims.operators import Numeric
from derive.verification.claims.predicates import Lines
from derive.verification.claims.prove import prove
from derive.verification.claims.refute import Check, Finding, Place, Search, points, search
from derive.verification.claims.relations import checked, equal_at
from derive.verification.claims.samples import MOST_POINTS, Sampler
from derive.verification.claims.terms import (
    DIFF,
    INF,
    INTEGRAL,
    LIMIT,
    LOG_PARTITION,
    SUP,
    Claim,
    Predicate,
    Relation,
    Term,
    Verdict,
)
from derive.verification.claims.values import NoValue, Values
from derive.verification.claims.variants import variants

SECONDS = 5.0  # of the processor
COMPUTED = "counterexample, by limits, integrals or extrema that were computed"
FEW = 20  # points at which the value of two equal sides is looked for
LINES = 48  # lines that a predicate is looked at on
COST = {LIMIT: 10, INTEGRAL: 24, SUP: 16, INF: 16, DIFF: 1, LOG_PARTITION: 16}


def judge(claim: Claim, seed: int = 0) -> Verdict:
    """The verdict on a claim: a counterexample, else a proof, else that none was found."""
    found = searched(claim, seed)
    return (proved(claim) or found) if found.verdict in ("agrees", "unknown") else found


def searched(claim: Claim, seed: int = 0) -> Verdict:
    """Refuted, agrees, or unknown."""
    found: list[Search] = []
    for variant, where in variants(claim):
        result = refuted(claim, variant, where, seed)
        if result.finding is not None:
            return _refuted(claim, result.finding)
        found.append(result)
    agreed = sum(r.agreed for r in found)
    undecided = sum(r.undecided for r in found)
    if not agreed or undecided > 4 * agreed:
        trouble = next((r.trouble() for r in found if r.reasons), "no point in the domain")
        return Verdict("unknown", "search for counterexamples", f"undecided: {trouble}")
    return _agrees(agreed, undecided)


def proved(claim: Claim) -> Verdict | None:
    """A proof that covers every variant of the claim."""
    proofs = [prove(claim, variant, where) for variant, where in variants(claim)]
    if not all(proofs):
        return _equal_instead(claim)
    steps = [step for proof in proofs if proof for step in proof.steps]
    methods = dict.fromkeys(proof.method for proof in proofs if proof)
    return Verdict("proved", "; ".join(methods), steps=tuple(steps))


def _equal_instead(claim: Claim) -> Verdict | None:
    """A strict relation whose two sides are proved equal, by limits and extrema too."""
    s = claim.statement
    if isinstance(s, Predicate) or s.op not in STRICT:
        return None
    equality = replace(claim, statement=Relation("==", s.left, s.right))
    for variant, where in variants(equality):
        proof = prove(equality, variant, where)
        if proof is None or isinstance(variant, Predicate):
            continue
        finding = _equal_somewhere(claim.loss, replace(variant, op=s.op), where)
        if finding is not None:
            return replace(_refuted(claim, finding), method=proof.method, steps=proof.steps)
    return None


def _equal_somewhere(loss: Loss, relation: Relation, where: object) -> Finding | None:
    """A point of the domain, for a strict relation whose sides are equal everywhere."""
    values = Values(loss)
    values.operators = Numeric(values)
    free = relation.left.free | relation.right.free | where.free_symbols  # type: ignore[attr-defined]
    sampler = Sampler(loss, [v for v in loss.variables if v in free], [where], moderate=True)
    for place in itertools.islice(points(sampler, where, values), FEW):
        with suppress(Undefined, NeedsPrecision, NoValue):
            return equal_at(values, relation, place)
    return None


def _agrees(agreed: int, undecided: int) -> Verdict:
    left = f", {undecided} undecided" if undecided else ""
    return Verdict(
        "agrees", "search for counterexamples",
        f"no counterexample at {agreed} points{left}: special values, constants and corners of "
        "the text, tails, both sides, scale != 1; other points are not excluded",
    )  # fmt: skip


def _refuted(claim: Claim, finding: Finding) -> Verdict:
    order = [v for v in claim.loss.variables if v in finding.at]
    witness = finding.witness(order)
    shown = ", ".join(f"{k} = {x}" for k, x in witness.items() if k not in ("expected", "got"))
    method = "counterexample, by disjoint enclosures" if finding.rigorous else COMPUTED
    where = f"at {shown}: " if shown else ""
    return Verdict(
        "refuted", method, f"{where}expected {finding.expected}, got {finding.got}", witness
    )  # fmt: skip


def refuted(claim: Claim, statement: Relation | Predicate, where: object, seed: int) -> Search:
    """Points of the domain, each checked."""
    values = Values(claim.loss)
    numeric = Numeric(values)
    values.operators = numeric
    if isinstance(statement, Relation):
        terms = [statement.left, statement.right]
        free = statement.left.free | statement.right.free

        def check(at: Place) -> Finding | None:
            return checked(values, statement, at)

        operators = [op for t in terms for op in t.operators.values()]
        costly = max((COST[op.kind] for op in operators), default=1)
        most = MOST_POINTS // costly
    else:
        lines = Lines(values, numeric, where)
        terms = [statement.body]
        free = statement.body.free | (statement.point.free if statement.point else frozenset())
        free -= {statement.variable}

        def check(at: Place) -> Finding | None:
            return lines.checked(statement, at)

        most = LINES if not statement.body.operators else LINES // 8
    free |= frozenset(where.free_symbols)  # type: ignore[attr-defined]
    on_line = isinstance(statement, Predicate)
    variables = [v for v in claim.loss.variables if v in free
                 and not (on_line and v == statement.variable)]  # type: ignore[union-attr]  # fmt: skip
    outside = _without(where, statement.variable) if on_line else where  # type: ignore[union-attr]
    found = search(
        values, variables, written(terms), outside, check, SECONDS, most, seed,
        moderate=on_line or most < MOST_POINTS,
    )  # fmt: skip
    if found.finding is None:
        found.finding = _at_crossings(statement, claim.loss, where, values, check)
    if found.finding is None and isinstance(statement, Relation):
        found.finding = meeting(statement, values, where)
    return found


def _at_crossings(
    statement: Relation | Predicate, loss: Loss, where: object, values: Values, check: Check
) -> Finding | None:
    """A counterexample where something changes, or where the sides of a strict relation meet."""
    outside = _without(where, statement.variable) if isinstance(statement, Predicate) else where
    for place in crossings(statement, loss, where):
        if values.holds(outside, place):
            with suppress(Undefined, NeedsPrecision):
                finding = check(place)
                if finding is not None:
                    return finding
    return None


def _without(where: object, v: Symbol) -> object:
    """The parts of a condition that do not speak of a variable."""
    parts = sympy.And.make_args(where)
    return sympy.And(*(p for p in parts if v not in p.free_symbols))


def written(terms: Sequence[Term]) -> list[Expr]:
    """Every expression inside some terms, operators' bodies included."""
    out: list[Expr] = []
    for term in terms:
        out.append(term.expression.xreplace(dict.fromkeys(term.operators, sympy.S.One)))
        for op in term.operators.values():
            out += written([op.body, *op.at])
    return out


__all__ = ["Check", "judge", "true"]
