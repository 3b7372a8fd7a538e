"""Signs of expressions in positive symbols, proved: by structure, factors, and derivatives.

Every rule is an argument for all positive values of the symbols. None: no rule applies.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import sympy
from sympy import Add, Expr, Mul, Pow, S, Symbol, log, nan, oo, zoo

from derive.definitions.loss import Loss
from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.ball import enclose
from derive.verification.claims.derivative import derivative
from derive.verification.claims.places import Places, fraction
from derive.verification.claims.samples import SAMPLE_POINTS

DEEPEST = 5
LARGEST = 220  # operations beyond which rewriting costs too much


class Open(Exception):
    """No rule gives the sign."""


@dataclass(frozen=True)
class Sign:
    """side: 1 or -1; strict: never 0."""

    side: int
    strict: bool

    def times(self, other: Sign) -> Sign:
        return Sign(self.side * other.side, self.strict and other.strict)


PLUS = Sign(1, True)


@dataclass
class Signs:
    """The prover, with the steps that it took. seconds: its limit."""

    seconds: float = 8.0
    steps: list[str] = field(default_factory=list)
    known: dict[Expr, Sign | None] = field(default_factory=dict)
    started: float = field(default_factory=time.process_time)

    def sign(self, e: Expr, depth: int = 0) -> Sign:
        """The sign of an expression. Open where it was not proved."""
        e = sympy.sympify(e)
        if e not in self.known:
            if time.process_time() - self.started > self.seconds or depth > DEEPEST:
                raise Open("out of time or depth")
            try:
                self.known[e] = self._sign(e, depth)
            except Open:
                if depth < 2:
                    self.known[e] = None
                raise
        found = self.known[e]
        if found is None:
            raise Open(str(e)[:80])
        return found

    def _sign(self, e: Expr, depth: int) -> Sign:
        found = structural(e)
        if found is not None:
            return found
        numbers = sampled(e)
        if numbers is None:
            raise Open("mixed signs at sample points")
        if sympy.count_ops(e) > LARGEST:
            raise Open("too long")
        joined = _joined(e)
        if joined.is_Mul or joined.is_Pow:
            return self._product(joined, depth)
        found = structural(joined) or polynomial(joined)
        if found is not None:
            return found
        if joined != e and joined in self.known and self.known[joined] is not None:
            return self.sign(joined, depth)
        for rule in (self._compared, self._log_alone, self._by_derivative):
            found = rule(joined, numbers, depth)
            if found is not None:
                return found
        raise Open(f"no rule for {str(joined)[:80]}")

    def _product(self, e: Expr, depth: int) -> Sign:
        total = PLUS
        for factor in Mul.make_args(e):
            base, power = factor.as_base_exp()
            if power.is_Integer and power % 2 == 0:
                if power < 0 or structural(base) is None:
                    total = total.times(Sign(1, _never_zero(base)))
                continue
            if structural(factor) is not None:
                total = total.times(structural(factor) or PLUS)
            elif power.is_Integer:
                total = total.times(self.sign(base, depth + (base == e)))
            else:
                inner = self.sign(base, depth)
                if inner.side < 0:
                    raise Open("a power of a negative base")
                total = total.times(Sign(1, inner.strict))
        return total

    def _compared(self, e: Expr, side: int, depth: int) -> Sign | None:
        """A - B of positive parts: by their squares, or by their logarithms."""
        if not e.is_Add:
            return None
        plus = [t for t in e.args if (s := structural(t)) is not None and s.side > 0]
        minus = [-t for t in e.args if (s := structural(t)) is not None and s.side < 0]
        if len(plus) + len(minus) != len(e.args) or not plus or not minus:
            return None
        a, b = Add(*plus), Add(*minus)
        roots = [p for p in e.atoms(Pow) if p.exp.is_Rational and p.exp.q == 2]
        if roots and (len(plus) == 1 or len(minus) == 1):
            try:
                found = self.sign(sympy.expand(a**2 - b**2), depth + 1)
                self.steps.append(f"{e} has the sign of the difference of the squares")
                return found
            except Open:
                pass
        strict = all(s.strict for t in (a, b) if (s := structural(t) or Sign(1, False)))
        if (
            strict
            and len(plus) == 1 == len(minus)
            and (a.atoms(Pow, sympy.exp) or b.atoms(Pow, sympy.exp))
        ):
            gap = sympy.expand_log(log(a)) - sympy.expand_log(log(b))
            if sympy.count_ops(gap) <= LARGEST and gap != e:
                try:
                    found = self.sign(gap, depth + 1)
                    self.steps.append(f"{e} has the sign of {gap}")
                    return found
                except Open:
                    pass
        return None

    def _log_alone(self, e: Expr, side: int, depth: int) -> Sign | None:
        """P log(Q) + R by log(Q) + R/P, whose derivative has no logarithm."""
        logs = e.atoms(log)
        if len(logs) != 1:
            return None
        (one,) = logs
        spread = sympy.expand(e)
        factor = spread.coeff(one, 1)
        rest = sympy.expand(spread - factor * one)
        if rest.has(log) or factor.is_number or rest == 0:
            return None
        sign = structural(sympy.factor(factor))
        if sign is None or not sign.strict:
            return None
        form = one + sympy.factor(rest / factor)
        found = self._by_derivative(form, side * sign.side, depth)
        return None if found is None else sign.times(found)

    def _by_derivative(self, e: Expr, side: int, depth: int) -> Sign | None:
        """e grows away from an end at which it has this sign already."""
        symbols = sorted(e.free_symbols, key=lambda s: (_weight(e, s), str(s)))
        for v in symbols:
            slope = _joined(derivative(e, v))
            heading = sampled(slope)
            if heading is None:
                continue
            end = S.Zero if heading == side else oo
            start = _limit(e, v, end)
            if start is None or (start in (oo, -oo) and (start == oo) != (side > 0)):
                continue
            try:
                moving = self.sign(slope, depth + 1)
                at_end = None if start in (oo, -oo, 0) else self.sign(start, depth + 1)
            except Open:
                continue
            if at_end is not None and at_end.side != side:
                continue
            self.steps.append(
                f"{e} tends to {start} as {v} -> {end}, and its derivative in {v} is "
                f"{'positive' if moving.side > 0 else 'negative'}"
            )
            return Sign(side, moving.strict or (at_end is not None and at_end.strict))
        return None


def structural(e: Expr) -> Sign | None:
    """The sign that follows from the signs of the symbols."""
    if e.is_positive:
        return PLUS
    if e.is_negative:
        return Sign(-1, True)
    if e.is_Add or e.is_Mul or e.is_Pow or e.is_number:
        if e.is_nonnegative:
            return Sign(1, False)
        if e.is_nonpositive:
            return Sign(-1, False)
    if isinstance(e, log):
        inner = structural(sympy.expand(e.args[0] - 1))
        return inner
    return None


def polynomial(e: Expr) -> Sign | None:
    """A polynomial with coefficients of one sign, or in one symbol without a positive zero."""
    symbols = sorted(e.free_symbols, key=str)
    if not symbols or not e.is_polynomial(*symbols):
        return None
    poly = sympy.Poly(e, *symbols)
    signs = {c.is_nonnegative for c in poly.coeffs()}
    if signs == {True}:
        return PLUS
    if all(c.is_nonpositive for c in poly.coeffs()):
        return Sign(-1, True)
    if len(symbols) == 1 and all(c.is_Rational for c in poly.coeffs()):
        inner = poly.count_roots(sympy.Rational(0), None) - (1 if poly.eval(0) == 0 else 0)
        if inner == 0:
            side = 1 if poly.eval(1) > 0 else -1
            return Sign(side, True)
    return None


def sampled(e: Expr) -> int | None:
    """The sign at a few points, where it is the same at all of them."""
    symbols = sorted(e.free_symbols, key=str)
    found = set()
    for k in range(6):
        at = {s: fraction(SAMPLE_POINTS[(5 * k + 3 * i) % len(SAMPLE_POINTS)])
              for i, s in enumerate(symbols)}  # fmt: skip
        try:
            value = enclose(e, at)
        except (Undefined, NeedsPrecision, KeyError):
            return None
        found.add(1 if value > 0 else -1 if value < 0 else 0)
    found.discard(0)
    return found.pop() if len(found) == 1 else None


def _never_zero(base: Expr) -> bool:
    found = structural(base)
    return found is not None and found.strict


def _joined(e: Expr) -> Expr:
    """As one fraction in factors, where that stays short."""
    if sympy.count_ops(e) > LARGEST:
        return e
    try:
        return sympy.factor(sympy.powsimp(sympy.together(e)))
    except (sympy.PolynomialError, NotImplementedError, ValueError):
        return sympy.factor_terms(e)


def _weight(e: Expr, s: Symbol) -> int:
    """Symbols inside exponents last: their derivatives grow."""
    return sum(1 for p in e.atoms(Pow, sympy.exp) if p.args[-1].has(s))


def _limit(e: Expr, v: Symbol, end: Expr) -> Expr | None:
    """The limit at an end of (0, oo), confirmed by the calculus."""
    if end == 0:
        value = e.subs(v, 0)
        if not value.has(nan, zoo, oo, -oo):
            return sympy.simplify(value) if sympy.count_ops(value) < LARGEST else value
    others = sorted(e.free_symbols - {v}, key=str)
    loss = Loss(name="sign", title="", source="", variables=(v, *others), loss=e)
    return Places(loss).side(e, v, end, "+" if end == 0 else "-")
