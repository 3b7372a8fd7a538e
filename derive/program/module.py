"""A loss as a program without a target: all that printing a file needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.numerics.nodes import Call, Name, Node, call


@dataclass(frozen=True)
class Assignment:
    """A local of a function."""

    name: str
    value: Node


@dataclass(frozen=True)
class Block:
    """Assignments in order, then the results."""

    assignments: tuple[Assignment, ...]
    results: tuple[Node, ...]

    @property
    def expressions(self) -> tuple[Node, ...]:
        return (*(a.value for a in self.assignments), *self.results)


@dataclass(frozen=True)
class Branch:
    """What holds under a condition on the parameters alone; `meaning` says it in a formula."""

    condition: Node
    meaning: str
    block: Block


def _of_branches(branches: tuple[Branch, ...], otherwise: Block) -> tuple[Node, ...]:
    return (*(n for b in branches for n in b.block.expressions), *otherwise.expressions)


@dataclass(frozen=True)
class Function:
    """A function of the residual and the parameters.

    by: the variables of a derivative, in the order of the signature; empty for the loss itself,
    the weight and value_and_grad. branches are tried in order; `block` is what holds otherwise.
    A result may be a call of another function: `Call("quantity", (Name("d_x"), *arguments))`.
    """

    name: str
    by: tuple[str, ...]
    meaning: str
    branches: tuple[Branch, ...]
    block: Block

    @property
    def expressions(self) -> tuple[Node, ...]:
        """Those that its results are made of, in every branch."""
        return _of_branches(self.branches, self.block)


@dataclass(frozen=True)
class Helper:
    """A private function that keeps its digits; the cheaper branch comes first if there is one."""

    name: str
    parameters: tuple[str, ...]
    meaning: str
    branches: tuple[Branch, ...]
    block: Block

    @property
    def expressions(self) -> tuple[Node, ...]:
        return _of_branches(self.branches, self.block)


@dataclass(frozen=True)
class Parameter:
    """condition: what its values have to satisfy, in its own name; rule: the same in words."""

    name: str
    default: float
    condition: Node
    rule: str

    @property
    def from_zero(self) -> bool:
        """Whether 0 is its least value: then -0.0 means 0, or a quotient had the other sign."""
        first = self.condition
        while isinstance(first, Call) and first.op == "and":
            first = first.args[0]
        return first == call("le", 0, Name(self.name))


@dataclass(frozen=True)
class Related:
    """What parameters have to satisfy together; condition in their names, rule in words."""

    parameters: tuple[str, ...]
    condition: Node
    rule: str


@dataclass(frozen=True)
class Documentation:
    """What the head of a file says, in plain text; formula: `loss = …` and its named parts."""

    title: str
    formula: tuple[str, ...]
    domain: str
    description: str
    notes: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Module:
    """Everything that is printed in the file of a loss.

    subject: what to type for it on the command line. special: the conditions of the functions'
    branches, in order. operations: those of the vocabulary that occur anywhere. diverging: per
    parameter, the values at which the derivative in it is infinite. definition: the loss and its
    first derivatives as the definition gives them, which keep no digits, by the functions' names.
    predictions, target: of a loss with these roles; there `residual` is the first prediction.
    related: what the parameters have to satisfy together.
    """

    name: str
    digest: str
    subject: str
    residual: str
    parameters: tuple[Parameter, ...]
    documentation: Documentation
    functions: tuple[Function, ...]
    special: tuple[Node, ...]
    helpers: tuple[Helper, ...]
    operations: frozenset[str]
    diverging: Mapping[str, tuple[float, ...]]
    definition: Mapping[str, Node]
    predictions: tuple[Parameter, ...] = ()
    target: Parameter | None = None
    related: Related | None = None

    @property
    def roles(self) -> tuple[Parameter, ...]:
        """The predictions and the target, with their domains; none of a loss of a residual."""
        return (*self.predictions, *((self.target,) if self.target is not None else ()))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what varies with the samples: the residual, or the roles."""
        return tuple(r.name for r in self.roles) or (self.residual,)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the signature."""
        return (*self.inputs, *(p.name for p in self.parameters))

    def derivative(self, *by: str) -> Function | None:
        """The derivative in these variables, in any order, if the file has it."""
        wanted = sorted(by)
        return next((f for f in self.functions if f.by and sorted(f.by) == wanted), None)
