"""What claims speak of: expressions with operators in them, relations and predicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Dummy, Expr, Symbol
from sympy.logic.boolalg import Boolean

from derive.definitions.loss import Loss

LIMIT, INTEGRAL, SUP, INF, DIFF, LOG_PARTITION = (
    "limit", "integral", "sup", "inf", "diff", "log_partition",
)  # fmt: skip
PREDICATES = (
    "continuous", "differentiable", "smooth", "increasing", "decreasing", "even", "odd",
    "convex", "bounded", "integrable",
)  # fmt: skip


@dataclass(frozen=True)
class Term:
    """An expression; each placeholder in it stands for an operator's value."""

    expression: Expr
    operators: Mapping[Dummy, Operator] = field(default_factory=dict)

    @property
    def free(self) -> frozenset[Symbol]:
        """The variables that the value depends on."""
        own = self.expression.free_symbols - set(self.operators)
        inner = [op.free for d, op in self.operators.items() if self.expression.has(d)]
        return frozenset(own.union(*inner))

    def __hash__(self) -> int:
        return hash((self.expression, tuple(self.operators)))


@dataclass(frozen=True)
class Operator:
    """kind: LIMIT, INTEGRAL, SUP, INF, DIFF or LOG_PARTITION.

    variable: bound by a limit, an integral, an extremum; times: how often diff is taken.
    at: the point of a limit, or the ends of an integral; side: "+", "-", or "" for both.
    """

    kind: str
    body: Term
    variable: Symbol | None = None
    at: tuple[Term, ...] = ()
    side: str = ""
    times: int = 1

    @property
    def free(self) -> frozenset[Symbol]:
        inside = self.body.free
        if self.variable is not None and self.kind != DIFF:
            inside -= {self.variable}
        return inside.union(*(t.free for t in self.at))


@dataclass(frozen=True)
class Relation:
    """left op right, for all values of the variables."""

    op: str
    left: Term
    right: Term


@dataclass(frozen=True)
class Predicate:
    """kind(body, variable), or the same at one point of the variable."""

    kind: str
    body: Term
    variable: Symbol
    point: Term | None = None


@dataclass(frozen=True)
class Claim:
    """One statement about a loss (or about a formula, which is then a loss of that name).

    corrects: the id of a claim that this one puts right; instead: of a wrong one, in whose place
    this one holds.
    """

    id: str
    source: str
    says: str
    loss: Loss
    statement: Relation | Predicate
    where: Boolean
    where_text: str = ""
    corrects: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Verdict:
    """verdict: proved, agrees, refuted or unknown; steps: what `--explain` prints."""

    verdict: str
    method: str
    detail: str = ""
    witness: Mapping[str, str] | None = None
    steps: tuple[str, ...] = ()
