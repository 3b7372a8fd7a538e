"""Parts of a formula that choose: absolute values, extremes, pieces and their conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from derive.errors import BadInput
from derive.verification import elementary
from derive.verification.backend import Tie, Undefined, arb
from derive.verification.jets import Jet, Shape


class Inputs:
    """The jets of the variables at one point, and what was already computed there."""

    __slots__ = ("jets", "known")

    def __init__(self, jets: list[Jet]) -> None:
        self.jets = jets
        self.known: dict[int, Jet] = {}


Run = Callable[[Inputs], Jet]
Decide = Callable[[Inputs], bool]


class Compiler(Protocol):
    """What the parts need of the evaluator that they belong to."""

    shape: Shape

    def compile(self, node: sympy.Basic) -> Run: ...

    def varies(self, node: sympy.Basic) -> bool: ...


def signed(compiler: Compiler, node: sympy.Basic) -> Run:
    inner = compiler.compile(node.args[0])
    varies = compiler.varies(node)
    is_abs = isinstance(node, sympy.Abs)
    constant = compiler.shape.constant

    def run(inputs: Inputs) -> Jet:
        jet = inner(inputs)
        sign = elementary.sign_of(jet[0])
        if sign == 0 and varies:
            raise Tie(f"{node.args[0]} changes sign")
        if not is_abs:
            return constant(arb(sign))
        return jet if sign >= 0 else [None if c is None else -c for c in jet]

    return run


def extreme(compiler: Compiler, node: sympy.Basic) -> Run:
    parts = [compiler.compile(part) for part in node.args]
    varies = compiler.varies(node)
    wanted = 1 if isinstance(node, sympy.Max) else -1

    def run(inputs: Inputs) -> Jet:
        best = parts[0](inputs)
        for part in parts[1:]:
            other = part(inputs)
            sign = elementary.sign_of(other[0] - best[0])
            if sign == 0 and varies:
                raise Tie("two arguments of a maximum or minimum are equal")
            best = other if sign == wanted else best
        return best

    return run


def piecewise(compiler: Compiler, node: sympy.Piecewise) -> Run:
    pieces = [(compiler.compile(e), condition(compiler, c)) for e, c in node.args]

    def run(inputs: Inputs) -> Jet:
        for value, holds in pieces:
            if holds(inputs):
                return value(inputs)
        raise Undefined("no branch of the formula applies")

    return run


def condition(compiler: Compiler, node: sympy.Basic) -> Decide:
    if isinstance(node, BooleanTrue | BooleanFalse):
        truth = bool(node)
        return lambda inputs: truth
    if isinstance(node, Relational):
        return relation(compiler, node)
    parts = [condition(compiler, part) for part in node.args]
    if isinstance(node, sympy.And):
        return lambda inputs: all(part(inputs) for part in parts)
    if isinstance(node, sympy.Or):
        return lambda inputs: any(part(inputs) for part in parts)
    if isinstance(node, sympy.Not):
        return lambda inputs: not parts[0](inputs)
    raise BadInput(f"the oracle cannot decide the condition {node}")


def relation(compiler: Compiler, node: Relational) -> Decide:
    truths = {-1: node.rel_op in ("<", "<=", "!="), 1: node.rel_op in (">", ">=", "!=")}
    truths[0] = node.rel_op in ("<=", ">=", "==")
    for side, other, sign in ((node.lhs, node.rhs, 1), (node.rhs, node.lhs, -1)):
        if side in (sympy.oo, -sympy.oo) and other.free_symbols:
            # infinite parameters are taken as limits: the variables here are finite
            truth = truths[sign if side is sympy.oo else -sign]
            return lambda inputs: truth
    left, right = compiler.compile(node.lhs), compiler.compile(node.rhs)
    varies = compiler.varies(node)
    names = frozenset(map(str, node.free_symbols))

    def holds(inputs: Inputs) -> bool:
        sign = elementary.sign_of(left(inputs)[0] - right(inputs)[0])
        if sign == 0 and varies:
            raise Tie(f"{node} is at its boundary", names)
        return truths[sign]

    return holds
