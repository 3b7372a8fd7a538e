"""What is proved about an expression as a function of one variable, the others being symbols."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Abs, Expr, Piecewise, Pow, S, Symbol, log, nan, oo, sign, zoo

from derive.definitions.loss import Loss
from derive.verification.claims.cuts import Unclear, choices, roots_of
from derive.verification.claims.derivative import derivative, without_extremes
from derive.verification.claims.expansion import order_of, side_limit
from derive.verification.claims.regions import Cutter, Piece, pieces
from derive.verification.claims.signs import Open, Signs, structural
from derive.verification.claims.simplify import is_zero

ORDERS = {"continuous": 0, "differentiable": 1}
Found = tuple[str, list[str]] | None


class Functions:
    """One variable of a loss, under a condition on the others."""

    def __init__(self, loss: Loss, where: Any, v: Symbol) -> None:
        self.loss, self.where, self.v = loss, where, v

    def cut(self, e: Expr, also: tuple[Expr, ...] = ()) -> list[Piece]:
        found = pieces(e, self.loss, self.where, also)
        if not found:
            raise Unclear("no pieces")
        return found

    def cells(self, e: Expr) -> list[Piece]:
        """Pieces of the other variables only; the variable stays."""
        cutter = Cutter(self.loss, self.where, skip=self.v)
        return cutter.pieces(without_extremes(e))

    # Stationary points and ends

    def stationary(self, e: Expr) -> list[Expr]:
        """Zeros of the derivative, where the parameters are one piece."""
        slope = derivative(e, self.v)
        found: dict[Expr, None] = {}
        for form in _branches(slope):
            top = sympy.fraction(sympy.together(sympy.simplify(form)))[0]
            for factor, _ in sympy.factor_list(top)[1]:
                if not factor.has(self.v) or not factor.is_polynomial(self.v):
                    continue
                for root in sympy.roots(sympy.Poly(factor, self.v)):
                    if root.is_real is not False:
                        found[root] = None
        return list(found)

    def tends_to_zero(self, e: Expr, end: Expr) -> bool:
        return all(
            (value := side_limit(cell.expression, self.v, end, "-" if end == oo else "+"))
            is not None and is_zero(value)
            for cell in self.cells(e)
        )  # fmt: skip

    # Pieces in the variable

    def ends(self, e: Expr) -> list[tuple[Piece, Symbol]]:
        """Open pieces with the symbol that runs over (0, oo) along the variable."""
        found = []
        for piece in self.cut(e):
            runs = [s for s in piece.place.get(self.v, S.Zero).free_symbols
                    if s.name == f"t_{self.v}"]  # fmt: skip
            if runs:
                found.append((piece, runs[0]))
        return found

    def bounded(self, e: Expr) -> Found:
        """Finite limits at both ends of every piece, and continuous inside."""
        steps = []
        for piece, t in self.ends(e):
            if not analytic(piece.expression):
                return None
            for end, side in ((S.Zero, "+"), (oo, "-")):
                value = side_limit(piece.expression, t, end, side)
                if value is None or value in (oo, -oo):
                    return None
                steps.append(f"{piece.told()}: tends to {piece.named(value)} at an end")
        return ("finite limits at the ends of every piece, continuous inside", steps)

    def integrable(self, e: Expr) -> Found:
        """The power at both ends of every piece."""
        steps = []
        for piece, t in self.ends(e):
            if not analytic(piece.expression):
                return None
            stretched = piece.expression * sympy.diff(piece.place[self.v], t)
            for end, side in ((S.Zero, "+"), (oo, "-")):
                order = order_of(stretched, t, end, side)
                if order is None:
                    return None
                k, falls = order
                if not falls:
                    gap = k - 1 if end == oo else k + 1
                    try:
                        found = Signs().sign(gap)
                    except Open:
                        return None
                    if found.side < 0 or not found.strict:
                        return None
                shown = "an exponential" if falls else f"power {-k if end == oo else k}"
                steps.append(f"{piece.told()}: at {t.name} -> {end} by {shown}")
        return ("integrable at both ends of every piece", steps)

    # Regularity

    def regular(self, e: Expr, kind: str, point: Expr | None) -> Found:
        """Continuous, differentiable or smooth: analytic pieces that join."""
        e = without_extremes(e)
        deciding = [c for c in choices(e) if c.has(self.v)]
        if not deciding and analytic(e):
            return ("composed of analytic functions on their domains", [f"{e} has no corner"])
        if point is not None:
            return self._at_point(e, kind, point)
        runs = self.ends(e)
        if not all(analytic(piece.expression) for piece, _ in runs):
            return None
        if kind == "smooth":
            return None
        return self._joined(e, ORDERS[kind])

    def _at_point(self, e: Expr, kind: str, point: Expr) -> Found:
        """No choice changes at the point, so the formula is one analytic function near it."""
        for part in choices(e):
            here = part.subs(self.v, point)
            if (part.has(self.v) and structural(here) is None) or structural(here).strict is False:  # type: ignore[union-attr]
                return None
        form = near(e, self.v, point)
        if (
            form is None
            or not analytic(form.subs(self.v, point))
            or risky_zero(form, self.v, point)
        ):
            return None
        return (f"one analytic function near {self.v} = {point}", [f"near it: {form}"])

    def _joined(self, e: Expr, orders: int) -> Found:
        steps = self.joins(e, orders + 1, 0)
        return None if steps is None else ("the pieces join", steps)

    def joins(self, e: Expr, times: int, side: int) -> list[str] | None:
        """The steps that show that derivatives below `times` do not jump (or only to `side`)."""
        steps = []
        for order in range(times):
            f = derivative(e, self.v, order)
            for cell in self.cells(f):
                cuts = self._cuts(e, cell)
                for cut in cuts:
                    below, above = (side_limit(cell.expression, self.v, cut, d) for d in "-+")
                    if below is None or above is None or oo in (abs(below), abs(above)):
                        return None
                    gap = sympy.simplify(above - below)
                    if not is_zero(gap):
                        if side == 0 or (order == 0 and times == 2) or order != times - 1:
                            return None
                        found = Signs().sign(gap)
                        if found.side != side:
                            return None
                    own = cell.expression.subs(self.v, cut)
                    if order == 0 and not own.has(nan, zoo) and not is_zero(own - above) and (
                        side == 0 or not is_zero(gap)
                    ):  # fmt: skip
                        return None
                    at, low, high = map(cell.named, (cut, below, above))
                    steps.append(f"derivative {order} at {self.v} = {at}: {low} | {high}")
        return steps

    def _cuts(self, e: Expr, cell: Piece) -> list[Expr]:
        """Where the variable's pieces meet, in the symbols of a cell."""
        found: dict[Expr, None] = {}
        domain = self.loss.domain(self.v)
        special = [p for p in self.loss.special.get(self.v, ()) if p not in (oo, -oo)]
        candidates = list(special)
        for part in choices(without_extremes(e)):
            moved = part.subs(cell.place, simultaneous=True)
            if moved.has(self.v):
                candidates += roots_of(moved, self.v)
        for root in candidates:
            inner = domain.inf == -oo or (root - domain.inf).is_positive
            within = inner and (domain.sup == oo or (domain.sup - root).is_positive)
            if within and not self._outside(root):
                found[sympy.simplify(root)] = None
        return list(found)

    def _outside(self, root: Expr) -> bool:
        """Whether the condition plainly excludes a point of the variable."""
        held = self.where.subs(self.v, root)
        return bool(held == False)  # noqa: E712


def _branches(e: Expr) -> list[Expr]:
    """The forms of an expression with each choice made one way or the other."""
    forms = [e]
    for p in sorted(e.atoms(Piecewise), key=str)[:2]:
        forms = [f.xreplace({p: value}) for f in forms for value, _ in p.args]
    for p in sorted(e.atoms(Abs, sign), key=str)[:3]:
        swaps = (p.args[0], -p.args[0]) if isinstance(p, Abs) else (S.One, -S.One)
        forms = [f.xreplace({p: swap}) for f in forms for swap in swaps]
    return forms


def near(e: Expr, v: Symbol, point: Expr) -> Expr | None:
    """The formula near a point at which no choice is open."""

    def decided(p: Expr) -> Expr:
        if isinstance(p, Piecewise):
            for value, when in p.args:
                held = when.subs(v, point)
                if held == True:  # noqa: E712
                    return value
                if held != False:  # noqa: E712
                    return p
        if isinstance(p, Abs | sign):
            found = structural(p.args[0].subs(v, point))
            if found is not None and found.strict:
                return found.side * p.args[0] if isinstance(p, Abs) else S(found.side)
        return p

    made = e.replace(lambda p: isinstance(p, Piecewise | Abs | sign), decided)
    return None if made.has(Piecewise) or any(c.has(v) for c in choices(made)) else made


def risky(e: Expr) -> list[Expr]:
    """Bases of powers that are no whole ones, divisors, and arguments of logarithms."""
    found = [p.base for p in e.atoms(Pow) if not (p.exp.is_Integer and p.exp > 0)]
    found += [p.args[0] for p in e.atoms(log, sympy.gamma, sympy.loggamma)]
    return [part for part in found if part.free_symbols]


def risky_zero(e: Expr, v: Symbol, point: Expr) -> bool:
    return any(
        (found := structural(part.subs(v, point))) is None or not found.strict
        for part in risky(e) if part.has(v)
    )  # fmt: skip


def analytic(e: Expr) -> bool:
    """Whether every part stays inside the domain of its function: no divisor, no base is 0."""
    if e.has(Abs, sign, Piecewise, sympy.Max, sympy.Min):
        plain = [c for c in e.atoms(Abs, sign) if structural(c.args[0]) is None]
        if plain or e.has(Piecewise, sympy.Max, sympy.Min):
            return False
    for part in risky(e):
        found = structural(part)
        if found is None or not found.strict:
            try:
                found = Signs(2.0).sign(part)
            except Open:
                return False
        powers = [p for p in e.atoms(Pow) if p.base == part and not p.exp.is_Integer]
        if not found.strict or (found.side < 0 and powers):
            return False
    return True
