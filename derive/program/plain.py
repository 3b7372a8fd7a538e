"""Losses of arithmetic and clipping alone: a library that takes derivatives step by step gets
them right, to every order, if no digits cancel in its steps.

That is tried: the slopes go backwards through the steps as they would there, over the range, and
are compared with the derivatives that the file has in forms of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Local, Name, Node, Number, call, walk
from derive.program.blocks import Naming, make_block
from derive.program.branchless import folded
from derive.program.expanded import expanded, mentions, substituted
from derive.program.module import Assignment, Block, Module

_PLAIN = frozenset({"add", "sub", "mul", "div", "neg", "abs", "clamp"})
_ROUNDING = 64 * np.finfo(np.float64).eps
_LEAST = 8 * np.finfo(np.float64).smallest_subnormal
# Parameters over their defaults, and residuals where steps leave the range; of subnormal ones a
# step may round the half.
_USUAL, _EXTREMES = (0.3, 1.7), (0.3e-25, 1.7e25)
_EXTREME = np.array([1.9e-290, -3.7e270, 3.7e290])
_TINY, _SUBNORMAL = (0.3e-300, 1.7e-290), np.array([7e-323, -2.3e-318])
_TWO, _HALF = Number(Fraction(2)), Number(Fraction(1, 2))
Array = Any


def plain_loss(module: Module) -> Block | None:
    """The loss in a form whose steps may be differentiated, None where there is none."""
    loss = next(f for f in module.functions if f.name == "loss")
    names = [p.name for p in module.parameters]
    if loss.branches:
        return None
    value = folded(expanded(loss.block)[0], names)
    if _is_arithmetic(value, module.residual) and _keeps_digits(value, module):
        return Block(
            tuple(Assignment(a.name, folded(a.value, names)) for a in loss.block.assignments),
            tuple(folded(r, names) for r in loss.block.results),
        )
    letter = next(n for n in "tsruvw" if n not in module.variables)
    form = _of_quotients(value, letter)
    if _is_arithmetic(form, module.residual) and _keeps_digits(form, module):
        found = make_block([form], Naming(frozenset(module.variables), module.residual))
        return _without_scalars(found, module.residual)
    return None


def _without_scalars(found: Block, x: str) -> Block:
    """Without names for one operation on parameters, which costs nothing."""
    brief = {
        a.name: a.value
        for a in found.assignments
        if isinstance(a.value, Call)
        and not mentions(a.value, x)
        and not any(isinstance(v, Call) for v in a.value.args)
    }
    rest = (a for a in found.assignments if a.name not in brief)
    return Block(
        tuple(Assignment(a.name, substituted(a.value, brief)) for a in rest),
        tuple(substituted(r, brief) for r in found.results),
    )


def _is_arithmetic(value: Node, x: str) -> bool:
    return all(
        n.op in _PLAIN and not (n.op == "div" and mentions(n.args[1], x))
        for n in walk(value)
        if isinstance(n, Call) and mentions(n, x)
    )


def _of_quotients(current: Node, letter: str) -> Node:
    """x clipped to [-p, p] as 2p times h, x/(2p) clipped to half a unit: no x is halved that may be
    subnormal. x is clipped to [-2p, 2p] first, since a quotient that overflows would give p a slope
    of 0 times infinity."""
    if not isinstance(current, Call):
        return current
    args = tuple(_of_quotients(a, letter) for a in current.args)
    if current.op == "clamp" and args[1] == call("neg", args[2]) and isinstance(args[2], Name):
        twice = call("mul", _TWO, args[2])
        near = Call("clamp", (args[0], call("neg", twice), twice))
        return Call("mul", (twice, Local(letter, Call("clamp", (near / twice, -_HALF, _HALF)))))
    match current.op, args:
        case "div", (Call("mul", (Call("mul", (two, p)), h)), q) if p == q:
            return Call("mul", (two, h))
        case "mul", (Call("mul", (two, h)), Call("sub", (x, Call("mul", (half, clip))))) if (
            two == _TWO and half == _HALF
        ):
            return h * x + h * (x - clip)
    return Call(current.op, args)


def _keeps_digits(value: Node, module: Module) -> bool:
    slope = module.derivative(module.residual)
    known = {slope.name: expanded(slope.block)[0]} if slope is not None else {}
    usual = np.array([s * 10.0**k for k in range(-12, 13, 2) for s in (0.37, -1.9)])
    rows = [(usual, given) for given in _parameters(module, _USUAL)]
    rows += [(_EXTREME, given) for given in _parameters(module, _EXTREMES)]
    rows += [(_SUBNORMAL, given) for given in _parameters(module, _TINY)]
    for x, given in rows:
        points = {module.residual: x, **given}
        with np.errstate(all="ignore"):
            arrived = _slopes(value, points)
        for v in module.variables:
            function = module.derivative(v)
            if function is None:
                return False
            want = np.atleast_1d(evaluate(expanded(function.block, known)[0], points))
            got = arrived.get(Name(v), 0.0)
            if v != module.residual:
                want = np.sum(want)
            with np.errstate(all="ignore"):
                near = np.abs(got - want) <= _ROUNDING * np.abs(want) + _LEAST
            if not np.all(near | (got == want)):
                return False
    return True


def _parameters(module: Module, sizes: tuple[float, float]) -> Iterator[dict[str, float]]:
    axes = [tuple(size * p.default or size for size in sizes) for p in module.parameters]
    for values in itertools.product(*axes):
        yield dict(zip((p.name for p in module.parameters), values, strict=True))


def _slopes(form: Node, values: Mapping[str, Array]) -> dict[Node, Array]:
    """What arrives at the variables, the steps taken backwards. A value that is used twice gets
    the sum; a parameter the sum over all elements, each use of it summed alone."""
    order = list(
        dict.fromkeys(n for n in walk(substituted(form, {})) if isinstance(n, Call | Name))
    )
    arrived: dict[Node, Array] = {order[-1]: 1.0}
    for node in reversed(order):
        if not isinstance(node, Call) or node not in arrived:
            continue
        arguments = [evaluate(a, values) for a in node.args]
        shares = _shares(node.op, arrived[node], *arguments)
        for argument, share in zip(node.args, shares, strict=True):
            if np.ndim(evaluate(argument, values)) == 0:
                share = float(np.sum(share))
            arrived[argument] = arrived.get(argument, 0.0) + share
    return arrived


def _shares(op: str, g: Array, a: Array, *rest: Array) -> list[Array]:
    """What each argument of a step gets of g, rounded as libraries do."""
    if op == "neg":
        return [-g]
    if op == "abs":
        return [g * np.sign(a)]
    if op == "clamp":
        low, high = rest
        inside = (low <= a) & (a <= high)
        return [np.where(c, g, 0.0) for c in (inside, a < low, a > high)]
    (b,) = rest
    if op == "div":
        return [g / b, -g * (a / b / b)]
    if op == "mul":
        return [g * b, g * a]
    return [g, -g if op == "sub" else g]
