"""Residues of algebra removed: exactly, or with one rounding less."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeGuard

import mpmath

from derive.numerics.nodes import Call, Local, Name, Node, Number, call, rebuilt, walk

_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


@dataclass(frozen=True)
class About:
    """arrays: the names of values that vary from element to element, None where all may do;
    nonnegative: the parameters that are never below 0."""

    arrays: frozenset[str] | None = None
    nonnegative: frozenset[str] = frozenset()

    def varies(self, value: Node) -> bool:
        if self.arrays is None:
            return True
        return any(isinstance(n, Name) and n.name in self.arrays for n in walk(value))


def cleaned(expression: Node, about: About) -> Node:
    """The expression with its signs and constants in the places where a reader expects them."""

    def change(current: Node) -> Node:
        if isinstance(current, Call):
            return _simplest(current.op, current.args, about)
        if isinstance(current, Local) and isinstance(current.value, Name | Number | Local):
            return current.value
        return current

    return rebuilt(expression, change)


def bare(value: Node) -> Node:
    while isinstance(value, Local):
        value = value.value
    return value


def _op(value: Node) -> str:
    inside = bare(value)
    return inside.op if isinstance(inside, Call) else ""


def _args(value: Node) -> tuple[Node, ...]:
    inside = bare(value)
    assert isinstance(inside, Call)
    return inside.args


def _is_power_of_two(value: Node) -> bool:
    if not isinstance(value, Number) or not isinstance(value.value, Fraction):
        return False
    exact = abs(value.value)
    above, below = exact.numerator, exact.denominator
    return exact != 0 and not above & (above - 1) and not below & (below - 1)


def _simplest(op: str, args: tuple[Node, ...], about: About) -> Node:
    if op in _CONSTANTS and all(isinstance(a, Number) for a in args):
        return _constant(op, args)
    if op not in _RULES:
        return Call(op, args)
    return _RULES[op](args, about)


_CONSTANTS = frozenset({"sqrt", "log", "exp", "pow", "min", "max"})


def _constant(op: str, args: tuple[Node, ...]) -> Node:
    """A function of numbers as a number, where it is one."""
    values = [a.value for a in args if isinstance(a, Number)]
    if op in ("min", "max"):
        return Number(min(values) if op == "min" else max(values))
    if not all(math.isfinite(v) and v > 0 for v in values):
        return Call(op, args)
    with mpmath.workdps(40):
        exact = [mpmath.mpf(Fraction(v).numerator) / Fraction(v).denominator for v in values]
        if op == "pow":
            found = mpmath.power(*exact)
        else:
            found = {"sqrt": mpmath.sqrt, "log": mpmath.log, "exp": mpmath.exp}[op](*exact)
    return Number(float(found))


def _sum(args: tuple[Node, ...], about: About) -> Node:
    a, b = args
    if _op(b) == "neg":
        return _difference((a, _args(b)[0]), about)
    if _op(a) == "neg":
        return _difference((b, _args(a)[0]), about)
    if isinstance(b, Number) and b.value < 0:
        return _difference((a, Number(-b.value)), about)
    return call("add", a, b)


def _difference(args: tuple[Node, ...], about: About) -> Node:
    a, b = args
    if _op(b) == "neg":
        return _sum((a, _args(b)[0]), about)
    if a == _ZERO:
        return _negative((b,), about)
    if isinstance(b, Number) and b.value < 0:
        return _sum((a, Number(-b.value)), about)
    return call("sub", a, b)


def _negative(args: tuple[Node, ...], about: About) -> Node:
    (a,) = args
    if _op(a) == "neg":
        return _args(a)[0]
    if _op(a) == "sub" and not isinstance(a, Local):
        return call("sub", *reversed(_args(a)))
    if _op(a) == "div" and isinstance(bare(_args(a)[0]), Number) and not isinstance(a, Local):
        above, below = _args(a)
        return call("div", call("neg", bare(above)), below)
    return call("neg", a)


def _product(args: tuple[Node, ...], about: About) -> Node:
    a, b = args
    if _ZERO in (a, b):
        return _ZERO
    if _op(a) == "neg" and not isinstance(a, Local):
        return _negative((_product((_args(a)[0], b), about),), about)
    if _op(b) == "neg" and not isinstance(b, Local):
        return _negative((_product((a, _args(b)[0]), about),), about)
    if isinstance(b, Number) and not isinstance(a, Number) and _op(a) not in ("mul", "div"):
        a, b = b, a
    if _is_power_of_two(a) and _op(b) == "mul" and not isinstance(b, Local):
        first, rest = _args(b)
        if _is_power_of_two(first):
            return _product((call("mul", a, first), rest), about)
    for one, other in ((a, b), (b, a)):
        below = _inverse(other)
        if below is not None:
            return _quotient((one, below), about)
    return call("mul", a, b)


def _inverse(value: Node) -> Node | None:
    """d where the value is written 1/d."""
    if isinstance(value, Call) and value.op == "div" and value.args[0] == _ONE:
        return value.args[1]
    return None


def _quotient(args: tuple[Node, ...], about: About) -> Node:
    a, b = args
    if _op(a) == "neg" and not isinstance(a, Local):
        return _negative((_quotient((_args(a)[0], b), about),), about)
    if _op(b) == "neg" and not isinstance(b, Local):
        return _negative((_quotient((a, _args(b)[0]), about),), about)
    if _is_power_of_two(b) and isinstance(b, Number) and about.varies(a):
        return _product((Number(1 / Fraction(b.value)), a), about)
    return call("div", a, b)


def _power(args: tuple[Node, ...], about: About) -> Node:
    return _ONE if args[0] == _ONE else call("pow", *args)


def _choice(args: tuple[Node, ...], about: About) -> Node:
    condition, yes, no = args
    if yes == no:
        return yes
    if _is_far(condition):
        # NaN takes the last branch, and the values far out may be left alone where there are none.
        beyond = call("le", _args(condition)[1], _args(condition)[0])
        return call("patch", beyond, no, yes)
    if _is_rare(condition):
        return call("patch", condition, yes, no)
    if _is_clamp(condition, yes, no, about):
        bound = _args(condition)[1]
        return call("clamp", yes, call("neg", bound), bound)
    if _op(no) in ("where", "patch") and _args(no)[0] == condition:
        no = _args(no)[2]
    return call("where", condition, yes, no)


def _remedy(args: tuple[Node, ...], about: About) -> Node:
    """What was promised to be rare stays so, whatever its condition looks like."""
    found = _choice(args, about)
    kept = isinstance(found, Call) and found.op == "where" and found.args[0] == args[0]
    return Call("patch", found.args) if isinstance(found, Call) and kept else found


# What lies beyond such a number is rare; so is what is that near to 0.
FAR, NEAR = 8, Fraction(1, 2**20)


def _is_rare(condition: Node) -> bool:
    """x == 0, |y| < 2^-40, 2^60 <= |y|, and the like."""
    if _op(condition) == "le":
        least = _args(condition)[0]
        return isinstance(least, Number) and float(least.value) >= FAR
    if _op(condition) not in ("lt", "eq"):
        return False
    bound = _args(condition)[1]
    return isinstance(bound, Number) and (_op(condition) == "eq" or abs(float(bound.value)) <= NEAR)


def _is_far(condition: Node) -> bool:
    """|y| < 2^60, and the like."""
    if _op(condition) != "lt":
        return False
    bound = _args(condition)[1]
    return isinstance(bound, Number) and float(bound.value) >= FAR


def _is_clamp(condition: Node, yes: Node, no: Node, about: About) -> bool:
    """x where |x| <= d, d*sign(x) elsewhere."""
    if _op(condition) != "le" or _args(condition)[0] != call("abs", yes):
        return False
    bound, side = _args(condition)[1], call("sign", yes)
    named = isinstance(bound, Name) and bound.name in about.nonnegative
    return named and no in (call("mul", bound, side), call("mul", side, bound))


_RULES: Mapping[str, Callable[[tuple[Node, ...], About], Node]] = {
    "add": _sum,
    "sub": _difference,
    "neg": _negative,
    "mul": _product,
    "div": _quotient,
    "pow": _power,
    "where": _choice,
    "patch": _remedy,
}


def signs_first(expression: Node) -> Node:
    """-(a*b) as -a*b: the sign stands before the first factor."""
    return rebuilt(expression, lambda n: _pushed(n.args[0]) if _is_negative(n) else n)


def _is_negative(current: Node) -> TypeGuard[Call]:
    return isinstance(current, Call) and current.op == "neg"


def _pushed(value: Node) -> Node:
    if isinstance(value, Call) and value.op in ("mul", "div"):
        return Call(value.op, (_pushed(value.args[0]), value.args[1]))
    if isinstance(value, Number):
        return Number(-value.value)
    return Call("neg", (value,))
