"""How to draw from a density, and what its tails are like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import sympy
from sympy import Expr, Symbol, log

from derive.calculus import Derivation
from derive.definitions import catalogue
from derive.numerics.helpers.gammas import gamma_gap1
from derive.numerics.lower import lower
from derive.numerics.nodes import Local, Name, Node, call, node, where
from derive.program import members
from derive.program.folding import folded


@dataclass(frozen=True)
class Sampling:
    """How to draw, for a loss that is even and grows with |x|.

    envelope: "tangent" (the loss is convex), "cauchy" (the density is Cauchy's), "power"
        (Barron's family in its exponent: convex from 1 on, above the loss at 0 below that),
        "under_cauchy" (an exponent between 0 and 1), or "student" (Student's t).
    touch: a length of the density, and where a tangent makes a narrow envelope.
    kink: the parameter at which the loss has one, "" if it has none away from 0.
    shape, length: the exponent or the degrees of freedom, and the scale, for the last four.
    orders: moments of this order and above diverge, and far out the density falls like
        |x|^-(orders + 1); inf, or None for all parameters, where it falls faster.
    moments: closed forms of the variance and of the expectation of the loss, by name.
    """

    envelope: str
    touch: Node
    kink: str = ""
    shape: Node | None = None
    length: Node | None = None
    orders: Node | None = None
    moments: Mapping[str, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Member:
    """A loss of Barron's family: its exponent, a parameter or fixed, and its length."""

    exponent: Expr
    length: Node


def sampling(derivation: Derivation) -> Sampling | None:
    """How to draw from the density of a loss of the catalogue, of Barron's family, or of
    Student's, some of their parameters fixed or not; None for another, or without parameters."""
    loss = derivation.loss
    if not loss.parameters:
        return None
    found = member(derivation)
    if found is not None:
        return _power(found)
    freedom = _freedom(derivation)
    if freedom is not None:
        return _student(*freedom)
    if loss.name not in catalogue.NAMES or loss.expression != catalogue.load(loss.name).expression:
        return None
    p = Name(loss.parameters[0].name)
    known = {
        "absolute": Sampling("tangent", p),
        "huber": Sampling("tangent", call("max", 1 / p, 1), p.name),
        "smooth_l1": Sampling("tangent", call("max", call("sqrt", p), 1), p.name),
    }
    return known.get(loss.name)


def member(derivation: Derivation) -> Member | None:
    """The exponent and the length of a loss of Barron's family: at x = 0 it bends by 1/length^2."""
    loss, bend = derivation.loss, derivation.weight_at_zero
    found = members.match(loss)
    if found is not None:
        free_first = not isinstance(found.exponent, Symbol) or loss.parameters[0] == found.exponent
        return Member(found.exponent, Name(found.letters.c)) if free_first else None
    if len(loss.parameters) != 1 or not bend.is_number or not bend.is_positive:
        return None
    length, exponent = 1 / sympy.sqrt(bend), loss.parameters[0]
    if not members.equal(loss, members.definition((loss.residual / length) ** 2, exponent)):
        return None
    return Member(exponent, lower(folded(length)))


def _power(found: Member) -> Sampling | None:
    exponent, c = found.exponent, found.length
    if isinstance(exponent, Symbol):
        a = Name(exponent.name)
        m = Local("m", call("max", a, 1))
        touch = c * (0.84 + 0.43 / (m * m))
        orders = where(call("eq", a, 0), 1, math.inf)
        return Sampling("power", touch, shape=a, length=c, orders=orders)
    if exponent == 0:
        return Sampling("cauchy", c, length=c, orders=node(1))
    if exponent >= 1:
        return Sampling("tangent", c)
    return Sampling("under_cauchy" if exponent > 0 else "", c, length=c)


def _freedom(derivation: Derivation) -> tuple[Node, Node] | None:
    """The degrees of freedom and the length of Student's loss, either of them fixed or not."""
    loss, bend = derivation.loss, derivation.weight_at_zero
    letters = members.match_student(loss)
    if letters is not None:
        return Name(letters[0]), Name(letters[1])
    factors = [t.as_independent(log)[0] for t in sympy.Add.make_args(sympy.expand(loss.expression))]
    n = sympy.simplify(2 * sum(factors) - 1)
    if len(loss.parameters) != 1 or not n.is_extended_positive:
        return None
    # Simplified as for a finite number: inf is a limit of the loss.
    finite = {p: sympy.Dummy(positive=True) for p in loss.parameters}
    square = sympy.simplify(((n + 1) / n / bend).subs(finite))
    if not square.is_positive:
        return None
    length = sympy.sqrt(square).subs({d: p for p, d in finite.items()})
    if not members.equal(loss, members.student(loss, n, length)):
        return None
    return lower(folded(n)), lower(folded(length))


def _student(n: Node, c: Node) -> Sampling:
    """The variance is n/(n - 2) c^2; E log(1 + y^2/n) = digamma((n + 1)/2) - digamma(n/2)."""
    surprise = (1 + 1 / n) * (1 + n * gamma_gap1(n / 2)) / 2
    variance = where(n <= 1, float("nan"), where(n <= 2, float("inf"), c / (1 - 2 / n) * c))
    return Sampling(
        "student",
        c * call("sqrt", 1 / (1 + 1 / n)),
        shape=n,
        length=c,
        orders=n,
        moments={
            "variance": variance,
            "expected_loss": where(call("lt", 2.0**60, n), Fraction(1, 2), surprise),
        },
    )
