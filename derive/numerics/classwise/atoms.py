"""What stable forms over classes are written in, each with its meaning for the proof.

The surprise n = -log softmax(f) has every digit, of a confident prediction too, where softmax(f)
rounds to 1. What is a function of differences of f alone is a function of the surprises: its
probabilities are exp(-n), and 1 - exp(-n) loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Function, Symbol, exp, log

from derive.definitions.classes import COUNT, Across, Entry, Hit, Softmax, Total, at_target
from derive.numerics.atoms import Atom


class Surprise(Across):
    """-log softmax(f), one number a class."""

    nargs = 1

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_is_nonnegative(self) -> bool:
        return True


class LogTotal(Function):  # type: ignore[misc]
    """log(total(exp(f))), where it stands alone."""

    nargs = 1

    def _eval_is_extended_real(self) -> bool:
        return True


class Balance(Across):
    """total(a) softmax(f) - a, as softmax(f) times all other entries of a, less the reverse."""

    nargs = 2


class Miss(Across):
    """softmax(f) - [k = t]."""

    nargs = 2


class Uneven(Across):
    """softmax(f) - 1/K over K classes."""

    nargs = 1


class Centred(Across):
    """b less its mean under softmax(f): 0 where the entries of b are equal."""

    nargs = 2


class Beside(Across):
    """b less its entry where softmax(f) is largest; only for sums with weights of total 0."""

    nargs = 2


class Level(Across):
    """f less its mean over the classes; only for sums with weights of total 0."""

    nargs = 1


class Apart(Across):
    """The surprise under f less that under g, from the differences g - f."""

    nargs = 2

    def _eval_is_extended_real(self) -> bool:
        return True


class Gap(Across):
    """softmax(f) - softmax(g)."""

    nargs = 2


class ChanceDivergence(Across):
    """q log(q/p) - q + p for p = softmax(f) and q = softmax(g)."""

    nargs = 2


class LogRatio(Function):  # type: ignore[misc]
    """log(a/b)."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        return 1 / self.args[0] if argindex == 1 else -1 / self.args[1]


class Divergence(Function):  # type: ignore[misc]
    """a log(a/b) - a + b."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        a, b = self.args
        return LogRatio(a, b) if argindex == 1 else 1 - a / b


class Log1mExp(Function):  # type: ignore[misc]
    """log(1 - exp(-n))."""

    nargs = 1


# What stands for the surprise in a function of it.
SURPRISE = Symbol("surprise", nonnegative=True)


class OfSurprise(Function):  # type: ignore[misc]
    """A function of SURPRISE at a surprise."""

    nargs = 2


_MEANING: Mapping[type, Callable[..., Expr]] = {
    Surprise: lambda f: log(Total(exp(f))) - f,
    LogTotal: lambda f: log(Total(exp(f))),
    Softmax: lambda f: exp(f) / Total(exp(f)),
    Balance: lambda a, f: Total(a) * exp(f) / Total(exp(f)) - a,
    Miss: lambda f, t: exp(f) / Total(exp(f)) - Hit(t),
    Uneven: lambda f: exp(f) / Total(exp(f)) - 1 / COUNT,
    Centred: lambda b, f: b - Total(b * exp(f)) / Total(exp(f)),
    Beside: lambda b, f: b,
    Level: lambda f: f - Total(f) / COUNT,
    Apart: lambda f, g: log(Total(exp(f))) - f - log(Total(exp(g))) + g,
    Gap: lambda f, g: exp(f) / Total(exp(f)) - exp(g) / Total(exp(g)),
    ChanceDivergence: lambda f, g: (
        exp(g) / Total(exp(g)) * (g - log(Total(exp(g))) - f + log(Total(exp(f))))
        - exp(g) / Total(exp(g)) + exp(f) / Total(exp(f))
    ),
    LogRatio: lambda a, b: log(a / b),
    Divergence: lambda a, b: a * log(a / b) - a + b,
    Log1mExp: lambda n: log(1 - exp(-n)),
    OfSurprise: lambda n, e: e.subs(SURPRISE, n),
}  # fmt: skip
WORDS = tuple(_MEANING)


def meaning(e: Expr) -> Expr:
    """What a stable form means, in the words of definitions."""

    def known(part: Any) -> bool:
        return isinstance(part, (*WORDS, Atom, Entry))

    def spelled(part: Any) -> Expr:
        if isinstance(part, Entry):
            inside, target = part.args
            return part if inside.is_Symbol else at_target(inside, target)
        return (
            _MEANING[part.func](*part.args)
            if part.func in _MEANING
            else part.definition(*part.args)
        )

    return e.replace(known, spelled)
