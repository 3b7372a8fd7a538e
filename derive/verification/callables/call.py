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
    time, because all of an array gives one number. expression: how to call it, as Python text over
    x and the letters, where that cannot be guessed. starts: defaults of parameters, by name.
    """

    library: str
    positional: tuple[str, ...]
    named: Mapping[str, str] = field(default_factory=dict)
    construct: tuple[str, ...] | None = None
    construct_named: Mapping[str, str] = field(default_factory=dict)
    output: int | None = None
    gradient: bool = False
    each: bool = False
    expression: str = ""
    letters: tuple[str, ...] = ()
    starts: Mapping[str, float] = field(default_factory=dict, compare=False)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that go in, by their names there."""
        if self.expression:
            return self.letters
        roles = [*self.positional, *self.named.values(), *(self.construct or ())]
        roles += self.construct_named.values()
        return tuple(dict.fromkeys(r[1:] for r in roles if r.startswith("=")))

    def text(self, subject: str, numbers: Mapping[str, Any], x: str = "x") -> str:
        """The call as one would type it."""
        computes = NAMESPACES.get(self.library, "numpy")

        def shown(role: str) -> str:
            known = {"x": x, "zero": f"0*{x}", "square": f"{x}**2", "namespace": computes}
            return known.get(role) or (_value(numbers[role[1:]]) if role[0] == "=" else role)

        def _value(value: Any) -> str:
            if not isinstance(value, list):
                return _number(float(value))
            array = f"numpy.array({value})"
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
