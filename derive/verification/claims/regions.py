"""The domain cut into pieces on which no formula chooses, each written with positive symbols.

A piece is an open interval or a point for every variable. Cuts are where an absolute value, a
comparison or the condition changes; their order has to be plain, else there are no pieces (None).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Dummy, Expr, Rational, S, Symbol, nan, oo, zoo

from derive.definitions.loss import Loss
from derive.verification.claims.cuts import (
    Unclear,
    between,
    choices,
    chosen,
    inside,
    ordered,
    roots_of,
)
from derive.verification.claims.derivative import without_extremes
from derive.verification.claims.places import Places

MOST_PIECES = 160
SAMPLES = tuple(Rational(t) for t in ("3/7", "11/5", "2/9", "13/8", "5/3", "7/10", "17/6"))


class Carried(sympy.Function):  # type: ignore[misc]  # SymPy is untyped
    """Several expressions that are cut together."""

    @classmethod
    def eval(cls, *_args: Expr) -> None:
        return None


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

    def named(self, e: Expr) -> Expr:
        """An expression of the piece in the letters that its variables stand for."""
        letters = {}
        for v, at in self.place.items():
            inner = [t for t in at.free_symbols & e.free_symbols if t.name == f"t_{v}"]
            found = sympy.solve(at - v, inner[0]) if inner else []
            if len(found) == 1:
                letters[inner[0]] = found[0]
        return sympy.simplify(e.subs(letters)) if letters else e


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
