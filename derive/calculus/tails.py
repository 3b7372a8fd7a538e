"""Whether exp(-loss) can be integrated: the loss far out, compared with log|x|."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mpmath import mp
from sympy import Abs, Expr, S, Symbol, exp, log, oo
from sympy.logic.boolalg import Boolean

from derive.calculus import germs
from derive.calculus.confirm import confirm
from derive.calculus.evaluate import NotReal, OutOfReach, evaluate
from derive.calculus.expansion import Expansion
from derive.calculus.germs import Coefficient, Mixed, Unknown
from derive.calculus.reading import tidy
from derive.calculus.reasons import Behaviour
from derive.definitions.loss import Let

Points = list[dict[Symbol, Any]]


@dataclass(frozen=True)
class Tail:
    """exists: true, false, or a condition on the parameters.

    logarithm: q where the loss grows like q log|x|.
    slope: the limit of exp(-loss) where the loss is bounded, so that the integral over [0, X]
    grows like slope * X.
    """

    exists: Boolean
    behaviour: Behaviour
    slope: Expr | None
    order: Expr = S.Zero
    confirmation: str = ""
    logarithm: Expr | None = None


def both_tails(where: tuple[Let, ...], loss: Expr, x: Symbol, at: dict[Symbol, Any]) -> list[Tail]:
    """The tails towards +oo and -oo for parameters as in `at`, as expressions in the parameters.

    Raises Unknown where the behaviour is outside what expansions express, or not confirmed.
    """
    for end in (oo, -oo):
        try:
            with mp.workdps(germs.DIGITS):
                evaluate(loss, {**at, x: mp.mpf(10) ** 20 * (1 if end == oo else -1)})
        except OutOfReach:
            continue
        except NotReal:
            return [Tail(S.false, Behaviour("unreal"), None)] * 2
    return [_tail(where, loss, x, end, [at]) for end in (oo, -oo)]


def _tail(where: tuple[Let, ...], loss: Expr, x: Symbol, end: Expr, points: Points) -> Tail:
    direction = "-" if end == oo else "+"
    trouble = "no expansion"
    for depth in (2, 4, 8):
        try:
            with mp.workdps(germs.DIGITS):
                expansion = Expansion(x, end, direction, points, depth)
                verdict, leading = _verdict(where, expansion, loss)
        except (Unknown, NotReal, NotImplementedError) as reason:
            trouble = str(reason)
            continue
        words = confirm(loss, x, end, direction, leading, points, least=1)
        if words is None:
            words = _confirm_order(loss, x, end, leading, points)
        if words is not None:
            return replace(verdict, confirmation=words)
        trouble = f"{leading} was not confirmed"
    raise Unknown(f"the loss as x -> {end}: {trouble}")


def _verdict(where: tuple[Let, ...], expansion: Expansion, loss: Expr) -> tuple[Tail, Expr]:
    """The verdict, and the leading behaviour of the loss as an expression in x."""
    ring, size = expansion.germs, Abs(expansion.variable)
    germ = expansion.germ(loss)
    if not germ.series.terms and germ.series.order is None:
        return Tail(S.false, Behaviour("bounded", S.Zero), S.One), S.Zero
    k, m, lead = ring.leading(germ.series)
    if germ.growth.terms:
        if not ring.tends_up(germ.growth):
            return Tail(S.false, Behaviour("bounded", S.Zero), S.One), S.Zero
        grown = [
            c.expr * size ** (-j) * log(1 / size) ** n for (j, n), c in germ.growth.terms.items()
        ]
        leading = lead.expr * size ** (-k) * exp(S.Zero + sum(grown))
        return _by_sign(lead, None), leading
    leading = tidy(where, lead.expr) * size ** (-k) * log(1 / size) ** m
    side = ring.compare(k, S.Zero)
    if side > 0:
        return Tail(S.false, Behaviour("bounded", S.Zero), S.One), S.Zero
    if side < 0:
        return replace(_by_sign(lead, size ** (-k)), order=-k), leading
    if m == 0:
        return Tail(S.false, Behaviour("bounded", leading), exp(-leading)), leading
    near = {key: c for key, c in germ.series.terms.items() if ring.compare(key[0], S.Zero) == 0}
    leading = sum((c.expr * log(1 / size) ** n for (_, n), c in near.items()), S.Zero)
    if m > 1:
        signed = Coefficient(lead.expr * (-1) ** m, tuple(c * (-1) ** m for c in lead.shadows))
        return _by_sign(signed, log(size) ** m), leading
    return _by_logarithm(tidy(where, -lead.expr), size), leading


def _by_sign(lead: Coefficient, how: Expr | None) -> Tail:
    if lead.sign() == 0:
        raise Mixed(lead.expr)
    if lead.sign() > 0:
        return Tail(S.true, Behaviour("grows", how), None)
    return Tail(S.false, Behaviour("falls", how), None)


def _by_logarithm(slope: Expr, size: Expr) -> Tail:
    """exp(-loss) falls like |x|**(-slope): integrable where slope > 1."""
    return Tail(slope > 1, Behaviour("grows", slope * log(size), slope), None, logarithm=slope)


def _confirm_order(loss: Expr, x: Symbol, end: Expr, leading: Expr, points: Points) -> str | None:
    """Where lower orders fade too slowly for a ratio: the ratio drifts towards 1."""
    worst = []
    with mp.workdps(60):
        for at in points:
            ratios = []
            for digits in (8, 32, 128, 512):
                here = {**at, x: mp.mpf(10) ** digits * (1 if end == oo else -1)}
                wanted = evaluate(leading, here)
                if wanted == 0:
                    return None
                ratios.append(abs(evaluate(loss, here) / wanted - 1))
            if any(b > a for a, b in pairwise(ratios)):
                return None
            worst.append(ratios[-1])
    if max(worst) > mp.mpf(1) / 20:
        return None
    figure = mp.nstr(max(worst), 2)
    return f"ratio to the leading term 1 within {figure} at |x| = 1e512, falling"
