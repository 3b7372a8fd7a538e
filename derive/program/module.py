"""A loss as a program without a target: functions of named blocks, cases by parameter regime."""

from __future__ import annotations

from dataclasses import dataclass

from derive.numerics.helpers import Helper
from derive.numerics.nodes import Node
from derive.program.density import DensityForm


@dataclass(frozen=True)
class Assignment:
    """A local of a function; `varies` says whether it depends on the residual."""

    name: str
    value: Node
    varies: bool


@dataclass(frozen=True)
class Block:
    """Assignments in order, then the results."""

    assignments: tuple[Assignment, ...]
    results: tuple[Node, ...]


@dataclass(frozen=True)
class Case:
    """One regime of a function. condition None: whatever no earlier case took."""

    regime: str
    meaning: str
    block: Block


@dataclass(frozen=True)
class Function:
    """A quantity in every regime; `shared` holds the locals that all cases begin with."""

    name: str
    shared: tuple[Assignment, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class ParameterFunction:
    """A function of the parameters alone; it has no regimes."""

    name: str
    block: Block


@dataclass(frozen=True)
class HelperFunction:
    """A helper with its locals laid out; the shortcut comes first where there is one."""

    helper: Helper
    shortcut: tuple[Node, Block] | None
    block: Block


@dataclass(frozen=True)
class Regime:
    name: str
    meaning: str
    condition: Node | None


@dataclass(frozen=True)
class Module:
    """Everything a target needs to print one file.

    functions of the residual and the parameters; parameter_functions of the parameters alone,
    with what else is known of the density. touch: the length that draws and quadrature go by;
    moments: closed forms of the variance and of the expectation of the loss; norm: the closed
    form of log Z over vectors.
    """

    functions: tuple[Function, ...]
    parameter_functions: tuple[ParameterFunction, ...]
    density: DensityForm
    touch: Block | None
    moments: tuple[ParameterFunction, ...]
    norm: Block | None
    divergence: Block | None
    regimes: tuple[Regime, ...]
    helpers: tuple[HelperFunction, ...]
    operations: frozenset[str]
