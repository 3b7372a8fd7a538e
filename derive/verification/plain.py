"""The formula as it stands, evaluated directly in NumPy or PyTorch: what one would type by hand.

Raw derivatives (SymPy's, of the definition) without any rewriting; nothing of the generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from derive.calculus import derive
from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.definitions.samples import Sample, draw
from derive.errors import BadInput
from derive.verification.accuracy import Question, measure
from derive.verification.edges import edges
from derive.verification.oracle import Oracle
from derive.verification.promise import promise
from derive.verification.reference import Progress, values
from derive.verification.report import AGREES, Row

DTYPES = ("float64", "float32")
NAMES = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sign: "sign",
    sympy.Abs: "abs",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tanh: "tanh",
    sympy.cosh: "cosh",
    sympy.sinh: "sinh",
    sympy.tan: "tan",
    sympy.atan: "arctan",
}


def rows(
    losses: Sequence[Loss],
    targets: Sequence[str],
    samples: Mapping[str, int],
    progress: Progress | None = None,
) -> Iterator[Row]:
    """How far the plain formula is from the truth, on the samples of the emitted files."""
    for loss in losses:
        oracle = Oracle(loss)
        formulas = derive(loss).quantities
        for dtype in DTYPES:
            for name, points in samples.items():
                seek = edges(oracle, dtype) if name == "whole" else None
                sample = draw(loss, name, dtype, points, seek)
                for quantity, wanted in oracle.quantities.items():
                    if quantity not in formulas:
                        continue
                    exact = values(oracle, quantity, sample.columns, progress)
                    question = Question(oracle, quantity, sample, exact)
                    for target in targets:
                        got = evaluated(formulas[quantity], sample, target)
                        found = measure(question, got, promise(loss, wanted, target, dtype))
                        yield Row(
                            *(loss.name, quantity, target, dtype, name, AGREES),
                            points=found.judged,
                            worst=found.worst,
                            excess=found.excess,
                            witness=found.witness,
                            expected=found.expected,
                            got=found.got,
                        )


def evaluated(formula: sympy.Expr, sample: Sample, target: str) -> Floats:
    """A formula at the points of a sample, in its dtype, with a library's own functions."""
    library: Any = import_module(target)
    if target == "numpy":
        kind = np.dtype(sample.dtype)
        columns = {n: c.astype(kind) for n, c in sample.columns.items()}
        with np.errstate(all="ignore"):
            found = walk(formula, columns, library, kind.type)
            return np.asarray(np.broadcast_to(found, (len(sample),)), dtype=np.float64)
    kind = getattr(library, sample.dtype)
    tensors = {n: library.from_numpy(c.copy()).to(kind) for n, c in sample.columns.items()}

    def number(value: float) -> Any:
        return library.tensor(value, dtype=kind)

    found = walk(formula, tensors, library, number)
    wide = found.to(library.float64).expand(len(sample)).numpy()
    return np.asarray(wide, dtype=np.float64)


def walk(node: Any, columns: Mapping[str, Any], library: Any, number: Callable[..., Any]) -> Any:
    """The value of an expression, operation by operation as it is printed."""
    if isinstance(node, sympy.Symbol):
        return columns[node.name]
    if node.is_number and not node.args:
        return number(float(node))
    if isinstance(node, sympy.Piecewise):
        return _piecewise(node, columns, library, number)
    parts = [walk(part, columns, library, number) for part in node.args]
    if isinstance(node, sympy.Add):
        return sum(parts[1:], parts[0])
    if isinstance(node, sympy.Mul):
        return math.prod(parts[1:], start=parts[0])
    if isinstance(node, sympy.Pow):
        return parts[0] ** parts[1]
    if isinstance(node, sympy.Max | sympy.Min):
        pick = library.maximum if isinstance(node, sympy.Max) else library.minimum
        return pick(parts[0], parts[1])
    if type(node) in NAMES:
        return getattr(library, NAMES[type(node)])(*parts)
    raise BadInput(f"no plain evaluation of {type(node).__name__}")


def _piecewise(
    node: Any, columns: Mapping[str, Any], library: Any, number: Callable[..., Any]
) -> Any:
    *others, last = node.args
    found = walk(last[0], columns, library, number)
    for value, condition in reversed(others):
        if condition == True:  # noqa: E712 - SymPy's own truth
            found = walk(value, columns, library, number)
            continue
        holds = _condition(condition, columns, library, number)
        found = library.where(holds, walk(value, columns, library, number), found)
    return found


def _condition(
    node: Any, columns: Mapping[str, Any], library: Any, number: Callable[..., Any]
) -> Any:
    parts = [_side(part, columns, library, number) for part in node.args]
    if isinstance(node, sympy.And):
        return math.prod(parts[1:], start=parts[0])
    if isinstance(node, sympy.Or):
        return sum(parts[1:], parts[0]) > 0
    left, right = parts
    outcomes = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    outcomes |= {"==": left == right, "!=": left != right}
    return outcomes[node.rel_op]


def _side(node: Any, columns: Mapping[str, Any], library: Any, number: Callable[..., Any]) -> Any:
    if isinstance(node, Relational | BooleanFunction):  # a symbol is a Boolean too
        return _condition(node, columns, library, number)
    return walk(node, columns, library, number)
