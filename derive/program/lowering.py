"""From a stable form to a module: which functions a file has, and what each computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.numerics.forms import StableForm
from derive.numerics.helpers import HELPERS, Helper
from derive.numerics.nodes import CONDITIONS, Call, Local, Name, Node, call, walk, where
from derive.program.blocks import Pool, make_block
from derive.program.density import DensityForm
from derive.program.module import (
    Assignment,
    Block,
    Case,
    Function,
    HelperFunction,
    Module,
    ParameterFunction,
    Regime,
)

# Words that a generated file uses for itself.
RESERVED = frozenset({"np", "torch", "math", "regime", "loss", "weight", "body", "inf", "nan"})


def lower_module(form: StableForm, density: DensityForm) -> Module:
    """StableForm -> Module."""
    loss = form.loss
    x = loss.residual.name
    letters = {v.name for v in loss.variables}
    reserved = RESERVED | letters
    pools = [Pool() for _ in form.regimes]
    functions = []
    for name in [*form.names, "value_and_grad"]:
        parts = ("loss", f"d_{x}") if name == "value_and_grad" else (name,)
        blocks = [
            make_block(
                [_guarded(r.quantities[p], x) for p in parts],
                reserved,
                x,
                pool,
                {} if len(parts) > 1 else _callable(r.quantities, name, pool),
            )
            for r, pool in zip(form.regimes, pools, strict=True)
        ]
        functions.append(_function(name, form, blocks))
    parameter_functions = tuple(
        ParameterFunction(name, make_block([expression], reserved, x))
        for name, expression in density.functions.items()
    )
    moments = tuple(
        ParameterFunction(name, make_block([expression], reserved, x))
        for name, expression in (density.sampling.moments if density.sampling else {}).items()
    )
    vectors = density.norm.value if density.norm else None
    norm = make_block([vectors], reserved, x) if vectors is not None else None
    between = density.divergence
    divergence = None if between is None else make_block([between], reserved, "shift")
    touch = make_block([density.sampling.touch], reserved, x) if density.sampling else None
    roots = [*_nodes(functions), *(e for f in parameter_functions for e in _of_block(f.block))]
    roots += _of_block(touch) if touch else []
    roots += [e for f in moments for e in _of_block(f.block)]
    roots += _of_block(norm) if norm else []
    roots += _of_block(divergence) if divergence else []
    helpers = _helpers(roots)
    regimes = tuple(Regime(r.name, r.meaning, r.condition) for r in form.regimes)
    operations = _operations(roots, helpers, regimes)
    return Module(
        tuple(functions), parameter_functions, density, touch, moments, norm, divergence, regimes,
        helpers, operations,
    )  # fmt: skip


# A quantity shorter than this is written out where another one contains it.
_WORTH_A_CALL = 16


def _callable(quantities: Mapping[str, Node], name: str, pool: Pool) -> dict[int, str]:
    """The quantities that `name` may call: first derivatives and the weight, for what follows."""
    if not name.startswith("d2_"):
        return {}
    found = {}
    for other, expression in quantities.items():
        if other == "loss" or other.startswith("d2_"):
            continue
        interned = pool.intern(expression)
        if sum(1 for _ in walk(interned)) >= _WORTH_A_CALL:
            found[id(interned)] = other
    return found


def _guarded(result: Node, x: str) -> Node:
    """NaN in, NaN out, also where the result does not depend on the residual."""
    if _passes_nan(result, x, {}):
        return result
    return where(call("ne", Name(x), Name(x)), Name(x), result)


def _passes_nan(current: Node, x: str, seen: dict[int, bool]) -> bool:
    key = id(current)
    if key not in seen:
        if isinstance(current, Name):
            seen[key] = current.name == x
        elif isinstance(current, Local):
            seen[key] = _passes_nan(current.value, x, seen)
        elif not isinstance(current, Call) or current.op in CONDITIONS or current.op == "sign":
            # Not every library has sign(NaN) = NaN.
            seen[key] = False
        elif current.op in ("where", "patch"):
            # Comparisons with NaN are false, so the last branch is taken.
            condition, _, last = current.args
            seen[key] = not _holds_for_nan(condition) and _passes_nan(last, x, seen)
        else:
            seen[key] = any(_passes_nan(a, x, seen) for a in current.args)
    return seen[key]


def _holds_for_nan(condition: Node) -> bool:
    return any(isinstance(n, Call) and n.op == "ne" for n in walk(condition))


def _function(name: str, form: StableForm, blocks: Sequence[Block]) -> Function:
    """The locals that all regimes compute alike come before the branches."""
    shared: list[Assignment] = []
    if len(blocks) > 1:
        everywhere = set(blocks[0].assignments).intersection(*(b.assignments for b in blocks[1:]))
        shared = [a for a in blocks[0].assignments if a in everywhere]
    cases = [
        Case(
            regime.name,
            regime.meaning,
            Block(tuple(a for a in block.assignments if a not in shared), block.results),
        )
        for regime, block in zip(form.regimes, blocks, strict=True)
    ]
    return Function(name, tuple(shared), tuple(cases))


def _nodes(functions: Sequence[Function]) -> list[Node]:
    found: list[Node] = []
    for function in functions:
        found.extend(a.value for a in function.shared)
        for case in function.cases:
            found.extend(_of_block(case.block))
    return found


def _of_block(block: Block) -> list[Node]:
    return [*(a.value for a in block.assignments), *block.results]


def _helpers(roots: Sequence[Node]) -> tuple[HelperFunction, ...]:
    """Every helper that is called, directly or from another, in the order of the vocabulary."""
    wanted: set[str] = set()
    frontier = list(roots)
    while frontier:
        called = {
            n.op for f in frontier for n in walk(f) if isinstance(n, Call) and n.op in HELPERS
        } - wanted
        wanted |= called
        frontier = [e for name in called for e in _expressions(HELPERS[name])]
    return tuple(_laid_out(h) for name, h in HELPERS.items() if name in wanted)


def _expressions(helper: Helper) -> list[Node]:
    return [helper.body, *(helper.shortcut or ())]


def _laid_out(helper: Helper) -> HelperFunction:
    reserved = RESERVED | set(helper.parameters)
    residual = helper.varying[0] if helper.varying else ""
    block = make_block([helper.body], reserved, residual)
    shortcut = None
    if helper.shortcut is not None:
        condition, cheap = helper.shortcut
        shortcut = (condition, make_block([cheap], reserved, residual))
    return HelperFunction(helper, shortcut, block)


def _operations(
    roots: Sequence[Node], helpers: Sequence[HelperFunction], regimes: Sequence[Regime]
) -> frozenset[str]:
    nodes = list(roots)
    for h in helpers:
        nodes.extend(_expressions(h.helper))
    nodes.extend(r.condition for r in regimes if r.condition is not None)
    return frozenset(n.op for e in nodes for n in walk(e) if isinstance(n, Call))
