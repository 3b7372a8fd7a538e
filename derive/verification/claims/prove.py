"""Proofs: arguments that cover the whole domain, each with its steps. None: nothing was proved."""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Dummy, Expr, S, Symbol, oo

from derive.definitions.loss import Loss
from derive.errors import DeriveError
from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.closed import resolved
from derive.verification.claims.cuts import Unclear
from derive.verification.claims.derivative import derivative
from derive.verification.claims.expansion import side_limit
from derive.verification.claims.functions import Functions
from derive.verification.claims.regions import Piece, pieces
from derive.verification.claims.signs import Open, Sign, Signs
from derive.verification.claims.simplify import is_zero
from derive.verification.claims.symbolic import Symbolic, without_operators
from derive.verification.claims.terms import (
    INF,
    LOG_PARTITION,
    SUP,
    Claim,
    Predicate,
    Relation,
    Term,
)

ALGEBRA = "algebraic: 0 on every piece of the domain"
SIGNS = "sign on every piece of the domain, by structure and derivatives"
TROUBLE = (
    Unclear, Open, Undefined, NeedsPrecision, NotImplementedError, sympy.PolynomialError,
    RecursionError, DeriveError, ValueError, TypeError, KeyError, ArithmeticError,
    AttributeError, IndexError,
)  # fmt: skip
WANTED = {"<": (-1, True), "<=": (-1, False), ">": (1, True), ">=": (1, False)}


@dataclass(frozen=True)
class Proof:
    method: str
    steps: tuple[str, ...] = ()


def prove(claim: Claim, statement: Relation | Predicate, where: object) -> Proof | None:
    """A proof of one variant of a claim. What a step cannot express is no proof."""
    try:
        if isinstance(statement, Predicate):
            return _predicate(claim.loss, statement, where)
        return _relation(claim.loss, statement, where)
    except TROUBLE:
        return None


def _relation(loss: Loss, relation: Relation, where: object) -> Proof | None:
    left, right = (resolved(t, loss) for t in (relation.left, relation.right))
    extremum = _extremum(left, right, relation.op)
    if extremum is not None:
        term, bound = extremum
        return _of_extremum(loss, term, bound, where)
    cases = Symbolic(loss, where).cases([left, right])
    if cases is None:
        return None
    steps: list[str] = []
    method = ""
    for case in cases:
        gap = case.expressions[0] - case.expressions[1]
        found = _plain(case.loss, gap, relation.op, case.where)
        if found is None:
            return None
        method = found.method if not case.steps else f"{case.method}; {found.method}"
        steps += [*case.steps, *found.steps]
    return Proof(method, tuple(steps)) if method else None


def _plain(loss: Loss, gap: Expr, op: str, where: object) -> Proof | None:
    """A relation between 0 and an expression without operators."""
    found = pieces(gap, loss, where)
    if not found:
        return None
    steps = []
    if op == "==":
        if not all(is_zero(piece.expression) for piece in found):
            return None
        return Proof(ALGEBRA, tuple(f"{piece.told()}: the difference is 0" for piece in found))
    for piece in found:
        signs = Signs()
        if op in ("<=", ">=") and is_zero(piece.expression):
            steps.append(f"{piece.told()}: equal")
            continue
        sign = signs.sign(piece.expression)
        if op == "!=":
            if not sign.strict:
                return None
        elif not _serves(sign, op):
            return None
        steps += [f"{piece.told()}: the difference is {_word(sign)}", *_indented(signs, piece)]
    return Proof(SIGNS, tuple(steps))


def _serves(sign: Sign, op: str) -> bool:
    side, strict = WANTED[op]
    return sign.side == side and (sign.strict or not strict)


def _word(sign: Sign) -> str:
    word = "positive" if sign.side > 0 else "negative"
    return word if sign.strict else f"not {'negative' if sign.side > 0 else 'positive'}"


def _indented(signs: Signs, piece: Piece) -> list[str]:
    """The steps below one, in the letters that the variables of the piece stand for."""
    letters = {}
    for t in {t for at in piece.place.values() for t in at.free_symbols} if signs.steps else ():
        if isinstance(t, Dummy):
            found = piece.named(t)
            letters[str(t)] = str(found) if found.is_Atom else f"({found})"
    told = list(signs.steps)
    for short, long in sorted(letters.items(), reverse=True):  # the longer names first
        told = [step.replace(short, long) for step in told]
    return [f"  {step[:200]}" for step in told]


# Extrema


def _extremum(left: Term, right: Term, op: str) -> tuple[Term, Expr] | None:
    """(the term sup(...) or inf(...), what it is said to equal)."""
    if op != "==":
        return None
    for term, other in ((left, right), (right, left)):
        operator = term.operators.get(term.expression)
        if operator is not None and operator.kind in (SUP, INF) and not other.operators:
            return term, other.expression
    return None


def _of_extremum(loss: Loss, term: Term, bound: Expr, where: object) -> Proof | None:
    """sup e = K: e <= K everywhere, and e reaches or approaches K."""
    operator = term.operators[term.expression]
    v, largest = operator.variable, operator.kind == SUP
    body = without_operators(operator.body, loss)
    if v is None or body is None or (where is not sympy.true and v in where.free_symbols):  # type: ignore[attr-defined]
        return None
    functions = Functions(loss, where, v)
    tops = functions.stationary(body)
    gap = bound - body if largest else body - bound
    found = pieces(gap, loss, where, also=[v - top for top in tops])
    if not found:
        return None
    steps = []
    for piece in found:
        if is_zero(piece.expression):
            continue
        steps += _not_negative(piece, v)
    for top in tops:
        if is_zero(sympy.simplify(gap.subs(v, top))):
            told = f"the value at {v} = {top} is {bound}"
            return Proof("bound on every piece, reached at a stationary point", (*steps, told))
    for end in (oo, -oo):
        if functions.tends_to_zero(gap, end):
            told = f"the limit as {v} -> {end} is {bound}"
            return Proof("bound on every piece, approached at an end", (*steps, told))
    return None


def _not_negative(piece: Piece, v: Symbol) -> list[str]:
    """The steps that show that a gap is not negative on a piece: monotone in v between ends at
    which it is not, or by its sign. Open where neither is shown."""
    e = piece.expression
    for t in sorted(e.free_symbols, key=str):
        if t.name != f"t_{v}":
            continue
        try:
            slope = Signs(3.0).sign(derivative(e, t))
        except Open:
            break
        end = S.Zero if slope.side > 0 else oo
        start = side_limit(e, t, end, "+" if end == 0 else "-")
        if start is not None and (is_zero(start) or start == oo or Signs().sign(start).side > 0):
            told = "grows" if slope.side > 0 else "falls"
            to = piece.named(start)
            return [f"{piece.told()}: the gap to the bound {told} along {v}, from or to {to}"]
    signs = Signs()
    if signs.sign(e).side < 0:
        raise Open("beyond the bound")
    return [f"{piece.told()}: within the bound", *_indented(signs, piece)]


# Predicates


def _predicate(loss: Loss, p: Predicate, where: object) -> Proof | None:
    body = resolved(p.body, loss)
    v = p.variable
    if body.operators:
        return _under_the_integral(loss, p, where)
    if p.point is not None and p.point.operators:
        return None
    point = None if p.point is None else p.point.expression
    e = body.expression
    functions = Functions(loss, where, v)
    if p.kind in ("even", "odd"):
        mirrored = e.subs(v, -v)
        if loss.domain(v).inf != -loss.domain(v).sup:
            return None
        return _plain(loss, mirrored - e if p.kind == "even" else mirrored + e, "==", where)
    if p.kind in ("continuous", "differentiable", "smooth"):
        return _told(functions.regular(e, p.kind, point))
    if point is not None:
        return None
    if p.kind == "bounded":
        return _told(functions.bounded(e))
    if p.kind == "integrable":
        return _told(functions.integrable(e))
    return _shape(loss, p.kind, e, v, where, functions)


def _told(found: tuple[str, list[str]] | None) -> Proof | None:
    return None if found is None else Proof(found[0], tuple(found[1]))


def _shape(
    loss: Loss, kind: str, e: Expr, v: Symbol, where: object, functions: Functions
) -> Proof | None:
    """Monotony and convexity: the sign of a derivative on every piece, and no step back between."""
    times = 2 if kind == "convex" else 1
    side = -1 if kind == "decreasing" else 1
    joined = functions.joins(e, times, side)
    if joined is None:
        return None
    found = pieces(derivative(e, v, times), loss, where, inside=v)
    if found is None:
        return None
    steps = [*joined]
    for piece in found:
        if is_zero(piece.expression) or (v in piece.place and not _open(piece.place[v])):
            continue
        signs = Signs()
        sign = signs.sign(piece.expression)
        if sign.side != side:
            return None
        steps += [f"{piece.told()}: derivative {times} is {_word(sign)}", *_indented(signs, piece)]
    return Proof("sign of a derivative on every piece", tuple(steps))


def _open(place: Expr) -> bool:
    return any(s.name.startswith("t_") for s in place.free_symbols)


def _under_the_integral(loss: Loss, p: Predicate, where: object) -> Proof | None:
    """log Z falls in a parameter in which the loss rises, and the other way round."""
    plain = p.body.expression in p.body.operators
    if not plain or p.body.operators[p.body.expression].kind != LOG_PARTITION:
        return None
    if p.kind not in ("increasing", "decreasing") or p.variable == loss.residual:
        return None
    other = "decreasing" if p.kind == "increasing" else "increasing"
    inner = Predicate(other, Term(loss.expression), p.variable)
    found = _predicate(loss, inner, where)
    if found is None:
        return None
    step = f"the loss is {other} in {p.variable} for every x, so exp(-loss) is {p.kind}"
    return Proof("monotone under the integral", (step, *found.steps))
