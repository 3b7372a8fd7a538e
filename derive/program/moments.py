"""Sums of products of few arrays: what a loss and its derivatives in the parameters add up to.

Written out, the derivative of (1 + w)^k in k is L (1 + w)^k, L = log(1 + w): an array that is there
anyway, times another. So the raw derivative, expanded, is a sum of products of x, powers,
logarithms and exponentials, each with a factor that the parameters give; over many elements each
product is summed alone. Single elements could not be computed so, since the terms cancel; of
the sums, one sees how far they do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy
from sympy import Add, Dummy, Expr, Integer, Pow, Symbol, exp, log

from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Call, Name, Node, Number, call
from derive.program.factors import expression

COUNT = Number(Fraction(1))
"""The array of ones: its sum is the number of elements."""


@dataclass(frozen=True)
class Moment:
    """factor times the sum of a vector; of `growth` less 1, if it says so."""

    factor: Node
    vector: Node
    less_one: bool = False


def moments(
    definition: Mapping[str, Node], residual: str, positive: Collection[str]
) -> Mapping[str, tuple[Moment, ...]]:
    """name -> moments, for what has the shape; the names are those of the definition."""
    x = expression(Name(residual), positive)
    try:
        raw = {name: expression(value, positive) for name, value in definition.items()}
    except KeyError:
        return {}
    terms = _Terms(raw, x)
    found = {}
    for name, value in raw.items():
        rows = terms.of(value)
        if rows is not None:
            found[name] = rows
    return found


class _Terms:
    """The arrays that occur: E = B^k (or exp(u)), L = log(B), R = 1/B for a B that depends on x.

    `growth(u, k)` is exp(k u).
    """

    def __init__(self, raw: Mapping[str, Expr], x: Symbol) -> None:
        self._x = x
        self._nodes: dict[Expr, Node] = {x: Name(x.name)}
        self._growths: set[Expr] = set()
        self._roots: dict[Expr, Node] = {}  # a root less 1
        self._known: dict[Expr, Expr] = {}
        self._divisors: dict[Expr, Node] = {}
        self._powers: dict[tuple[Expr, Expr], Expr] = {}
        for value in raw.values():
            parts = value.atoms(Pow, log, exp)
            for part in sorted(parts, key=sympy.default_sort_key, reverse=True):
                if part.has(x) and part not in self._known:
                    self._name(part)

    def of(self, value: Expr) -> tuple[Moment, ...] | None:
        written = value.xreplace(self._known)
        if not written.is_polynomial(self._x, *self._nodes):
            return None
        rows: dict[Expr, Expr] = {}
        for term in Add.make_args(sympy.expand(written)):
            factor, arrays = term.as_independent(self._x, *self._nodes, as_Add=False)
            rows[arrays] = rows.get(arrays, Integer(0)) + factor
        try:
            return tuple(self._moments(rows))
        except CannotLower:
            return None

    def _moments(self, rows: dict[Expr, Expr]) -> list[Moment]:
        """exp(z) as (exp(z) - 1) + 1, a root alike: the sum of the first keeps its digits."""
        for array in (self._growths | set(self._roots)) & set(rows):
            rows[Integer(1)] = rows.get(Integer(1), Integer(0)) + rows[array]
        found = []
        for arrays, factor in rows.items():
            factor = sympy.factor_terms(sympy.together(factor))
            if factor != 0 and sympy.simplify(factor) != 0:
                vector = self._roots.get(arrays) or self._node(arrays)
                found.append(Moment(lower(factor), vector, arrays in self._growths))
        return found

    def _node(self, arrays: Expr) -> Node:
        """A product, begun with what divides, so that products that begin alike share that."""
        powers = {base: int(power) for base, power in arrays.as_powers_dict().items()}
        divisors = [d for d in powers if d in self._divisors]
        rest = [b for b in self._order(powers) for _ in range(powers[b])]
        found = self._nodes[rest.pop(0)] if rest else COUNT
        for d in divisors:
            for _ in range(powers[d]):
                found = Call("div", (found, self._divisors[d]))
        for array in rest:
            found = Call("mul", (found, self._nodes[array]))
        return found

    def _order(self, powers: Mapping[Expr, int]) -> list[Expr]:
        """Powers of sums first, then x, then logarithms."""
        plain = [b for b in powers if b in self._nodes and b not in self._divisors]
        place = {"E": 0, self._x.name: 1, "L": 2}
        return sorted(plain, key=lambda b: (place[b.name], sympy.default_sort_key(b)))

    def _name(self, part: Expr) -> None:
        base, exponent = (part.args[0], Integer(0)) if isinstance(part, log) else part.as_base_exp()
        if base == self._x and exponent.is_Integer and exponent > 0:
            return
        if isinstance(part, exp):
            self._known[part] = self._array("E", Call("growth", (lower(part.args[0]), COUNT)), True)
            return
        if not isinstance(base, Add):
            return
        if isinstance(part, log):
            self._known[part] = self._array("L", _logarithm(base))
        elif exponent.is_Integer:
            self._known[part] = self._inverse(base) ** -exponent if exponent < 0 else part
        else:
            self._known[part] = self._power(base, exponent)

    def _array(self, name: str, node: Node, growth: bool = False) -> Expr:
        for symbol, other in self._nodes.items():
            if other == node:
                return symbol
        symbol = Dummy(name)
        self._nodes[symbol] = node
        if growth:
            self._growths.add(symbol)
        return symbol

    def _inverse(self, base: Expr) -> Expr:
        symbol = self._array("R", call("div", 1, lower(base)))
        self._divisors[symbol] = lower(base)
        return symbol

    def _root(self, base: Expr, exponent: Expr) -> Expr:
        """sqrt(B), or 1/sqrt(B), times a whole power."""
        root, half = call("sqrt", lower(base)), Integer(1) / 2
        if exponent < 0:
            symbol = self._array("R", call("div", 1, root))
            self._divisors[symbol] = root
            return symbol * self._inverse(base) ** -(exponent + half)
        symbol = self._array("E", root)
        if Integer(1) in base.args:
            self._roots[symbol] = call("div", lower(base - 1), call("add", root, 1))
        return symbol * base ** (exponent - half)

    def _power(self, base: Expr, exponent: Expr) -> Expr:
        """B^e as B^k times a whole power, k the first exponent of its kind."""
        whole = Integer(0)
        for (other, first), symbol in self._powers.items():
            whole = sympy.simplify(exponent - first)
            if other == base and whole == 0:
                return symbol
            if other == base and whole.is_Integer:
                return symbol * (self._inverse(base) ** -whole if whole < 0 else base**whole)
        if exponent.is_Rational and exponent.q == 2:
            return self._root(base, exponent)
        symbol = self._array("E", Call("growth", (_logarithm(base), lower(exponent))), True)
        self._powers[base, exponent] = symbol
        return symbol


def _logarithm(base: Expr) -> Node:
    if Integer(1) in base.args:
        return call("log1p", lower(base - 1))
    return call("log", lower(base))
