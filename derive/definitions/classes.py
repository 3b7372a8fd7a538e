"""The words of losses over classes: a total, the largest, an entry; no index is ever written.

An expression stands for one number (closed), or for one number a class, as arrays along an axis
do: `exp(z)` is one a class, `Total(exp(z))` one number. So no bound index can capture another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Add, Dummy, Expr, Function, Max, Piecewise, Symbol

from derive.definitions.loss import Along, Loss


class Total(Function):  # type: ignore[misc]  # SymPy is untyped
    """The sum over the classes."""

    nargs = 1

    @classmethod
    def eval(cls, inside: Expr) -> Expr | None:
        return sympy.S.Zero if inside == 0 else None

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_nonnegative else None


class Largest(Function):  # type: ignore[misc]
    """The largest over the classes."""

    nargs = 1

    def _eval_is_extended_real(self) -> bool:
        return True


class Entry(Function):  # type: ignore[misc]
    """The entry of a vector at the class that the target names: z[t]."""

    nargs = 2

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_nonnegative else None


class Hit(Function):  # type: ignore[misc]
    """1 at the class that the target names, 0 at all others: [k = t]."""

    nargs = 1

    def _eval_is_nonnegative(self) -> bool:
        return True

    def _eval_is_integer(self) -> bool:
        return True


class Other(Hit):
    """0 at the class that the target names, 1 at all others: [k != t]."""


class Across(Function):  # type: ignore[misc]
    """One number a class, each of which depends on all entries: no formula to differentiate."""


class Share(Across):
    """An even share of 1 for each class at which an expression is the largest, 0 elsewhere."""

    nargs = 1

    def _eval_is_nonnegative(self) -> bool:
        return True

    def fdiff(self, argindex: int = 1) -> Expr:
        return sympy.S.Zero


class Softmax(Across):
    """exp(f) over its total."""

    nargs = 1

    def _eval_is_nonnegative(self) -> bool:
        return True


CLOSED = (Total, Largest, Entry)
COUNT = Total(sympy.S.One)


def opened(expression: Expr, kinds: tuple[Any, ...] = CLOSED) -> tuple[dict[Dummy, Expr], Expr]:
    """The outermost parts that are one number each, and the expression in letters for them."""
    letters: dict[Expr, Dummy] = {}

    def flat(e: Expr) -> Expr:
        if isinstance(e, kinds):
            return letters.setdefault(e, Dummy(f"c{len(letters)}", real=True))
        if not e.args or not e.has(*kinds):
            return e
        return e.func(*map(flat, e.args))

    found = flat(expression)
    return {letter: part for part, letter in letters.items()}, found


def varies(expression: Expr) -> bool:
    """Whether it is one number a class."""
    if isinstance(expression, CLOSED):
        return False
    if isinstance(expression, Hit | Across):
        return True
    if isinstance(expression, Along):
        return bool(expression.sort != "index")
    return any(varies(a) for a in expression.args)


def at_target(expression: Expr, target: Symbol) -> Expr:
    """What is one number a class, at the class that the target names."""
    if isinstance(expression, CLOSED):
        return expression
    if isinstance(expression, Hit):
        return sympy.Integer(not isinstance(expression, Other))
    if isinstance(expression, Along | Across):
        return Entry(expression, target)
    if not expression.args or not varies(expression):
        return expression
    return expression.func(*(at_target(a, target) for a in expression.args))


def entry_letter(vector: Symbol, k: int) -> Symbol:
    """The variable that stands for an entry where the classes are written out."""
    return Symbol(f"{vector.name}_{k}", **vector.assumptions0)


def written_out(expression: Expr, count: int, target: int) -> Callable[[int], Expr]:
    """The expression over that many classes, by class, in a letter for each entry."""
    known: dict[tuple[Expr, int], Expr] = {}

    def at(e: Expr, k: int) -> Expr:
        k = k if varies(e) else 0
        if (e, k) not in known:
            known[e, k] = made(e, k)
        return known[e, k]

    def made(e: Expr, k: int) -> Expr:
        match e:
            case Total():
                return Add(*(at(e.args[0], i) for i in range(count)))
            case Largest():
                return Max(*(at(e.args[0], i) for i in range(count)))
            case Share():
                parts = [at(e.args[0], i) for i in range(count)]
                top = [
                    Piecewise((1, sympy.And(*(p >= q for q in parts))), (0, True)) for p in parts
                ]
                return top[k] / Add(*top)
            case Entry():
                return at(e.args[0], target)
            case Hit():
                return sympy.Integer((k == target) is not isinstance(e, Other))
            case Along():
                return entry_letter(e, k)
        return e.func(*(at(a, k) for a in e.args)) if e.args else e

    return lambda k: at(expression, k)


def over(loss: Loss, count: int, target: int = 0) -> Loss:
    """The loss over that many classes as one of so many numbers, the prediction's entries first."""
    vectors = [v for v in loss.variables if isinstance(v, Along) and v.sort != "index"]
    letters = [entry_letter(v, k) for v in vectors for k in range(count)]
    rest = [v for v in loss.variables if not isinstance(v, Along)]
    return Loss(
        name=loss.name,
        title=loss.title,
        source=loss.source,
        variables=(*letters, *rest),
        loss=written_out(loss.expression, count, target)(0),
        defaults=loss.defaults,
        domains=loss.domains,
    )


def with_probabilities(loss: Loss) -> Loss | None:
    """The mean of the loss over classes drawn from probabilities, which become its target; None
    for a target that is no index, or where the class is compared with others."""
    target, expression = loss.target, loss.expression
    if not isinstance(target, Along) or target.sort != "index" or expression.has(Hit, Piecewise):
        return None
    inside = (e for part in (Total, Largest, Share) for e in expression.atoms(part))
    if any(e.has(Entry) for e in inside):
        return None
    chances = Along(target.name, "probability", target.axis)
    each = expression.replace(lambda e: isinstance(e, Entry), lambda e: e.args[0])
    return Loss(
        name=loss.name,
        title=loss.title,
        source=loss.source,
        variables=tuple(chances if v == target else v for v in loss.variables),
        predictions=loss.predictions,
        target=chances,
        loss=Total(chances * each),
        defaults=loss.defaults,
        domains=loss.domains,
    )
