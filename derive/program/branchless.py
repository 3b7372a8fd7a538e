"""Functions without branches on the parameters, for targets where a parameter is an array too.

A branch that holds at a value of a parameter becomes a choice element by element at the end. Before
that, the parameter is moved to a harmless value where the branch holds, so that nothing of what is
not taken is infinite or NaN, in derivatives too.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import (
    CONDITIONS,
    OPERATIONS,
    Call,
    Local,
    Name,
    Node,
    Number,
    call,
    walk,
)
from derive.program.blocks import Naming, Pool, make_block
from derive.program.expanded import expanded, mentions, substituted
from derive.program.module import Assignment, Block, Branch, Function, Module
from derive.program.nan import guarded


def branchless(function: Function, module: Module, guards: bool = True) -> Block:
    """The function as one block that is right for every value of the parameters; NaN for NaN, but
    where the caller guards the result."""
    general = expanded(function.block)
    branches = tuple(joined([b for b in function.branches if expanded(b.block) != general]))
    block = function.block
    if branches:
        block = _merged(replace(function, branches=branches), module)
    (result,) = block.results
    x = module.residual
    (whole,) = expanded(block)
    constant = not any(mentions(whole, name) for name in module.variables)
    bare = guards and not _is_guarded(whole) and (constant or not module.roles)
    if bare and guarded(whole, x) is not whole:
        result = guarded(result, x)
    elif not guards and isinstance(result, Call) and _is_guarded(result):
        result = result.args[2]
    if isinstance(result, Name) and result.name == x:
        result = Call("copy", (result,))
    names = [p.name for p in module.parameters]
    if branches:
        blocks = [block, function.block, *(b.block for b in branches)]
        return _again(Block(block.assignments, (result,)), blocks, module)
    assignments = tuple(Assignment(a.name, folded(a.value, names)) for a in block.assignments)
    return Block(assignments, (folded(result, names),))


def _again(found: Block, blocks: Sequence[Block], module: Module) -> Block:
    """The block with its shared parts found anew, over all branches, under the letters they had."""
    pool, letters = Pool(), dict[int, str]()
    names = [p.name for p in module.parameters]
    for block in blocks:
        values: dict[str, Node] = {}
        for a in block.assignments:
            values[a.name] = whole = substituted(a.value, values)
            letters.setdefault(id(pool.intern(folded(_eager(whole), names))), a.name)
    (result,) = expanded(found)
    naming = Naming(frozenset(module.variables), module.residual, letters=letters)
    return make_block([folded(_eager(result), names)], naming, pool)


def _eager(current: Node) -> Node:
    """With rare values as any others: nothing is left out where they do not occur."""
    if not isinstance(current, Call):
        return current
    op = "where" if current.op == "patch" else current.op
    return Call(op, tuple(map(_eager, current.args)))


def joined(branches: Sequence[Branch]) -> list[Branch]:
    """Neighbours that say the same under one condition."""
    found: list[Branch] = []
    for b in branches:
        if found and found[-1].block == b.block:
            either = _either([found[-1].condition, b.condition])
            found[-1] = Branch(either, f"{found[-1].meaning}, {b.meaning}", b.block)
        else:
            found.append(b)
    return found


def _is_guarded(value: Node) -> bool:
    if not isinstance(value, Call) or value.op != "where":
        return False
    condition = value.args[0]
    return isinstance(condition, Call) and condition.op == "is_nan"


def _merged(function: Function, module: Module) -> Block:
    """What holds otherwise, at parameters moved away from the branches; then what the branches
    give, one after the other."""
    taken = {*module.variables, *(a.name for a in function.block.assignments)}
    moved: dict[str, Node] = {}
    before = []
    for name in (p.name for p in module.parameters):
        here = [c for b in function.branches for c in _parts(b.condition) if mentions(c, name)]
        if here:
            anywhere = _either(here)
            usual = Call("where", (anywhere, _harmless(name, module), Name(name)))
            moved[name] = Name(_free(name[0], taken))
            before.append(Assignment(_name_of(moved[name]), usual))
    general = [Assignment(a.name, _moved(a.value, moved)) for a in function.block.assignments]
    (result,) = function.block.results
    value = _free("value", taken)
    steps = [Assignment(value, _moved(result, moved))]
    known = _unmoved(function.block, moved)
    for branch in reversed(function.branches):
        chosen = _named(_inside(branch), known)
        steps.append(Assignment(value, Call("where", (branch.condition, chosen, Name(value)))))
    *earlier, last = steps
    return Block((*before, *general, *earlier), (last.value,))


def _parts(condition: Node) -> list[Node]:
    """The conditions of which one has to hold."""
    if isinstance(condition, Call) and condition.op == "or":
        return [c for a in condition.args for c in _parts(a)]
    return [condition]


def _either(conditions: Sequence[Node]) -> Node:
    """One of them; beyond a number on either side of 0 as one bound on the size."""
    left = list(conditions)
    for condition in conditions:
        if isinstance(condition, Call) and condition.op == "le":
            bound, value = condition.args
            if isinstance(bound, Number):
                other = Call("le", (value, Number(-bound.value)))
                if other in left:
                    left.remove(other)
                    left[left.index(condition)] = Call("le", (bound, Call("abs", (value,))))
    return functools.reduce(lambda a, b: Call("or", (a, b)), left)


def _name_of(node: Node) -> str:
    assert isinstance(node, Name)
    return node.name


def _moved(current: Node, moved: Mapping[str, Node]) -> Node:
    """At the moved parameters; other functions are called at those that were given."""
    if isinstance(current, Name):
        return moved.get(current.name, current)
    if isinstance(current, Call) and current.op != "quantity":
        return Call(current.op, tuple(_moved(a, moved) for a in current.args))
    return current


def _unmoved(block: Block, moved: Mapping[str, Node]) -> dict[Node, str]:
    """The locals that do not depend on what is moved, by what they stand for."""
    found: dict[Node, str] = {}
    values: dict[str, Node] = {}
    for a in block.assignments:
        values[a.name] = whole = substituted(a.value, values)
        if not any(mentions(whole, name) for name in moved):
            found.setdefault(whole, a.name)
    return found


def _named(current: Node, known: Mapping[Node, str]) -> Node:
    if current in known:
        return Name(known[current])
    if isinstance(current, Call):
        return Call(current.op, tuple(_named(a, known) for a in current.args))
    return current


def _free(wanted: str, taken: set[str]) -> str:
    name = wanted
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _inside(branch: Branch) -> Node:
    """What holds in the branch, without assignments; a parameter as the number that it is."""
    values: dict[str, Node] = {}
    condition = branch.condition
    if isinstance(condition, Call) and condition.op == "eq":
        name, value = condition.args
        if isinstance(name, Name) and isinstance(value, Number):
            values[name.name] = value
    for assignment in branch.block.assignments:
        values[assignment.name] = substituted(assignment.value, values)
    return substituted(branch.block.results[0], values)


def _harmless(name: str, module: Module) -> Number:
    """A value of the parameter at which no branch is taken."""
    p = next(p for p in module.parameters if p.name == name)
    for value in (p.default, 1.0, 0.5, 1.5, 3.0, -1.0):
        special = any(_holds(c, name, value) for c in module.special)
        if _holds(p.condition, name, value) and not special:
            return Number(Fraction(value))
    return Number(Fraction(p.default))


def _holds(condition: Node, name: str, value: float) -> bool:
    if not mentions(condition, name):
        return False
    return bool(evaluate(condition, {name: value}))


def folded(expression: Node, parameters: Collection[str]) -> Node:
    """Functions of numbers alone as numbers, which a library of arrays lacks; min(max(a, low),
    high) as one operation."""
    done: dict[int, Node] = {}
    for current in walk(expression):
        if isinstance(current, Call):
            args = tuple(done[id(a)] for a in current.args)
            rebuilt = Call(current.op, args)
            numbers = args and all(isinstance(a, Number) for a in args)
            if numbers and current.op in ("add", "sub", "mul", "div", "neg"):
                done[id(current)] = call(current.op, *args)
            elif numbers and current.op in OPERATIONS and current.op not in CONDITIONS:
                done[id(current)] = Number(float(evaluate(rebuilt, {})))
            else:
                done[id(current)] = _clamped(rebuilt, parameters)
        else:
            done[id(current)] = done[id(current.value)] if isinstance(current, Local) else current
    return done[id(expression)]


def _clamped(current: Call, parameters: Collection[str]) -> Call:
    for outer, inner in (("min", "max"), ("max", "min")):
        for first, bound in (current.args[:2], current.args[1::-1]) if current.op == outer else ():
            if isinstance(first, Call) and first.op == inner:
                a, b = first.args
                number, value = (b, a) if _is_bound(b, parameters) else (a, b)
                if _is_bound(number, parameters) and _is_bound(bound, parameters):
                    ends = (number, bound) if outer == "min" else (bound, number)
                    return Call("clamp", (value, *ends))
    return current


def _is_bound(value: Node, parameters: Collection[str]) -> bool:
    """A number, a parameter, or its opposite: what stands readably as a bound."""
    if isinstance(value, Call) and value.op in ("neg", "mul", "div"):
        return all(_is_bound(a, parameters) for a in value.args)
    return isinstance(value, Number) or (isinstance(value, Name) and value.name in parameters)
