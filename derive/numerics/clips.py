"""Branches that continue each other: one formula of a clipped residual instead of a choice.

Where the outer branch is the inner one held at the corner, or continued by its tangent there,

    s = clip(x, -d, d):    f(s)    or    f(s) + f'(s) (x - s)

holds on both sides; where the inner branch is the outer one at |x| = d, so does g(max(|x|, d)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
from sympy import Abs, Add, Expr, Max, Min, Mul, Piecewise, S, Symbol, sign

from derive.calculus.reading import expanded, readable
from derive.definitions.loss import let
from derive.numerics.atoms import clip


@dataclass(frozen=True)
class Corner:
    """A corner at x = edge (side 0: |x| = edge on both sides). inner: where the first branch holds,
    below the edge or above it."""

    edge: Expr
    both: bool
    below: bool

    def ends(self, x: Symbol) -> list[tuple[Expr, int]]:
        """The corners and the sign of x beyond them."""
        if self.both:
            return [(self.edge, 1), (-self.edge, -1)]
        return [(self.edge, 0)]

    def clipped(self, x: Symbol) -> Expr:
        if self.both:
            return clip(x, -self.edge, self.edge)
        return Min(x, self.edge) if self.below else Max(x, self.edge)


def clipped(expression: Expr, x: Symbol, taken: Sequence[str]) -> Expr | None:
    """Every choice at a corner as one formula; None where there is none."""
    name = next(n for n in ("s", "r", "v", "u", "clipped") if n not in taken)

    def joined(piecewise: Expr) -> Expr:
        return _joined(piecewise, x, name) or piecewise

    found = merged(expression, x).replace(lambda e: isinstance(e, Piecewise), joined)
    return found if found != expression else None


def merged(expression: Expr, x: Symbol) -> Expr:
    """Choices by the same conditions within a sum or a product as one, powers of x taken in; what
    multiplies max(u, 0) as it is for u > 0."""

    def visit(e: Expr) -> Expr:
        if not e.has(Piecewise) or isinstance(e, Piecewise):
            return e
        e = e.func(*(visit(a) for a in e.args))
        if e.is_Mul:
            return _product(e, x)
        return _sum(e) if e.is_Add else e

    return visit(expression)


def _product(e: Expr, x: Symbol) -> Expr:
    factors = _beside_maximum(list(e.args))
    outside = [f for f in factors if not isinstance(f, Piecewise)]
    groups: dict[tuple[Expr, ...], list[Expr]] = {}
    for f in factors:
        if isinstance(f, Piecewise):
            groups.setdefault(tuple(c for _, c in f.args), []).append(f)
    taken = [f for f in outside if f.as_base_exp()[0] in (x, Abs(x), sign(x))]
    moved: list[Expr] = []
    for conditions, parts in groups.items():
        values = [Mul(*(f.args[i][0] for f in parts)) for i in range(len(conditions))]
        if taken and any(value.has(x) for value in values):
            outside = [f for f in outside if f not in taken]
            values, taken = [_with_powers(v, taken, x) for v in values], []
        moved.append(Piecewise(*zip(values, conditions, strict=True)))
    return Mul(_with_powers(Mul(*outside), (), x), *moved)


def _with_powers(value: Expr, powers: Sequence[Expr], x: Symbol) -> Expr:
    """The product, sign(x) = x/|x| cancelled against powers of x."""
    plain = Mul(value, *powers).subs(sign(x), x / Abs(x))
    return plain.subs(x / Abs(x), sign(x)) if plain.has(x / Abs(x)) else plain


def _sum(e: Expr) -> Expr:
    """Terms with one choice each, by the same conditions."""
    choices = [[f for f in Mul.make_args(a) if isinstance(f, Piecewise)] for a in e.args]
    chosen = [found[0] for found in choices if len(found) == 1]
    if any(len(found) > 1 for found in choices) or not chosen:
        return e
    conditions = [c for _, c in chosen[0].args]
    if any([c for _, c in f.args] != conditions for f in chosen):
        return e
    branches = [Add(*(_branch(a, i) for a in e.args)) for i in range(len(conditions))]
    tidy = [readable(expanded(branch)) for branch in branches]
    return Piecewise(*zip(tidy, conditions, strict=True))


def _branch(part: Expr, place: int) -> Expr:
    return Mul(*(f.args[place][0] if isinstance(f, Piecewise) else f for f in Mul.make_args(part)))


def _beside_maximum(factors: list[Expr]) -> list[Expr]:
    """max(u, 0) P = max(u, 0) times the branch of P for u > 0."""
    powers = [f.as_base_exp()[0] for f in factors]
    sums = [b for b in powers if isinstance(b, Max) and S.Zero in b.args and len(b.args) == 2]

    def settled(f: Expr) -> Expr:
        for most in sums if isinstance(f, Piecewise) else ():
            u = next(a for a in most.args if a != 0)
            kept = [v for v, c in f.args if not _denies(c, u)]
            if len(kept) == 1:
                return kept[0]
        return f

    return [settled(f) for f in factors]


def _denies(condition: Expr, u: Expr) -> bool:
    """Whether the condition does not hold for u > 0."""
    if not isinstance(condition, sympy.core.relational.Relational):
        return False
    if isinstance(condition, sympy.Equality):
        gap = condition.lhs - condition.rhs
        return _vanishes(gap - u) or _vanishes(gap + u)
    return _vanishes(condition.lts - condition.gts - u)


def _joined(piecewise: Expr, x: Symbol, name: str) -> Expr | None:
    if len(piecewise.args) != 2:
        return None
    (inner, condition), (outer, _) = piecewise.args
    corner = _corner(condition, x)
    if corner is None or inner.has(Piecewise, clip) or outer.has(Piecewise, clip):
        return None
    s = let(name, corner.clipped(x))
    slope = sympy.diff(_signed(inner, x, 0), x) if not inner.has(Abs, sign) else None
    if inner.has(x) and all(
        _vanishes(_at(inner, x, c, k) - _signed(outer, x, k)) for c, k in corner.ends(x)
    ):
        return inner.subs(x, s)
    if slope is not None and all(
        _vanishes(_at(inner, x, c, k) + _at(slope, x, c, k) * (x - c) - _signed(outer, x, k))
        for c, k in corner.ends(x)
    ):  # fmt: skip
        return _tangent(inner, slope, x, s)
    if corner.both and not inner.has(x) and not outer.has(sign):
        held = outer.subs(Abs(x), corner.edge)
        if not held.has(x) and _vanishes(held - inner):
            return outer.subs(Abs(x), Max(Abs(x), corner.edge))
    return None


def _corner(condition: Expr, x: Symbol) -> Corner | None:
    if not isinstance(condition, sympy.core.relational.Relational) or isinstance(
        condition, sympy.Equality | sympy.Unequality
    ):
        return None
    small, large = condition.lts, condition.gts
    if small == Abs(x) and not large.has(x):
        return Corner(large, both=True, below=True)
    if small == x and not large.has(x):
        return Corner(large, both=False, below=True)
    if large == x and not small.has(x):
        return Corner(small, both=False, below=False)
    return None


def _signed(expression: Expr, x: Symbol, side: int) -> Expr:
    """|x| and sign(x) on one side of 0, as they stand for side 0."""
    return expression.subs({Abs(x): side * x, sign(x): side}) if side else expression


def _at(expression: Expr, x: Symbol, corner: Expr, side: int) -> Expr:
    return _signed(expression, x, side).subs(x, corner)


def _vanishes(expression: Expr) -> bool:
    return bool(sympy.simplify(expression) == 0)


def _tangent(inner: Expr, slope: Expr, x: Symbol, s: Symbol) -> Expr:
    """f(s) + f'(s) (x - s), with a factor s taken out where there is one."""
    total = sympy.factor(inner.subs(x, s) + slope.subs(x, s) * (x - s))
    number, rest = total.as_coeff_Mul()
    sums = [f for f in Mul.make_args(rest) if f.is_Add]
    if number == 1 or len(sums) != 1:
        return total
    return rest / sums[0] * sympy.expand(number * sums[0])
