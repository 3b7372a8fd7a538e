"""The domain cut into pieces on which no formula chooses, each written with positive symbols.

A piece is an open interval or a point for every variable. Cuts are where an absolute value, a
comparison or the condition changes; their order has to be plain, else there are no pieces (None).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Abs, Dummy, Expr, Piecewise, Rational, S, Symbol, nan, oo, sign, zoo
from sympy.core.relational import Relational

from derive.definitions.loss import Loss
from derive.verification.claims.derivative import without_extremes
from derive.verification.claims.places import Places
from derive.verification.claims.signs import Open, Signs
from derive.verification.claims.simplify import is_zero

MOST_PIECES = 160
SAMPLES = tuple(Rational(t) for t in ("3/7", "11/5", "2/9", "13/8", "5/3", "7/10", "17/6"))


class Carried(sympy.Function):  # type: ignore[misc]  # SymPy is untyped
    """Several expressions that are cut together."""

    @classmethod
    def eval(cls, *_args: Expr) -> None:
        return None


class Unclear(Exception):
    """The pieces are not plain; the message says why."""


@dataclass(frozen=True)
class Piece:
    """expression: without choices, in positive symbols. place: each variable on this piece.

    names: how the piece is told; steps: what each variable ranges over.
    """

    expression: Expr
    place: dict[Symbol, Expr]
    names: tuple[str, ...]
    sample: dict[Symbol, Expr]

    def told(self) -> str:
        return ", ".join(self.names) or "everywhere"


@dataclass
class State:
    """A piece in the making: the variables that are placed, and the condition that is left."""

    expression: Expr
    where: Any
    place: dict[Symbol, Expr] = field(default_factory=dict)
    sample: dict[Symbol, Expr] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def pieces(
    expression: Expr, loss: Loss, where: Any = sympy.true, also: Sequence[Expr] = (),
    inside: Symbol | None = None,
) -> list[Piece] | None:  # fmt: skip
    """The pieces of the domain that the condition leaves; None where they are not plain.

    also: further expressions that change sign at cuts. inside: a variable whose cuts themselves
    are left out.
    """
    try:
        return Cutter(loss, where, also, inside=inside).pieces(without_extremes(expression))
    except (Unclear, NotImplementedError, sympy.PolynomialError, TypeError, RecursionError):
        return None


class Cutter:
    """skip: a variable that stays as it is, with the choices that depend on it."""

    def __init__(
        self, loss: Loss, where: Any, also: Sequence[Expr] = (), skip: Symbol | None = None,
        inside: Symbol | None = None,
    ) -> None:  # fmt: skip
        self.loss, self.where, self.also, self.skip = loss, where, tuple(also), skip
        self.inside = inside
        self.places = Places(loss)

    def pieces(self, expression: Expr) -> list[Piece]:
        free = expression.free_symbols | self.where.free_symbols
        variables = [v for v in self.loss.variables if v in free and v != self.skip]
        order = sorted(variables, key=lambda v: (
            v == self.loss.residual, not self.loss.special.get(v), str(v)))  # fmt: skip
        states = [State(expression, self.where)]
        for index, v in enumerate(order):
            later = set(order[index + 1 :])
            states = [made for state in states for made in self._placed(state, v, later)]
            if len(states) > MOST_PIECES:
                raise Unclear("too many pieces")
        return [self._leaf(state) for state in states if self._stays(state)]

    def _stays(self, state: State) -> bool:
        held = state.where.subs(state.place, simultaneous=True).subs(state.sample)
        if held in (sympy.true, sympy.false):
            return bool(held)
        if self.skip is not None and held.has(self.skip):
            return True
        raise Unclear(f"{state.where} is not decided on a piece")

    def _leaf(self, state: State) -> Piece:
        done = state.expression if self.skip else chosen(state.expression, state.sample)
        if done.has(nan, zoo):
            raise Unclear("no value on a piece")
        return Piece(done, state.place, state.names, state.sample)

    # One variable

    def _placed(self, state: State, v: Symbol, later: set[Symbol]) -> list[State]:
        domain = self.loss.domain(v)
        low, high = domain.inf, domain.sup
        cuts = self._cuts(state, v, later, low, high)
        ends = [low, *cuts, high]
        out = []
        for k, end in enumerate(ends):
            within = domain.contains(end) == True or k not in (0, len(ends) - 1)  # noqa: E712
            if within and v != self.inside:
                out += self._at(state, v, end)
            if k + 1 < len(ends):
                out.append(self._between(state, v, end, ends[k + 1]))
        return [s for s in out if s is not None and self._possible(s)]

    def _possible(self, state: State) -> bool:
        held = state.where.subs(state.place, simultaneous=True).subs(state.sample)
        return held is not sympy.false

    def _cuts(
        self, state: State, v: Symbol, later: set[Symbol], low: Expr, high: Expr
    ) -> list[Expr]:
        found: dict[Expr, None] = {}
        special = [p for p in self.loss.special.get(v, ()) if p not in (oo, -oo)]
        candidates: list[Expr] = [*special, *([S.Zero] if low == -oo and high == oo else [])]
        for part in [*choices(state.expression), *choices(state.where), *self.also]:
            part = part.subs(state.place, simultaneous=True)
            if not part.has(v) or part.free_symbols & later or (self.skip and part.has(self.skip)):
                continue
            candidates += roots_of(part, v)
        for root in candidates:
            if inside(root, low, high):
                found[sympy.simplify(root)] = None
        return ordered(list(found))

    def _at(self, state: State, v: Symbol, value: Expr) -> list[State]:
        if isinstance(state.expression, Carried):
            moved = Carried(*(self._value(a, state, v, value) for a in state.expression.args))
        else:
            moved = self._value(state.expression, state, v, value)
        return [State(
            moved, state.where.subs(v, value), {**state.place, v: value}, dict(state.sample),
            (*state.names, f"{v} = {self._told(value, state)}"),
        )]  # fmt: skip

    def _value(self, e: Expr, state: State, v: Symbol, value: Expr) -> Expr:
        """The expression at a point of a variable, by its limit where it has no value there."""
        if not e.has(v):
            return e
        moved = e.subs(v, value) if value not in (oo, -oo) else nan
        if moved.has(nan, zoo, oo, -oo):
            if any(p in e.free_symbols for p in state.sample):
                raise Unclear("a limit on a piece")
            limit = self.places.limit(e, v, value)
            if limit is None or limit in (oo, -oo):
                raise Unclear(f"no finite limit at {v} = {value}")
            moved = limit
        return moved

    def _between(self, state: State, v: Symbol, low: Expr, high: Expr) -> State:
        t = Dummy(f"t_{v}", positive=True)
        unit = self._unit(state, v)
        moved = between(low, high, t, unit)
        told = f"{self._told(low, state)} < {v} < {self._told(high, state)}"
        sample = {**state.sample, t: SAMPLES[len(state.sample) % len(SAMPLES)]}
        return State(
            state.expression.subs(v, moved), state.where.subs(v, moved),
            {**dict(state.place.items()), v: moved}, sample, (*state.names, told),
        )  # fmt: skip

    def _unit(self, state: State, v: Symbol) -> Expr:
        """The first positive parameter as a unit of the residual, so that it drops out."""
        if v != self.loss.residual:
            return S.One
        units = [p for p in self.loss.parameters if p.is_positive and p.is_finite
                 and not self.loss.special.get(p) and p in state.place]  # fmt: skip
        return state.place[units[0]] if units else S.One

    @staticmethod
    def _told(value: Expr, state: State) -> str:
        shown = value
        for v, e in state.place.items():
            if e.is_Symbol:
                shown = shown.subs(e, v)
        return str(shown)


def between(low: Expr, high: Expr, t: Symbol, unit: Expr) -> Expr:
    """An open interval as the range of an expression in a positive symbol."""
    if low == -oo and high == oo:
        raise Unclear("a line without a cut")
    if high == oo:
        return unit * t if low == 0 else low * (1 + t) if low.is_positive else low + unit * t
    if low == -oo:
        return -unit * t if high == 0 else high * (1 + t) if high.is_negative else high - unit * t
    if low == 0:
        return high * t / (1 + t)
    return (low + high * t) / (1 + t)


def choices(e: Any) -> list[Expr]:
    """Parts whose sign a formula or a condition chooses by."""
    found: dict[Expr, None] = {}
    for part in sympy.preorder_traversal(e):
        if isinstance(part, Abs | sign):
            found[part.args[0]] = None
        elif isinstance(part, Relational) and not part.has(oo, -oo):
            found[part.lhs - part.rhs] = None
    return [part for part in found if part.free_symbols and not part.has(Piecewise)]


def roots_of(part: Expr, v: Symbol) -> list[Expr]:
    """Where a part changes its sign in v; Unclear where that is not plain."""
    if part.is_positive or part.is_negative:
        return []
    found: list[Expr] = []
    for form in _without_sizes(part):
        top = sympy.fraction(sympy.together(form))[0]
        for factor, _ in sympy.factor_list(top)[1]:
            if not factor.has(v) or factor.is_positive or factor.is_negative:
                continue
            if not factor.is_polynomial(v) or sympy.degree(factor, v) > 2:
                raise Unclear(f"the sign of {factor}")
            for root in sympy.roots(sympy.Poly(factor, v)):
                if root.is_real is False:
                    continue
                found.append(root)
    return found


def _without_sizes(part: Expr) -> list[Expr]:
    forms = [part]
    for size in sorted(part.atoms(Abs), key=str)[:2]:
        forms = [f.xreplace({size: s * size.args[0]}) for f in forms for s in (1, -1)]
    return forms


def compare_plainly(a: Expr, b: Expr) -> int | None:
    """-1, 0 or 1, where it follows from the signs of symbols."""
    if a in (oo, -oo) or b in (oo, -oo):
        return 0 if a == b else (1 if a == oo or b == -oo else -1)
    gap = sympy.factor(sympy.together(a - b))
    if gap == 0:
        return 0
    if gap.is_positive:
        return 1
    return -1 if gap.is_negative else None


def inside(root: Expr, low: Expr, high: Expr) -> bool:
    """Whether a cut lies in an interval; Unclear where that depends."""
    below, above = compare_plainly(low, root), compare_plainly(root, high)
    if below is None or above is None:
        raise Unclear(f"where {root} lies")
    return below == -1 and above == -1


def ordered(cuts: list[Expr]) -> list[Expr]:
    """The cuts in order; Unclear where that depends on the parameters."""
    out: list[Expr] = []
    for cut in cuts:
        place = 0
        for other in out:
            order = compare_plainly(other, cut)
            if order is None:
                raise Unclear(f"which of {other} and {cut} is larger")
            if order == 0:
                break
            place += order == -1
        else:
            out.insert(place, cut)
    return out


def chosen(e: Expr, sample: dict[Symbol, Expr]) -> Expr:
    """The expression with every choice made as at the sample point."""
    if not e.has(Abs, sign, Piecewise):
        return e
    if isinstance(e, Piecewise):
        for value, when in e.args:
            held = _held(when, sample)
            if held == True:  # noqa: E712
                return chosen(value, sample)
            if held != False:  # noqa: E712
                raise Unclear(f"{when} is not decided")
        raise Unclear("no case applies on a piece")
    args = [chosen(a, sample) for a in e.args]
    if isinstance(e, Abs | sign):
        side = _side(args[0]) if e.args[0].has(Piecewise) else sympy.sign(args[0].subs(sample))
        if side not in (1, -1, 0):
            raise Unclear(f"the sign of {args[0]}")
        return side * args[0] if isinstance(e, Abs) else side
    return e.func(*args)


def _held(when: Any, sample: dict[Symbol, Expr]) -> Any:
    """Whether a condition holds on a piece: at its sample point, where no choice is nested."""
    if not when.has(Piecewise):
        return when.subs(sample)
    if not isinstance(when, Relational):
        return when.func(*(_held(part, sample) for part in when.args))
    side = _side(chosen(when.lhs - when.rhs, sample))
    return when.func(S(side), S.Zero)


def _side(e: Expr) -> int:
    """The proved sign of an expression without choices."""
    if is_zero(e):
        return 0
    try:
        found = Signs(3.0).sign(e)
    except Open:
        raise Unclear(f"the sign of {e}") from None
    if not found.strict:
        raise Unclear(f"the sign of {e}")
    return found.side
