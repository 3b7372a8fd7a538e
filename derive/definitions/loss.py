"""What a loss is: one formula, its variables, and where it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

from sympy import Expr, FiniteSet, Interval, Set, Symbol, Union, oo, srepr, sympify

from derive.definitions.stored import Stored

SIGNS = (
    "positive",
    "negative",
    "nonnegative",
    "nonpositive",
    "real",
    "extended_nonnegative",
)
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


def exact(value: Any) -> Expr:
    """A SymPy value from a Python number or an expression; text is refused (SympifyError)."""
    return sympify(value, strict=True)


def let(name: str, definition: Expr) -> Let:
    """Name a sub-expression; the name survives into generated locals and LaTeX."""
    return Let(name, exact(definition))


@dataclass(frozen=True)
class Loss:
    """A loss function as the paper states it.

    variables: the residual first, then the parameters, in the order of the generated signature.
    where: the named sub-expressions that `loss` uses, in order of definition.
    special: points of a parameter where a limit is wanted.
    defaults: default values of parameters (1.0 where absent).
    domains: sympy sets; read off a symbol's assumptions where absent.
    member_of: the name of a wider loss and the parameter values at which it is this one.
    log_partition: log of the integral of exp(-loss) as numbers, where no closed form is known.
    narrowed: whether parameters of a wider loss were fixed; its files then keep all functions.
    """

    name: str
    title: str
    source: str
    variables: tuple[Symbol, ...]
    loss: Expr
    where: tuple[Let, ...] = ()
    special: Mapping[Symbol, tuple[Expr, ...]] = field(default_factory=dict)
    defaults: Mapping[Symbol, float] = field(default_factory=dict)
    domains: Mapping[Symbol, Set] = field(default_factory=dict)
    member_of: tuple[str, Mapping[str, Expr]] | None = None
    description: str = ""
    log_partition: Stored | None = None
    narrowed: bool = False

    def __post_init__(self) -> None:
        special = {v: tuple(exact(point) for point in ps) for v, ps in self.special.items()}
        fixed: dict[str, Any] = {
            "variables": tuple(self.variables),
            "loss": exact(self.loss),
            "where": tuple(self.where),
            "special": MappingProxyType(special),
            "defaults": MappingProxyType(dict(self.defaults)),
            "domains": MappingProxyType(dict(self.domains)),
        }
        if self.member_of is not None:
            wider, values = self.member_of
            at = {name: exact(value) for name, value in values.items()}
            fixed["member_of"] = (wider, MappingProxyType(at))
        for name, value in fixed.items():
            object.__setattr__(self, name, value)

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
    def residual(self) -> Symbol:
        return self.variables[0]

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        return self.variables[1:]

    @property
    def expression(self) -> Expr:
        """The loss with every named sub-expression written out."""
        return self.expand(self.loss)

    def expand(self, expression: Expr) -> Expr:
        """Write out every named sub-expression in `expression`, the last defined first."""
        for name in reversed(self.where):
            expression = expression.subs(name, name.definition)
        return expression

    def default(self, parameter: Symbol) -> float:
        """The default value of a parameter; 1.0 where none was stated."""
        return self.defaults.get(parameter, 1.0)

    def domain(self, variable: Symbol) -> Set:
        """The values a variable may take, as a sympy set (±oo included for extended reals)."""
        if variable in self.domains:
            return self.domains[variable]
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

    @property
    def digest(self) -> str:
        """Twelve hex digits that change when the mathematics does (not its prose)."""
        content = [self.name, srepr(self.expression)]
        for v in self.variables:
            content.append(f"{v.name}: {self.domain(v)} default {self.defaults.get(v)}")
        for v in sorted(self.special, key=str):
            content.append(f"{v.name} -> {self.special[v]}")
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]


def _restored(*values: Any) -> Loss:
    return Loss(*values)
