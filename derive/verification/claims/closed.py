"""Closed forms of the normalizer, where the calculus knows one; confirmed by enclosures here."""

from __future__ import annotations

from sympy import Expr, Rational, S, Symbol, oo

from derive.calculus.density import density
from derive.calculus.facts import facts
from derive.calculus.limits import limits
from derive.definitions.loss import Loss
from derive.errors import DeriveError
from derive.verification.backend import Undefined, arb
from derive.verification.claims.ball import ball, enclose
from derive.verification.claims.places import fraction
from derive.verification.claims.samples import GENERIC, number
from derive.verification.claims.terms import LOG_PARTITION, Operator, Term
from derive.verification.normalizer import Normalizer

CLOSE = 70  # bits to which the closed form and the enclosure agree
POINTS = 3


_KNOWN: dict[tuple[str, tuple[Symbol, ...]], Expr | None] = {}


def log_partition(loss: Loss) -> Expr | None:
    """log Z in closed form for all parameters; None where there is none."""
    key = loss.digest, loss.variables
    if key not in _KNOWN:
        _KNOWN[key] = _log_partition(loss)
    return _KNOWN[key]


def _log_partition(loss: Loss) -> Expr | None:
    try:
        found = density(loss, limits(loss, {"loss": loss.expression}), facts(loss))
    except (DeriveError, ValueError, KeyError, ArithmeticError, NotImplementedError, IndexError):
        return None
    closed = found.log_partition
    if closed is None or (found.exists is not S.true and found.exists != True):  # noqa: E712
        return None
    return closed if _confirmed(loss, closed) else None


def _confirmed(loss: Loss, closed: Expr) -> bool:
    """Whether rigorous quadrature of the raw definition agrees at a few points."""
    try:
        normalizer = Normalizer(loss)
    except DeriveError:
        return False
    for k in range(POINTS):
        at = {p: _inside(loss, p, k + 2 * i) for i, p in enumerate(loss.parameters)}
        try:
            ours = ball(enclose(closed, {p: fraction(v) for p, v in at.items()}, 100))
            theirs = normalizer.log_partition({p.name: float(v) for p, v in at.items()})
        except (Undefined, DeriveError, ArithmeticError, ValueError):
            return False
        if not abs(ours - theirs) < arb((1, -CLOSE)) * (1 + abs(ours)):
            return False
    return True


def _inside(loss: Loss, p: Symbol, k: int) -> Expr:
    domain = loss.domain(p)
    values = [v for v in (abs(number(t)) for t in GENERIC) if domain.contains(v) == True]  # noqa: E712
    if values:
        return values[k % len(values)]
    return (domain.inf + domain.sup) * Rational(1 + k, 4) if domain.sup != oo else domain.inf + 1


def resolved(term: Term, loss: Loss) -> Term:
    """The term with log Z written out where it has a closed form."""
    if not any(speaks(op) for op in term.operators.values()):
        return term
    closed = log_partition(loss)
    return term if closed is None else _written(term, closed)


def speaks(op: Operator) -> bool:
    return op.kind == LOG_PARTITION or any(speaks(o) for o in op.body.operators.values())


def _written(term: Term, closed: Expr) -> Term:
    expression, operators = term.expression, {}
    for dummy, op in term.operators.items():
        if op.kind == LOG_PARTITION:
            expression = expression.xreplace({dummy: closed})
        else:
            body = _written(op.body, closed)
            operators[dummy] = Operator(op.kind, body, op.variable, op.at, op.side, op.times)
    return Term(expression, operators)
