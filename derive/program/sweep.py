"""The loss over a block of memory, as calls that work in place: value, slope and parameter slopes.

A mean over millions of elements costs what its memory costs. So the formulas of the loss, of its
derivative in the residual and of those in the parameters are laid out as one sequence of calls on
a few buffers that stay in the cache: shared parts are computed once, factors that do not depend
on the residual are taken out of sums, and a buffer is used again as soon as its value is done.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence

from derive.numerics.nodes import Call, Node, call, children, walk
from derive.program.blocks import Pool
from derive.program.branchless import folded
from derive.program.buffers import Layout
from derive.program.calls import Sweep
from derive.program.expanded import expanded
from derive.program.factors import shortest
from derive.program.module import Module
from derive.program.moments import COUNT, Moment, moments
from derive.program.scalars import ONE, scaled
from derive.program.usual import Usual, positive

# What a call can be made of beside arithmetic; a helper of the file is none of these.
ELEMENTARY = frozenset(
    {
        "add", "sub", "mul", "div", "neg", "abs", "sign", "clamp", "min", "max", "sqrt", "pow",
        "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
        "cosh", "tanh", "erf", "erfc", "where", "lt", "le", "eq", "ne", "and", "or",
        "scaled_add", "growth",
    }
)  # fmt: skip


def sweep(module: Module) -> Sweep | None:
    """Module -> Sweep; None where a function of the file has no call that works in place."""
    droppers = {name: Usual(module) for name in _names(module)}
    stable = _stable(module, droppers)
    raw = moments(module.definition, module.residual, positive(module))
    plain = {name: rows for name, rows in stable.items() if not _has_choice(rows[0].vector)}
    rows = {n: plain.get(n) or raw.get(n) or stable.get(n) for n in _names(module)}
    slope = rows[f"d_{module.residual}"]
    if any(r is None for r in rows.values()) or slope is None or len(slope) > 1:
        return None
    pool, found = Pool(), []
    for name in _names(module):
        terms = []
        for m in rows[name] or ():
            part = scaled(pool.intern(m.vector), module.residual, positive(module))
            factor = shortest(call("mul", m.factor, part.factor), positive(module))
            vector = None if part.vector is None else pool.intern(part.vector)
            terms.append(Moment(factor, vector or COUNT, m.less_one))
        found.append(tuple(terms))
    if found[1][0].vector == COUNT or found[1][0].less_one:
        return None
    names = [p.name for p in module.parameters]
    used = [droppers[n] for n in _names(module) if rows[n] is stable.get(n)]
    bounds = _least([b for d in used for b in d.bounds], positive(module))
    infinite = len(used) < len(found) or any(d.infinite for d in used)
    return Layout(module.residual, found).sweep(names, bounds, infinite)


def _least(bounds: Sequence[Node], above_zero: Collection[str]) -> tuple[Node, ...]:
    """The smallest bound, if algebra tells which; else each of them."""
    if not bounds:
        return ()
    every = tuple(dict.fromkeys(shortest(b, above_zero) for b in bounds))
    least = shortest(functools.reduce(lambda a, b: Call("min", (a, b)), every), above_zero)
    return every if any(isinstance(n, Call) and n.op == "min" for n in walk(least)) else (least,)


def _names(module: Module) -> list[str]:
    return ["loss", *(f"d_{v}" for v in module.variables)]


def _stable(module: Module, dropped: Mapping[str, Usual]) -> dict[str, tuple[Moment, ...]]:
    """The quantities whose formulas in the file are made of elementary calls."""
    both = next((f for f in module.functions if f.name == "value_and_grad"), None)
    if both is None:
        return {}
    names = [p.name for p in module.parameters]
    value, slope = expanded(both.block)
    wholes = {"loss": value, f"d_{module.residual}": slope}
    for name in names:
        function = module.derivative(name)
        if function is not None:
            wholes[f"d_{name}"] = expanded(function.block, wholes)[0]
    found = {name: folded(dropped[name](whole), names) for name, whole in wholes.items()}
    return {name: (Moment(ONE, whole),) for name, whole in found.items() if _is_elementary(whole)}


def _is_elementary(vector: Node) -> bool:
    stack = [vector]
    while stack:
        current = stack.pop()
        if isinstance(current, Call) and current.op not in ELEMENTARY:
            return False
        stack.extend(children(current))
    return True


def _has_choice(vector: Node) -> bool:
    return any(isinstance(n, Call) and n.op == "where" for n in walk(vector))
