"""What a helper is: a program in the vocabulary of `nodes`, written once for every target.

`exact` is its definition, used by proofs and by the error model; `body` is what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.numerics.nodes import Call, Node, call, node


@dataclass(frozen=True)
class Helper:
    """A private function of a generated file. made: its body, or what makes it where that takes
    long: most runs need few of them."""

    name: str
    parameters: tuple[str, ...]
    meaning: str
    made: Node | Callable[[], Node]
    exact: Callable[..., Any]
    # A cheaper form and the condition on the parameters alone under which it is as good.
    shortcut: tuple[Node, Node] | None = None

    @cached_property
    def body(self) -> Node:
        return self.made if isinstance(self.made, Node) else self.made()

    @property
    def varying(self) -> tuple[str, ...]:
        """The arguments that vary with the residual; the others are parameters of a loss."""
        return tuple(p for p in self.parameters if p in ("z", "t", "y"))

    def __call__(self, *args: object) -> Node:
        return Call(self.name, tuple(node(a) for a in args))


HELPERS: dict[str, Helper] = {}

# Terms of the operation `exp_series`, whose largest rate times L is at most 5.
SERIES_TERMS = 34

# Far beyond what any of these functions tells from infinity, and inside every dtype.
FAR = 1e30


def define(helper: Helper) -> Helper:
    if helper.name in HELPERS:
        raise ValueError(f"two helpers are called {helper.name}")
    HELPERS[helper.name] = helper
    return helper


def exp(value: object) -> Node:
    return call("exp", value)


def bounded(z: Node) -> Node:
    """z itself, ±FAR instead of what lies beyond: a quotient of infinities has no value."""
    return call("max", call("min", z, FAR), -FAR)
