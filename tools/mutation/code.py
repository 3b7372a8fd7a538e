"""Emitted source made wrong in one place at a time: in its syntax tree, or around a function."""

from __future__ import annotations

import ast
import copy
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derive.definitions.loss import Along, Loss
from derive.verification.targets import TargetFiles


@dataclass(frozen=True)
class Mutant:
    """A whole source text and, in words, what is wrong with it."""

    source: str
    what: str


_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}  # fmt: skip
_FUNCTIONS = {
    "exp": "expm1", "expm1": "exp", "log": "log1p", "log1p": "log", "sqrt": "abs", "abs": "sign",
    "sign": "abs", "tanh": "sin", "maximum": "minimum", "minimum": "maximum", "cosh": "sinh",
}  # fmt: skip


# How arrays are cut, joined and handed on: constants here are sizes of blocks, not mathematics.
PLUMBING = frozenset(
    ("_elementwise", "_evaluate", "_beside", "_by_kind", "_total", "_tied", "_slopes", "_exactly",
     "_parameters", "_over_classes", "_arranged", "_entries", "_target", "_checked", "_as_tensor",
     "_by_rows", "_led_back", "_is_plain", "_slope", "_product")
)  # fmt: skip


def inside(source: str, functions: Sequence[str], count: int, seed: int = 0) -> list[Mutant]:
    """`count` mutants of the bodies of the named functions and of what they call in the file."""
    tree = ast.parse(source)
    bodies = _reached(tree, functions)
    places = [
        (function.name, number, way)
        for function in bodies
        for number, node in enumerate(_nodes(function))
        for way in range(_ways(node))
    ]
    random.Random(seed).shuffle(places)
    found: dict[str, str] = {}
    for name, number, way in places:
        if len(found) == count:
            break
        changed = copy.deepcopy(tree)
        (function,) = (f for f in _functions(changed) if f.name == name)
        node = _nodes(function)[number]
        before = ast.unparse(node)
        what = _change(node, way)
        text = ast.unparse(changed)
        if what and text != ast.unparse(tree):
            found.setdefault(text, f"{name}: {what}, {before[:60]}")
    return [Mutant(text, what) for text, what in found.items()]


def around(function: str, loss: Loss, target: TargetFiles, source: str) -> Iterator[Mutant]:
    """The file with a function that is wrong somewhere that random points seldom meet. `s` is the
    residual or the prediction; of classes, the largest of its sizes."""
    tensors, over_classes = target.tensors, loss.kind == "classwise"
    library = "torch" if tensors else "np"
    size = "x"
    if over_classes:
        largest = "amax(-1, keepdim={})" if tensors else "max(axis=-1, keepdims={})"
        size = "abs(x)." + largest.format("r.ndim == x.ndim")
    low, high = (float(end) for end in _ends(loss))
    far = 300.0 if over_classes else 1e4 if loss.predictions and low < 0 else 1e6
    held = loss.held[0].name if loss.held else "x"
    errors = {
        "0.01 % too large": "r * 1.0001",
        f"1 % off for {held} in a narrow band": "r * (1 + 0.01 * ((v > 0.9) & (v < 1.1)))",
        "0 for NaN": f"{library}.where(s != s, 0.0, r)",
        "float32 inside": "",
    }
    if high > far:
        errors["0.1 % too large far out"] = f"{library}.where(abs(s) > {far}, r * 1.001, r)"
    if not over_classes:
        errors["0.1 % too large for |x| < 1e-5"] = f"{library}.where(abs(x) < 1e-5, r * 1.001, r)"
        if high == float("inf"):
            errors["finite at x = inf"] = f"{library}.where(abs(x) > 1e300, 0 * x + 7, r)"
        if low < 0:
            errors["other sign for x < 0"] = f"{library}.where(x < 0, -r, r)"
        if low < 0 or loss.domain(loss.residual).contains(0) == True:  # noqa: E712
            errors["wrong at x = 0 alone"] = f"{library}.where(x == 0, r + 1, r)"
    else:
        del errors[f"1 % off for {held} in a narrow band"]  # a class, or nothing
    narrow = "x.float().to(x.dtype)" if tensors else "x.astype('float32').astype(x.dtype)"
    for what, wrong in errors.items():
        body = (
            f"    r = _right_{function}(x, *parameters, **more)\n"
            f"    s = {size}\n"
            "    v = parameters[0] if parameters else x\n"
            f"    return {wrong}\n"
        )
        if not wrong:
            body = f"    return _right_{function}({narrow}, *parameters, **more)\n"
        wrapped = (
            f"\n\n_right_{function} = {function}\n\n\n"
            f"def {function}(x, *parameters, **more):\n{body}"
        )
        yield Mutant(source + wrapped, f"{function}: {what}")


def _ends(loss: Loss) -> tuple[object, object]:
    x = loss.residual
    if isinstance(x, Along):
        return (-math.inf, math.inf) if x.sort == "real" else (0, 1)
    return loss.domain(x).inf, loss.domain(x).sup


def _functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _reached(tree: ast.Module, names: Sequence[str]) -> list[ast.FunctionDef]:
    known = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    wanted, waiting = [], [known[n] for n in names if n in known]
    while waiting:
        function = waiting.pop()
        if function in wanted or function.name in PLUMBING:
            continue
        wanted.append(function)
        called = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        waiting += [known[n] for n in sorted(called & set(known))]
    return wanted


def _nodes(function: ast.FunctionDef) -> list[ast.AST]:
    """The expressions of a body; docstrings, signatures and messages are not the mathematics."""
    found: list[ast.AST] = []
    for statement in function.body:
        if isinstance(statement, ast.Raise):
            continue
        plumbing = {
            id(inner)
            for n in ast.walk(statement) if isinstance(n, ast.keyword) or _is_place(n)
            for inner in ast.walk(n)
        }  # fmt: skip
        found += [n for n in ast.walk(statement) if _ways(n) and id(n) not in plumbing]
    return found


def _is_place(node: ast.AST) -> bool:
    """An axis or a position, which is no number of a formula."""
    if isinstance(node, ast.Subscript):
        return True
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    return negative and isinstance(node.operand.value, int)  # type: ignore[attr-defined]


def _ways(node: ast.AST) -> int:
    if isinstance(node, ast.Constant):
        number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return 2 if number else 0
    if isinstance(node, ast.BinOp):
        if type(node.op) not in _OPERATORS:
            return 0
        return 1 if isinstance(node.op, ast.Add | ast.Mult) else 2  # exchanged, these are the same
    if isinstance(node, ast.UnaryOp):
        return int(isinstance(node.op, ast.USub))
    if isinstance(node, ast.Compare):
        return int(len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS)
    if isinstance(node, ast.Call):
        where = isinstance(node.func, ast.Attribute) and node.func.attr == "where"
        return int(where or _other_function(node) is not None)
    return 0


def _other_function(node: ast.Call) -> str | None:
    return _FUNCTIONS.get(node.func.attr) if isinstance(node.func, ast.Attribute) else None


def _change(node: ast.AST, way: int) -> str:
    """Changes the node in place and says how."""
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float)
        node.value = node.value * 1.0001 if way and node.value else node.value + 1
        return "another constant"
    if isinstance(node, ast.BinOp):
        if way:
            node.left, node.right = node.right, node.left
            return "operands exchanged"
        node.op = _OPERATORS[type(node.op)]()
        return "another operator"
    if isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
        return "without its sign"
    if isinstance(node, ast.Compare):
        node.ops = [_COMPARISONS[type(node.ops[0])]()]
        return "another comparison"
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if node.func.attr == "where" and len(node.args) == 3:
        node.args = [node.args[0], node.args[2], node.args[1]]
        return "branches exchanged"
    other = _other_function(node)
    if other is None:
        return ""
    node.func.attr = other
    return "another function"
