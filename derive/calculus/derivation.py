"""What follows from a loss: the value that this room hands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Expr, S, Symbol, false
from sympy.logic.boolalg import Boolean

from derive.calculus.breaks import Break
from derive.calculus.reasons import Divergence, Sentence, how_fast, plain, why
from derive.definitions.loss import Loss
from derive.display import Typeset


@dataclass(frozen=True)
class Limit:
    """A one-sided limit of a quantity in a parameter, with the numbers that confirm it.

    direction: "+" from above, "-" from below, "+-" where both sides agree.
    value: in the remaining variables; oo or -oo where the quantity diverges, nan where no
        limit was found (`confirmation` says what was tried).
    growth: where the quantity diverges, the parts of the leading power, with their logarithms;
        quantity/growth -> 1.
    """

    quantity: str
    variable: Symbol
    point: Expr
    direction: str
    value: Expr
    growth: Expr | None
    confirmation: str


# The number of components of a residual that is a vector, where its norm has the density.
DIMENSION = Symbol("dimension", integer=True, positive=True)


@dataclass(frozen=True)
class Density:
    """Whether exp(-loss) can be normalized, and by what.

    exists: true, false, or a relation between the parameters; None where it was not decided.
    log_partition: closed form for all parameters; None where there is none.
    special: (parameter, value, log_partition there).
    divergences: why the integral diverges where it does, and how fast. undecided: what stood in
        the way of a decision. reason, rate: the same in words.
    norm: where exp(-loss(|x|)) can be normalized over vectors x of DIMENSION numbers, 2 or more.
    derivatives: of log_partition, first and second ones that are not 0, by their parameters.
    orders: q where the density falls like |x|^-q at -oo and at oo, oo where it falls faster.
    """

    exists: Boolean | None
    log_partition: Expr | None
    special: tuple[tuple[Symbol, Expr, Expr], ...]
    divergences: tuple[Divergence, ...]
    confirmation: str
    undecided: str = ""
    norm: Boolean | None = None
    derivatives: Mapping[tuple[Symbol, ...], Expr] = field(default_factory=dict)
    orders: tuple[Expr, Expr] = (S.Zero, S.Zero)

    @property
    def reason(self) -> str:
        return plain(self.why)

    @property
    def why(self) -> Sentence:
        """Why there is no integral, or what is not known of it."""
        if self.exists is None:
            return (f"not decided: {self.undecided}",)
        found = why(self.divergences)
        if self.exists == false or self.log_partition is not None or self.special:
            return found
        return (*found, *("; " if found else "",), "no closed form of the integral found")

    @property
    def rate(self) -> str:
        return plain(how_fast(self.divergences))


@dataclass(frozen=True)
class Membership:
    """A proof that this loss is a wider loss at some parameter values.

    value: the wider loss there, in this loss's variables, as it was derived.
    method: "substitution" or "limit", and how the difference was brought to 0.
    """

    wider: str
    at: Mapping[str, Expr]
    value: Expr
    method: str
    confirmation: str


@dataclass(frozen=True)
class Facts:
    """What a loss is like, for all of its parameters.

    even: a function of |x|. length: the scale of x, a parameter or a power of one; None where the
    loss is homogeneous in none. stretch: the parameter that only stretches x, None if there is
    none. breaks: kinks and jumps. minimum: where the loss is least, None where no formula was
    found. rises: it never falls on the way out from there.
    """

    even: bool
    length: Expr | None
    stretch: Symbol | None
    breaks: tuple[Break, ...]
    minimum: Expr | None
    rises: bool

    @property
    def jumps(self) -> tuple[Break, ...]:
        return tuple(b for b in self.breaks if b.order == 0)


@dataclass(frozen=True, repr=False)
class Derivation(Typeset):
    """Derivatives, weight, limits, density and memberships of one loss.

    quantities: in raw variables, by Quantity (and so by name: "loss", "d_x", "d2_x_alpha",
        "weight").
    pretty: the same, with the loss's named sub-expressions, simplified for reading.
    weight_at_zero: continuation of the weight at x = 0; oo where it grows without bound, zoo
        where the two sides disagree.
    facts: length, parity, kinks and jumps, minimum.
    """

    loss: Loss
    quantities: Mapping[str, Expr]
    pretty: Mapping[str, Expr]
    weight_at_zero: Expr
    limits: tuple[Limit, ...]
    density: Density
    members: tuple[Membership, ...]
    facts: Facts

    typeset_by = "derive.views.notebook:of_derivation"

    def __repr__(self) -> str:
        return f"<Derivation of {self.loss.name}: {', '.join(self.quantities)}>"
