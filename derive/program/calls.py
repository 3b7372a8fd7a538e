"""Calls that work in place, as data: what is computed where, and what is summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.numerics.nodes import Call, Node, walk

DIFFERENCE, SLOPE, NUMBER = "d", "s", "count"
"""The buffer of the residual, that of the slope, and what stands for the number of elements."""


@dataclass(frozen=True)
class Step:
    """One call: `place` becomes op(*arguments). Arguments are buffers, by name, or numbers that
    the parameters give. A condition has a name of its own and no buffer."""

    place: str
    op: str
    arguments: tuple[str | Node, ...]


@dataclass(frozen=True)
class Total:
    """The sum of terms (factor, what): the sum of a buffer, by its name; the number of elements,
    where `what` is NUMBER; the sum of a growth less 1, by the name that its step gives it. Steps
    lead to the buffers. Of several terms so many digits may cancel that the sum is worthless."""

    steps: tuple[Step, ...]
    terms: tuple[tuple[Node, str], ...]


@dataclass(frozen=True)
class Sweep:
    """value: the sum of the loss. slope: steps that lead to the derivative in the residual, which
    is `stretch` times the buffer `place`. by: the sums of the derivatives in the parameters, after
    the steps `shared` by several of them.

    buffers: what is needed beside d, the residual, and s, where the slope is wanted. Residuals
    beyond one of the bounds need the elementwise functions, and infinite ones where it says so.
    """

    value: Total
    slope: tuple[Step, ...]
    place: str
    stretch: Node
    shared: tuple[Step, ...]
    by: Mapping[str, Total]
    buffers: tuple[str, ...]
    bounds: tuple[Node, ...]
    infinite: bool

    @property
    def totals(self) -> tuple[Total, ...]:
        return (self.value, *self.by.values())

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*(s for t in self.totals for s in t.steps), *self.slope, *self.shared)

    @property
    def cancels(self) -> bool:
        """Whether a sum may lose its digits."""
        return any(len(t.terms) > 1 for t in self.totals)

    @property
    def risky(self) -> bool:
        """Whether a factor may be infinite for ordinary parameters: its divisor may be 0."""
        factors = [self.stretch, *(f for t in self.totals for f, _ in t.terms)]
        factors += [a for s in self.steps for a in s.arguments if not isinstance(a, str)]
        return any(
            isinstance(n, Call)
            and ((n.op == "div" and not _is_product(n.args[1])) or n.op in ("log", "pow"))
            for f in factors
            for n in walk(f)
        )


def _is_product(divisor: Node) -> bool:
    if isinstance(divisor, Call):
        return divisor.op in ("mul", "div", "neg") and all(map(_is_product, divisor.args))
    return True
