"""What a loss is: one formula, its variables, and where it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, Literal, Self

from sympy import Expr, FiniteSet, Interval, Set, Symbol, Union, nan, oo, srepr, sympify
from sympy.core.relational import Relational

from derive.definitions.stored import Stored
from derive.display import Typeset
from derive.errors import BadInput

SIGNS = (
    "positive",
    "negative",
    "nonnegative",
    "nonpositive",
    "real",
    "extended_nonnegative",
)
# What may run over classes, and what is assumed of it.
SORTS: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {
        "real": {"real": True},
        "probability": {"nonnegative": True},
        "index": {"integer": True, "nonnegative": True},
    }
)
Kind = Literal["residual", "pointwise", "classwise"]
EXTENDED_REALS = Union(Interval(-oo, oo), FiniteSet(-oo, oo))


class Let(Symbol):  # type: ignore[misc]  # SymPy is untyped
    """A named sub-expression: a symbol that knows what it stands for, and its sign."""

    __slots__ = ("definition",)
    definition: Expr

    def __new__(cls, name: str, definition: Expr) -> Self:
        signs = {sign: True for sign in SIGNS if getattr(definition, f"is_{sign}")}
        made: Self = Symbol.__xnew__(cls, name, **(signs or {"extended_real": True}))
        made.definition = definition
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.definition)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.definition), {}


class Along(Symbol):  # type: ignore[misc]
    """A role with one entry a class: `axis` names what `sum` and `max` run over.

    sort: "real" or "probability", a number for each class; "index", one of the classes.
    """

    __slots__ = ("axis", "sort")
    axis: str
    sort: str

    def __new__(cls, name: str, sort: str, axis: str = "k") -> Self:
        made: Self = Symbol.__xnew__(cls, name, **SORTS[sort])
        made.sort, made.axis = sort, axis
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.sort, self.axis)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.sort, self.axis), {}


def exact(value: Any) -> Expr:
    """A SymPy value from a Python number or an expression; text is refused (SympifyError)."""
    return sympify(value, strict=True)


def let(name: str, definition: Expr) -> Let:
    """Name a sub-expression; the name survives into generated locals and LaTeX."""
    return Let(name, exact(definition))


@dataclass(frozen=True, repr=False)
class Loss(Typeset):
    """A loss function as the paper states it.

    title: what it is called; its name in words where absent.
    source: where it is said, if anywhere.
    variables: in the order of the generated signature: the residual, or the predictions and the
        target, then the parameters.
    where: the named sub-expressions that `loss` uses, in order of definition.
    special: points of a parameter where a limit is wanted.
    defaults: default values of parameters (1.0 where absent).
    domains: sympy sets; read off a symbol's assumptions where absent.
    member_of: the name of a wider loss and the parameter values at which it is this one.
    log_partition: log of the integral of exp(-loss) as numbers, where no closed form is known.
    symbols: letters for formulas, by the name of a variable: `nu`, `epsilon`, `c_1`.
    require: relations between parameters, such as a <= b.
    narrowed: whether parameters of a wider loss were fixed; its files then keep all functions.
    predictions, target: the roles of the first variables; none for a loss of a residual.
    """

    name: str
    title: str = ""
    source: str = ""
    variables: tuple[Symbol, ...] = ()
    loss: Expr = nan
    where: tuple[Let, ...] = ()
    special: Mapping[Symbol, tuple[Expr, ...]] = field(default_factory=dict)
    defaults: Mapping[Symbol, float] = field(default_factory=dict)
    domains: Mapping[Symbol, Set] = field(default_factory=dict)
    member_of: tuple[str, Mapping[str, Expr]] | None = None
    description: str = ""
    log_partition: Stored | None = None
    narrowed: bool = False
    predictions: tuple[Symbol, ...] = ()
    target: Symbol | None = None
    symbols: Mapping[str, str] = field(default_factory=dict)
    require: tuple[Relational, ...] = ()

    def __post_init__(self) -> None:
        if self.loss is nan:
            raise BadInput(f"{self.name}: the formula is missing; state it as loss=…")
        special = {v: tuple(exact(point) for point in ps) for v, ps in self.special.items()}
        fixed: dict[str, Any] = {
            "title": self.title or _in_words(self.name),
            "variables": tuple(self.variables),
            "loss": exact(self.loss),
            "where": tuple(self.where),
            "predictions": tuple(self.predictions),
            "require": tuple(self.require),
            "special": MappingProxyType(special),
            "defaults": MappingProxyType(dict(self.defaults)),
            "domains": MappingProxyType(dict(self.domains)),
            "symbols": MappingProxyType(dict(self.symbols)),
        }
        if self.member_of is not None:
            wider, values = self.member_of
            at = {name: exact(value) for name, value in values.items()}
            fixed["member_of"] = (wider, MappingProxyType(at))
        for name, value in fixed.items():
            object.__setattr__(self, name, value)

    typeset_by = "derive.views.notebook:of_loss"

    def __hash__(self) -> int:
        return hash((self.name, self.variables, self.loss))

    def __repr__(self) -> str:
        return f"<Loss {self.name}({', '.join(map(str, self.variables))})>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings do not travel between processes; ordinary ones do."""
        values = (getattr(self, f.name) for f in fields(self))
        plain = (dict(v) if isinstance(v, MappingProxyType) else v for v in values)
        return _restored, tuple(
            (v[0], dict(v[1])) if isinstance(v, tuple) and len(v) == 2
            and isinstance(v[1], MappingProxyType) else v
            for v in plain
        )  # fmt: skip

    @property
    def kind(self) -> Kind:
        """What the loss is a function of; it follows from the roles."""
        if not self.predictions:
            return "residual"
        roles = self.variables[: self._roles]
        return "classwise" if any(isinstance(v, Along) for v in roles) else "pointwise"

    @property
    def residual(self) -> Symbol:
        """The residual; of a loss of a prediction and a target, the (first) prediction."""
        return self.variables[0]

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        return self.variables[self._roles :]

    @property
    def held(self) -> tuple[Symbol, ...]:
        """All variables but the first: what keeps its value while that one moves."""
        return self.variables[1:]

    @property
    def _roles(self) -> int:
        """How many of the variables are no parameters."""
        return len(self.predictions) + (self.target is not None) if self.predictions else 1

    @cached_property
    def expression(self) -> Expr:
        """The loss with every named sub-expression written out."""
        return self.expand(self.loss)

    def expand(self, expression: Expr) -> Expr:
        """Write out every named sub-expression in `expression`, the last defined first."""
        for name in reversed(self.where):
            expression = expression.subs(name, name.definition)
        return expression

    def default(self, parameter: Symbol) -> float:
        """The default value of a parameter; 1.0 where none was stated. Of a prediction or a target,
        which has none, a plain value inside its domain."""
        if parameter in self.defaults or parameter not in (*self.predictions, self.target):
            return self.defaults.get(parameter, 1.0)
        return _plain_value(self.domain(parameter))

    def domain(self, variable: Symbol) -> Set:
        """The values a variable may take, as a sympy set (±oo included for extended reals)."""
        return self.domains.get(variable) or _domain(variable)

    @property
    def digest(self) -> str:
        """Twelve hex digits that change when the mathematics does (not its prose)."""
        content = [self.name, srepr(self.expression)]
        for v in self.variables:
            content.append(f"{v.name}: {self.domain(v)} default {self.defaults.get(v)}")
        if self.predictions:
            content.append(f"predictions {len(self.predictions)} target {self.target}")
        for v in sorted(self.special, key=str):
            content.append(f"{v.name} -> {self.special[v]}")
        content += map(str, self.require)
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]


@cache
def _plain_value(domain: Set) -> float:
    inside = 1.0 if isinstance(domain, FiniteSet) else 0.5
    finite = domain.inf.is_finite and domain.sup.is_finite
    return float(domain.inf + (domain.sup - domain.inf) * inside) if finite else 1.0


@cache
def _domain(variable: Symbol) -> Set:
    """What its assumptions say."""
    if variable.is_positive:
        return Interval.open(0, oo)
    if variable.is_nonnegative:
        return Interval(0, oo)
    if variable.is_negative:
        return Interval.open(-oo, 0)
    if variable.is_nonpositive:
        return Interval(-oo, 0)
    if variable.is_real:
        return Interval(-oo, oo)
    if variable.is_extended_nonnegative:
        return Union(Interval(0, oo), FiniteSet(oo))
    return EXTENDED_REALS


def _in_words(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}".replace("_", " ")


def _restored(*values: Any) -> Loss:
    return Loss(*values)
