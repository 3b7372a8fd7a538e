"""Why exp(-loss) has no integral, as data; and the one place where that becomes sentences.

A sentence is a tuple of words and formulas, so that text and LaTeX each spell the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from sympy import Expr, FiniteSet, Set, Symbol, oo

from derive.definitions.notation import formula


@dataclass(frozen=True)
class Behaviour:
    """The loss far out.

    kind: "bounded" (value is its limit), "grows" or "falls" (like value; None: exponentially), or
        "unreal". slope: q where the loss grows like q log|x|, else None.
    """

    kind: str
    value: Expr | None = None
    slope: Expr | None = None


@dataclass(frozen=True)
class Divergence:
    """Why there is no integral for some of the parameters.

    tails: (oo or -oo, the loss there), for each end that is at fault. rate: the integral over
    [-X, X] grows like rate X; None where that is not known. region: the parameter that decides it
    and where it lies, None for all parameters.
    """

    residual: Symbol
    tails: tuple[tuple[Expr, Behaviour], ...]
    rate: Expr | None
    region: tuple[Symbol, Set] | None


@dataclass(frozen=True)
class Tends:
    """A variable that tends to an end; to both where that is None."""

    variable: Symbol
    end: Expr | None


@dataclass(frozen=True)
class Span:
    """The interval [-X, X]."""


@dataclass(frozen=True)
class Multiple:
    """A number times X."""

    factor: Expr


@dataclass(frozen=True)
class AboveOne:
    value: Expr


@dataclass(frozen=True)
class Region:
    parameter: Symbol
    region: Set


Piece: TypeAlias = str | Expr | Tends | Span | Multiple | AboveOne | Region
Sentence: TypeAlias = tuple[Piece, ...]


def why(found: Iterable[Divergence]) -> Sentence:
    """Why the integral diverges; () if nothing does."""
    return _joined(_why(d) for d in found)


def how_fast(found: Iterable[Divergence]) -> Sentence:
    """How fast the integral over [-X, X] grows; () where that is not known."""
    return _joined(
        ("the integral over ", Span(), " grows like ", Multiple(d.rate), *_where(d))
        for d in found
        if d.rate is not None
    )


def _joined(sentences: Iterable[Sentence]) -> Sentence:
    """Different sentences in one."""
    different = list(dict.fromkeys(sentences))
    return tuple(chain.from_iterable((("; ",) if k else ()) + s for k, s in enumerate(different)))


def _why(found: Divergence) -> Sentence:
    ends = [(end, _behaves(behaviour)) for end, behaviour in found.tails]
    if len(ends) == 2 and ends[0][1] == ends[1][1]:
        ends = [(None, ends[0][1])]
    told = _joined(("as ", Tends(found.residual, end), ", ", *what) for end, what in ends)
    return told + _where(found)


def _behaves(behaviour: Behaviour) -> Sentence:
    if behaviour.kind == "unreal":
        return ("the loss is not real",)
    if behaviour.kind == "bounded":
        return ("the loss is bounded: it tends to ", behaviour.value)
    if behaviour.value is None:
        return (f"the loss {behaviour.kind} exponentially",)
    needs = () if behaviour.slope is None else (
        "; the integral needs ", AboveOne(behaviour.slope)
    )  # fmt: skip
    return (f"the loss {behaviour.kind} like ", behaviour.value, *needs)


def _where(found: Divergence) -> Sentence:
    return () if found.region is None else (" ", Region(*found.region))


def plain(sentence: Sentence) -> str:
    """The sentence as text."""
    return "".join(map(_spelled, sentence))


def _spelled(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Tends):
        name = piece.variable
        return f"|{name}| -> inf" if piece.end is None else f"{name} -> {formula(piece.end)}"
    if isinstance(piece, Span):
        return "[-X, X]"
    if isinstance(piece, Multiple):
        return formula(piece.factor * Symbol("X"))
    if isinstance(piece, AboveOne):
        return f"{formula(piece.value)} > 1"
    if isinstance(piece, Region):
        return f"(for {region(formula(piece.parameter), piece.region, formula)})"
    return formula(piece)


def region(name: str, points: Set, spelled: Callable[[Expr], str]) -> str:
    """Where a parameter lies: alpha < 0, 1 < q < 3, alpha = -inf."""
    if isinstance(points, FiniteSet):
        return f"{name} = {', '.join(spelled(point) for point in points.args)}"
    low, high = points.inf, points.sup
    if low == -oo:
        return f"{name} < {spelled(high)}" if high != oo else f"all {name}"
    return (
        f"{name} > {spelled(low)}" if high == oo else f"{spelled(low)} < {name} < {spelled(high)}"
    )
