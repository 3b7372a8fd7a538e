"""The closed vocabulary in which stable forms are written: expression nodes with a fixed order.

SymPy reorders sums and products at will; floating point cannot afford that. A node keeps the
order of evaluation that its author chose. Nodes are frozen, compare by value, and know no target.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

# operation -> (number of arguments, rounding of one evaluation in ULP)
OPERATIONS: dict[str, tuple[int, float]] = {
    "add": (2, 0.5),
    "sub": (2, 0.5),
    "mul": (2, 0.5),
    "div": (2, 0.5),
    "neg": (1, 0.0),
    "abs": (1, 0.0),
    "sign": (1, 0.0),
    "min": (2, 0.0),
    "max": (2, 0.0),
    "sqrt": (1, 0.5),
    "pow": (2, 1.0),
    "exp": (1, 1.0),
    "expm1": (1, 1.0),
    "log": (1, 1.0),
    "log1p": (1, 1.0),
    "sin": (1, 1.0),
    "cos": (1, 1.0),
    "tan": (1, 1.5),
    "asin": (1, 1.0),
    "acos": (1, 1.0),
    "atan": (1, 1.0),
    "sinh": (1, 1.5),
    "cosh": (1, 1.0),
    "tanh": (1, 1.5),
    "erf": (1, 1.0),
    "erfc": (1, 3.0),
    "gamma": (1, 4.0),
    "loggamma": (1, 4.0),
    "digamma": (1, 4.0),
    "trigamma": (1, 8.0),
    "product_error": (2, 0.0),  # a*b - round(a*b), exactly
    "horner": (-1, 1.0),  # a polynomial: the argument, then the coefficients, lowest first
    "exp_series": (-1, 2.0),  # exp[r_0 L, r_1 L, …] by its power series: L, then rates >= 0
    "where": (3, 0.0),
    "patch": (3, 0.0),  # where(rare condition, remedy, usual value)
    "lt": (2, 0.0),
    "le": (2, 0.0),
    "eq": (2, 0.0),
    "and": (2, 0.0),
    "or": (2, 0.0),
    "ne": (2, 0.0),
    "is_nan": (1, 0.0),
    "finite": (1, 0.0),  # an infinity as the largest number
    "least": (1, 0.0),  # the smallest normal number of its dtype, over the unit of 1
    "clamp": (3, 0.0),  # a value between a lower and an upper bound
    # along the axis of the classes; what is one number a row keeps that axis, of length 1
    "total": (1, 1.0),
    "largest": (1, 0.0),
    "share": (1, 0.0),  # 1 over the number of the largest entries at each of them, 0 elsewhere
    "rest": (1, 1.0),  # the total of all entries but the (first) largest
    "others": (1, 1.0),  # for each entry the total of all others
    "beside": (2, 0.5),  # entries less that where the weights are largest
    "level": (1, 1.0),  # entries less their mean, where that is finite
    "centred": (2, 1.0),  # entries less their mean, by weights that sum to 1
    "apart": (4, 1.0),  # see templates/*/library/apart
    "entry": (2, 0.0),  # that of the target's class
    "put": (3, 0.0),  # an array, the target's class, and what its entry there becomes
    "put_into": (3, 0.0),  # the same, in the array's own memory: nothing else needs it
    "over": (2, 0.5),  # a quotient by one number, of what nothing else needs
    "hit": (2, 0.0),  # which class is the target's
    "count": (1, 0.0),  # how many classes there are
}
CONDITIONS = frozenset({"lt", "le", "eq", "ne", "and", "or", "is_nan"})


_EXACT: dict[str, Any] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "abs": abs,
    "sign": lambda v: Fraction((v > 0) - (v < 0)),
    "horner": lambda z, *coefficients: functools.reduce(
        lambda total, c: total * z + c, reversed(coefficients)
    ),
}


class Node:
    """An expression. Python's operators build new nodes in the order in which they are written."""

    __slots__ = ()

    def __add__(self, other: Any) -> Node:
        return call("add", self, other)

    def __radd__(self, other: Any) -> Node:
        return call("add", other, self)

    def __sub__(self, other: Any) -> Node:
        return call("sub", self, other)

    def __rsub__(self, other: Any) -> Node:
        return call("sub", other, self)

    def __mul__(self, other: Any) -> Node:
        return call("mul", self, other)

    def __rmul__(self, other: Any) -> Node:
        return call("mul", other, self)

    def __truediv__(self, other: Any) -> Node:
        return call("div", self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return call("div", other, self)

    def __pow__(self, other: Any) -> Node:
        return call("pow", self, other)

    def __neg__(self) -> Node:
        return call("neg", self)

    def __lt__(self, other: Any) -> Node:
        return call("lt", self, other)

    def __le__(self, other: Any) -> Node:
        return call("le", self, other)

    def __gt__(self, other: Any) -> Node:
        return call("lt", other, self)

    def __ge__(self, other: Any) -> Node:
        return call("le", other, self)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """An exact number; a Fraction is rounded only when it is printed or evaluated."""

    value: Fraction | float


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable of the function: the residual, a parameter, or a local."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An operation of the vocabulary, or a named helper of the file."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Local(Node):
    """A value with a name of its own: printed as an assignment, evaluated once."""

    name: str
    value: Node


def node(value: Any) -> Node:
    if isinstance(value, Node):
        return value
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    if isinstance(value, int | Fraction):
        return Number(Fraction(value))
    if isinstance(value, float):
        return Number(value)
    raise TypeError(f"no node for {value!r}")


def call(op: str, *args: Any) -> Node:
    arity = OPERATIONS[op][0]
    if arity >= 0 and len(args) != arity:
        raise TypeError(f"{op} takes {arity} arguments, got {len(args)}")
    nodes = tuple(node(a) for a in args)
    if op in _EXACT and all(isinstance(a, Number) for a in nodes):
        return _folded(op, [a.value for a in nodes if isinstance(a, Number)])
    return _neutral(op, nodes) or Call(op, nodes)


def _neutral(op: str, nodes: tuple[Node, ...]) -> Node | None:
    """x*1, x/1, x + 0 and the like, which are exact."""
    if op in ("mul", "div") and nodes[1] == Number(Fraction(1)):
        return nodes[0]
    if op == "mul" and nodes[0] == Number(Fraction(1)):
        return nodes[1]
    if op == "mul" and nodes[0] == Number(Fraction(-1)):
        return call("neg", nodes[1])
    if op in ("add", "sub") and nodes[1] == Number(Fraction(0)):
        return nodes[0]
    if op == "add" and nodes[0] == Number(Fraction(0)):
        return nodes[1]
    if op == "neg" and isinstance(nodes[0], Call) and nodes[0].op == "neg":
        return nodes[0].args[0]
    return None


def _folded(op: str, values: list[Fraction | float]) -> Node:
    """Arithmetic between constants is exact, and follows IEEE where it leaves the rationals."""
    if op == "div" and values[1] == 0:
        return Number(
            float("nan") if values[0] == 0 else float("inf") * (1 if values[0] > 0 else -1)
        )
    if all(isinstance(v, Fraction) for v in values):
        return Number(_EXACT[op](*values))
    return Number(float(_EXACT[op](*(float(v) for v in values))))


def where(condition: Node, yes: Any, no: Any) -> Node:
    return call("where", condition, yes, no)


def patch(rare: Node, remedy: Any, usual: Any) -> Node:
    """`where`, with the promise that the condition seldom holds."""
    return call("patch", rare, remedy, usual)


def absolute(value: Any) -> Node:
    return call("abs", value)


def polynomial(z: Node, coefficients: tuple[Fraction | int | float, ...]) -> Node:
    """Horner's scheme, lowest coefficient first."""
    return call("horner", z, *coefficients)


def children(expression: Node) -> tuple[Node, ...]:
    if isinstance(expression, Call):
        return expression.args
    if isinstance(expression, Local):
        return (expression.value,)
    return ()


def rebuilt(expression: Node, change: Callable[[Node], Node]) -> Node:
    """Every node as what `change` makes of it, operands first. What is shared stays shared."""
    done: dict[int, Node] = {}
    for current in walk(expression):
        made = current
        if isinstance(current, Call):
            made = Call(current.op, tuple(done[id(a)] for a in current.args))
        elif isinstance(current, Local):
            made = Local(current.name, done[id(current.value)])
        done[id(current)] = change(made)
    return done[id(expression)]


def walk(expression: Node) -> Iterator[Node]:
    """Every distinct node, operands first."""
    seen: set[int] = set()
    kept: list[Node] = [expression]
    stack: list[tuple[Node, bool]] = [(expression, False)]
    while stack:
        current, done = stack.pop()
        if done:
            yield current
            continue
        if id(current) in seen:
            continue
        seen.add(id(current))
        kept.append(current)
        stack.append((current, True))
        stack.extend((child, False) for child in reversed(children(current)))
