"""One way to call a function: which argument is the residual, which a parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

NAMESPACES = {"tensors": "torch", "traced": "jax.numpy"}


@dataclass(frozen=True)
class Call:
    """Roles of arguments: 'x', 'zero' (0*x), 'square' (x*x), '=name' (a parameter), 'namespace'
    (the library that computes), or JSON.

    construct: arguments of the class, None for a plain function. output: which part of a tuple.
    gradient: the derivative in x by the library's own means. each: called with one element at a
    time, because all of an array gives one number; alone: a row of classes as a vector.
    expression: how to call it, as Python text over x and the letters, where that cannot be guessed.
    starts: defaults of parameters, by name.
    beside: arrays that go in with x, such as a target; their roles are '=name', too.
    by_name: arguments that are called as ours are and taken for these. against: one that is taken
    for another of ours.
    """

    library: str
    positional: tuple[str, ...]
    named: Mapping[str, str] = field(default_factory=dict)
    construct: tuple[str, ...] | None = None
    construct_named: Mapping[str, str] = field(default_factory=dict)
    output: int | None = None
    gradient: bool = False
    each: bool = False
    alone: bool = False
    expression: str = ""
    letters: tuple[str, ...] = ()
    starts: Mapping[str, float] = field(default_factory=dict, compare=False)
    beside: tuple[str, ...] = ()
    by_name: tuple[str, ...] = field(default=(), compare=False)
    against: str = field(default="", compare=False)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that go in, by their names there."""
        return tuple(name for name in self._letters if name not in self.beside)

    @property
    def _letters(self) -> tuple[str, ...]:
        if self.expression:
            return self.letters
        roles = [*self.positional, *self.named.values(), *(self.construct or ())]
        roles += self.construct_named.values()
        return tuple(dict.fromkeys(r[1:] for r in roles if r.startswith("=")))

    def text(
        self, subject: str, numbers: Mapping[str, Any], x: str = "x", dtype: str = "float64"
    ) -> str:
        """The call as one would type it; dtype: of x and of arrays beside it."""
        computes = NAMESPACES.get(self.library, "numpy")

        def shown(role: str) -> str:
            known = {"x": x, "zero": f"0*{x}", "square": f"{x}**2", "namespace": computes}
            if role[0] != "=":
                return known.get(role) or role
            value = numbers.get(role[1:], role[1:])  # an array beside x may be told by its name
            return value if isinstance(value, str) else _value(value)

        def _value(value: Any) -> str:
            if not isinstance(value, list):
                return _number(float(value))
            if self.library == "floats":
                return _number(float(value[0]))
            whole = all(isinstance(v, int) for v in value) or dtype in ("", "float64")
            array = f"numpy.array({value}{'' if whole else f', dtype={dtype!r}'})"
            return f"torch.from_numpy({array})" if self.library == "tensors" else array

        def typed(positional: Sequence[str], named: Mapping[str, str]) -> str:
            return ", ".join(
                [*map(shown, positional), *(f"{k}={shown(r)}" for k, r in named.items())]
            )

        if self.expression:
            return _filled(self.expression, numbers, x)
        path = subject.partition(":")[2]
        if self.construct is None:
            return f"{path}({typed(self.positional, self.named)})"
        built = typed(self.construct, self.construct_named)
        owner, _, method = path.rpartition(".")
        what = f"{owner}({built}).{method}" if owner else f"{path}({built})"
        return f"{what}({typed(self.positional, self.named)})"


def _number(value: float) -> str:
    return repr(value) if abs(value) < float("inf") else f"float('{value}')"


def _filled(expression: str, numbers: Mapping[str, Any], x: str) -> str:
    """An expression with numbers for its letters; names of keywords stay."""
    values = {**{name: repr(value) for name, value in numbers.items()}, "x": x}
    letters = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    free = rf"(?<![.\w])({letters})(?![\w(]|\s*=[^=])"
    return re.sub(free, lambda match: values[match[1]], expression)
