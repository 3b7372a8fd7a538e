"""A text beside a loss of predictions and a target: which letter means which, factor and offset.

A letter that is called as ours keeps its meaning, so that a text with two roles swapped is told
from ours; the others are matched by their usual letters.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from sympy import Expr, Rational, S, Symbol, nan, oo, zoo

from derive.definitions.loss import Loss
from derive.verification.claims.derivative import derivative
from derive.verification.claims.simplify import simplified
from derive.verification.formulas.convention import Convention
from derive.verification.formulas.matched import MOST, Matched, stem
from derive.verification.formulas.plain import is_nearly_zero, recognized

PREDICTIONS = ("yhat", "p", "phat", "q", "qhat", "pi", "mu", "muhat", "lambda", "f", "fhat", "z",
               "s", "h", "x", "eta", "theta", "m", "o", "a", "ybar")  # fmt: skip
TARGETS = ("y", "t", "target", "k", "n", "p", "d", "x", "r")
SPREADS = ("sigma", "s", "tau", "sigmahat")  # letters whose square is a variance
SAMPLES = tuple(map(Rational, ("1/3", "2/5", "3/7", "3/4", "1", "-1", "0", "5/2", "-3/2")))
MOST_LETTERS = 6


def matches(formula: Expr, loss: Loss, wanted: Sequence[Symbol]) -> Iterator[Matched]:
    """Ways to read the letters, the likely ones first. wanted: the variables of our quantity."""
    letters = sorted(formula.free_symbols, key=lambda s: s.name)[:MOST_LETTERS]
    own = {v: s for v in loss.variables for s in letters if s.name == v.name}
    free = [s for s in letters if s not in own.values()]
    open_ = [v for v in wanted if v not in own]
    missing = max(0, len(open_) - len(free))
    if missing > sum(v in loss.parameters for v in open_):  # it speaks of other variables of ours
        all_ = {v: own.get(v, v) for v in loss.variables}
        yield _matched(formula, loss, letters, all_, {})
    for absent in itertools.combinations([v for v in open_ if v in loss.parameters], missing):
        asked = [v for v in open_ if v not in absent]
        orders = itertools.permutations(free, len(asked))
        ranked = sorted(orders, key=lambda order: _rank(loss, asked, order))
        fixed = {v: S(Rational(str(loss.default(v)))) for v in absent}
        for order in ranked[:MOST]:
            pairs = {**own, **dict(zip(asked, order, strict=True))}
            yield from _as_spread(_matched(formula, loss, letters, pairs, fixed), loss, pairs)


def _rank(loss: Loss, asked: Sequence[Symbol], order: Sequence[Symbol]) -> int:
    """How unlikely it is that these letters mean these variables."""
    total = 0
    for v, letter in zip(asked, order, strict=True):
        usual = TARGETS if v == loss.target else PREDICTIONS if v in loss.predictions[:1] else ()
        plain = stem(letter.name)
        total += usual.index(plain) if plain in usual else 0 if plain == v.name else 30
    return total


def _matched(
    formula: Expr, loss: Loss, letters: Sequence[Symbol], pairs: Mapping[Symbol, Symbol],
    fixed: Mapping[Symbol, Expr],
) -> Matched:  # fmt: skip
    moved = formula.xreplace({letter: v for v, letter in pairs.items()})
    others = [s for s in letters if s not in pairs.values()]
    positive = {s: Symbol(s.name, positive=True) for s in others}
    told = {v.name: letter.name for v, letter in pairs.items()}
    told |= {v.name: str(value) for v, value in fixed.items()}
    shapes = {v: v for v in pairs if v != loss.residual} | dict(fixed)
    written = {v: letter.name for v, letter in pairs.items()}
    return Matched(
        moved.xreplace(positive), told, shapes, tuple(positive.values()), not fixed, written
    )


def _as_spread(matched: Matched, loss: Loss, pairs: Mapping[Symbol, Symbol]) -> Iterator[Matched]:
    """A second prediction that is written as the square of a letter, before it is read as one."""
    for v in loss.predictions[1:]:
        if v in pairs and stem(pairs[v].name) in SPREADS:
            name = pairs[v].name
            yield Matched(
                matched.expression, {**matched.letters, v.name: f"{name}**2"},
                {**matched.shapes, v: v**2}, matched.others, False, matched.written,
            )  # fmt: skip
    yield matched


def role_conventions(text: Expr, ours: Expr, loss: Loss) -> Iterator[Convention]:
    """Factor and offset from the slopes in the prediction; an offset may speak of the target."""
    x = loss.residual
    slopes = [derivative(e, x) for e in (text, ours)]
    roles = [*loss.predictions, loss.target]
    inside = [[s for s in SAMPLES if loss.domain(v).contains(s) == True] for v in roles]  # noqa: E712
    pairs: list[tuple[Expr, Expr]] = []
    for k in range(len(SAMPLES)):
        at = {
            v: own[(k + 2 * i) % len(own)]
            for i, (v, own) in enumerate(zip(roles, inside, strict=True))
            if own
        }
        theirs, mine = (slope.subs(at) for slope in slopes)
        if not any(e.has(nan, zoo, oo, -oo) for e in (theirs, mine)) and not is_nearly_zero(mine):
            pairs.append((theirs, mine))
    factor = recognized(pairs[0][0] / pairs[0][1]) if pairs else None
    if not factor or not all(is_nearly_zero(theirs - factor * mine) for theirs, mine in pairs):
        return
    offset = simplified(text - factor * ours)
    if offset.has(x):
        offset = simplified(offset.subs(x, inside[0][0]))
    if factor.free_symbols & {*roles} or offset.free_symbols & {*loss.predictions}:
        return
    if not offset.has(nan, zoo, oo, -oo):
        yield Convention(factor, offset, None)
