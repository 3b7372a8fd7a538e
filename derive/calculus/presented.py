"""Formulas as people write them: gathered cases, tanh, one bracket to a power instead of a nest.

Only for reading: what is computed with stays as it was derived. Every result is compared with what
it came from at sample points; where they differ, the formula stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection

from mpmath import mp
from sympy import (
    Abs,
    Add,
    Dummy,
    Eq,
    Expr,
    Mul,
    Piecewise,
    Pow,
    Symbol,
    factor_terms,
    log,
    nan,
    oo,
    zoo,
)
from sympy.logic.boolalg import Boolean

from derive.calculus.bases import brackets, over
from derive.calculus.cases import flattened, gathered
from derive.calculus.derivation import Derivation
from derive.calculus.derivatives import without_squared_signs
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.reading import (
    cancelled,
    expanded,
    fold,
    operations,
    readable,
    size,
    without_signs,
)
from derive.calculus.samples import generic_points
from derive.calculus.spellings import (
    collected,
    hyperbolic,
    logistic,
    one_power,
    over_size,
    squares_of_tanh,
    turned,
)
from derive.definitions.loss import Loss

DIGITS, EQUAL = 40, mp.mpf(10) ** -25
# Beyond this a formula is not compared with variants of itself.
LARGEST = 400
# So many of the shortest forms are polished and compared again.
FINALISTS = 3
# |x|: always the same letter, for SymPy remembers what it made of it.
SIZE = Dummy("u", positive=True)


def presented(loss: Loss, expression: Expr) -> Expr:
    """An equal formula for readers."""
    if expression.has(nan, oo, -oo, zoo) or expression.is_Atom:
        return expression
    found = gathered(expression, loss.residual)
    if isinstance(found, Piecewise):
        found = flattened(found, loss.residual)
        branches = [
            (_plain(loss, readable(at_equality(value, when))), when) for value, when in found.args
        ]
        found = Piecewise(*branches, evaluate=False)
    else:
        found = _plain(loss, found if found == expression else readable(found))
    found = _with_sizes(loss, found)
    return found if _same(loss, expression, found) else expression


def at_equality(value: Expr, when: Boolean) -> Expr:
    """A value where |x| = c, without |x|."""
    if isinstance(when, Eq) and isinstance(when.lhs, Abs):
        return value.subs(when.lhs, when.rhs)
    return value


def _with_sizes(loss: Loss, e: Expr) -> Expr:
    """|alpha - 2| by its name b, where the definition has that name."""
    named = {n.definition: n for n in loss.where if isinstance(n.definition, Abs)}
    found = e.xreplace(named)
    if found == e or isinstance(found, Piecewise):
        return found
    known = brackets(loss.loss)
    return min((found, cancelled(found)), key=lambda form: _rank(form, known))


def for_readers(derivation: Derivation, names: Collection[str] | None = None) -> dict[str, Expr]:
    """The quantities of a derivation (or some), the loss as stated, the others as people write
    them."""
    loss, read = derivation.loss, derivation.pretty
    return {
        name: read[name] if name == "loss" else presented(loss, read[name])
        for name in read
        if names is None or name in names
    }


def within(derivation: Derivation, effort: int) -> list[str]:
    """The quantities that have about so many operations together as they were differentiated:
    those in x alone first, then the shortest."""
    sizes = {name: _effort(e) for name, e in derivation.quantities.items()}
    x = derivation.loss.residual
    first = ("loss", "weight", f"d_{x}", f"d2_{x}")
    found = []
    for name in sorted(sizes, key=lambda name: (name not in first, sizes[name])):
        effort -= 0 if name == "loss" else sizes[name]
        if effort >= 0 or name in first:
            found.append(name)
    return found


def _effort(e: Expr) -> int:
    """Operations, those of conditions left out: they are written as they are."""
    branches = [value for value, _ in e.args] if isinstance(e, Piecewise) else [e]
    return sum(int(operations(value)) for value in branches)


def limit_for_readers(loss: Loss, e: Expr) -> Expr:
    """A limit with the names of the definition, its fractions cancelled where that is shorter."""
    if e.has(oo, -oo, nan, zoo):
        return e
    known = brackets(loss.loss)
    forms = (fold(loss.where, e), fold(loss.where, cancelled(e)))
    return min(forms, key=lambda form: _rank(form, known))


def gathered_logarithms(log_z: Expr) -> Expr:
    """ln 2/2 + ln pi/2 as ln(2 pi)/2: logarithms of numbers with the same factor in one."""
    numbers: dict[Expr, list[Expr]] = {}
    rest = []
    for term in Add.make_args(log_z):
        factor, function = term.as_coeff_Mul()
        if isinstance(function, log) and function.is_number:
            numbers.setdefault(factor, []).append(function.args[0])
        else:
            rest.append(term)
    # Built without evaluation: SymPy would split the logarithm of a product with 2 again.
    logarithms = [
        Mul(factor, log(Mul(*arguments), evaluate=False))
        for factor, arguments in sorted(numbers.items(), key=lambda item: -item[0])
    ]
    return Add(*rest, *logarithms)


def _plain(loss: Loss, e: Expr) -> Expr:
    """The shortest of some equal forms."""
    if e.is_Atom or e.count_ops() > LARGEST:
        return e
    known, running = brackets(loss.loss), (loss.residual, *loss.where)
    short, longer = (
        dict.fromkeys((e, cancelled(e))),
        [expanded(e), *hyperbolic(e), *squares_of_tanh(e)],
    )
    forms = [e, *longer, *short]
    for form in dict.fromkeys(forms):
        below = [bracket for bracket in brackets(form) if _is_below(bracket, form)]
        bases = [*known, *below] if form in short else [b for b in known if b in below]
        forms += _over_brackets(form, bases, loss.residual, running)
    forms = sorted(dict.fromkeys(forms), key=lambda form: _rank(form, known))[:FINALISTS]
    forms = [over_size(without_squared_signs(form)) for form in forms]
    forms = [turned(collected(logistic(form), running)) for form in forms]
    joined = [without_signs(one_power(form, loss.residual)) for form in forms]
    forms += [*joined, *map(factor_terms, joined)] if joined != forms else []
    return min(forms, key=lambda form: _rank(form, known))


def _is_below(bracket: Expr, form: Expr) -> bool:
    """Whether something is divided by the bracket."""
    return any(p.base == bracket and p.exp.is_negative for p in form.atoms(Pow))


def _over_brackets(
    form: Expr, bases: list[Expr], x: Symbol, running: tuple[Symbol, ...]
) -> list[Expr]:
    """The formula over each of some brackets, where it can be written so; |x| moves them, too."""
    size_of_x = {Abs(x): SIZE}
    found = [
        over(form.subs(size_of_x), base.subs(size_of_x), (*running, SIZE))
        for base in dict.fromkeys(bases)
    ]
    return [without_signs(one.subs(SIZE, Abs(x))) for one in found if one is not None]


def _rank(e: Expr, known: list[Expr]) -> tuple[int, int, int]:
    """Operations first; a bracket that the definition does not have counts as two more."""
    operations, nodes = size(e)
    below = {p.base for p in e.atoms(Pow) if p.base.is_Add and p.exp.could_extract_minus_sign()}
    found = {bracket for bracket in (*brackets(e), *below) if 1 not in bracket.args}
    foreign = len(found.difference(known))
    # a^(-p) is better below a line, or in a ratio
    turned_over = sum(p.exp.could_extract_minus_sign() for p in e.atoms(Pow) if p.exp.has(Symbol))
    return operations + 2 * (foreign + turned_over), nodes, len(str(e))


def _same(loss: Loss, one: Expr, other: Expr) -> bool:
    """Whether two formulas have the same values at sample points, on both sides of 0."""
    if one == other:
        return True
    with mp.workdps(DIGITS):
        for at in generic_points(loss, 3):
            for x in (at[loss.residual], -at[loss.residual], at[loss.residual] / 9):
                here = {**at, loss.residual: x}
                try:
                    here.update({n: evaluate(loss.expand(n), here) for n in loss.where})
                    a = evaluate(one, here)
                except NotReal:
                    continue
                try:
                    b = evaluate(other, here)
                except NotReal:
                    return False
                if abs(a - b) > EQUAL * (1 + abs(a)):
                    return False
    return True
