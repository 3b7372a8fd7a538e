"""From the SymPy tree of a definition to a function from balls to a jet, walked once.

Branches are evaluated only where they are chosen, so that a branch may be undefined elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import sympy

from derive.errors import BadInput
from derive.verification import branches, elementary
from derive.verification.backend import Ball, Undefined, arb
from derive.verification.branches import Inputs, Run
from derive.verification.functions import coefficients_of
from derive.verification.jets import Coefficients, Jet, Shape, reciprocal


class Evaluator:
    """Computes the jet of an expression; see `Shape` for orders and spare orders."""

    def __init__(
        self,
        expression: sympy.Expr,
        variables: Sequence[sympy.Symbol],
        orders: tuple[int, ...],
        spare: tuple[int, ...],
        total: int = 99,
    ) -> None:
        self.shape = Shape(orders, spare, total)
        self._positions = {v: k for k, v in enumerate(variables)}
        strangers = expression.free_symbols - set(variables)
        if strangers:
            raise BadInput(f"the formula uses undeclared names: {sorted(map(str, strangers))}")
        self._uses = Counter(
            child for node in sympy.preorder_traversal(expression) for child in node.args
        )
        self._compiled: dict[sympy.Basic, Run] = {}
        self._run = self.compile(expression)

    def __call__(self, point: Sequence[Ball]) -> Jet:
        jets = [self.shape.variable(k, value) for k, value in enumerate(point)]
        return self._run(Inputs(jets))

    def _support(self, node: sympy.Basic) -> frozenset[int]:
        return frozenset(self._positions[v] for v in node.free_symbols)

    def varies(self, node: sympy.Basic) -> bool:
        """Whether a derivative that is asked for passes through this node."""
        return any(self.shape.orders[k] for k in self._support(node))

    def compile(self, node: sympy.Basic) -> Run:
        if node in self._compiled:
            return self._compiled[node]
        plain = self._compile_new(node)
        named = _named(plain, node)
        key = len(self._compiled)

        def once(inputs: Inputs) -> Jet:
            found = inputs.known.get(key)
            if found is None:
                found = inputs.known[key] = named(inputs)
            return found

        run = once if self._uses[node] > 1 and node.args else named if node.args else plain
        self._compiled[node] = run
        return run

    def _compile_new(self, node: sympy.Basic) -> Run:
        if isinstance(node, sympy.Symbol):
            position = self._positions[node]
            return lambda inputs: inputs.jets[position]
        if not node.args:
            return self._constant(node)
        if isinstance(node, sympy.Add):
            return self._sum(node)
        if isinstance(node, sympy.Mul):
            return self._quotient(node)
        if isinstance(node, sympy.Pow):
            return self._power(node)
        if isinstance(node, sympy.Abs | sympy.sign):
            return branches.signed(self, node)
        if isinstance(node, sympy.Max | sympy.Min):
            return branches.extreme(self, node)
        if isinstance(node, sympy.Piecewise):
            return branches.piecewise(self, node)
        return self._function(node)

    def _constant(self, node: sympy.Basic) -> Run:
        constant = self.shape.constant
        if isinstance(node, sympy.Rational):
            top, bottom = int(node.p), int(node.q)
            return lambda inputs: constant(arb(top) / bottom)
        if isinstance(node, sympy.Float):
            sign, mantissa, exponent, _ = node._mpf_
            exact = (int(-mantissa if sign else mantissa), int(exponent))
            return lambda inputs: constant(arb(exact))
        if node is sympy.pi:
            return lambda inputs: constant(arb.pi())
        if node is sympy.E:
            return lambda inputs: constant(arb.const_e())
        if node is sympy.EulerGamma:
            return lambda inputs: constant(arb.const_euler())
        raise BadInput(f"the oracle cannot evaluate {node} in the formula")

    def _sum(self, node: sympy.Add) -> Run:
        """c p - c for a power p is one term, from expm1: it needs no bits to cancel."""
        terms, parts = list(node.args), []
        for term in node.args:
            factor, power = term.as_coeff_Mul()
            if _is_power(power) and -factor in terms:
                terms.remove(term)
                terms.remove(-factor)
                parts.append(self._less_one(factor, power))
        parts += [self.compile(term) for term in terms]
        first, rest, add = parts[0], parts[1:], self.shape.add

        def run(inputs: Inputs) -> Jet:
            total = first(inputs)
            for part in rest:
                total = add(total, part(inputs))
            return total

        return run

    def _less_one(self, factor: sympy.Rational, power: sympy.Pow | sympy.exp) -> Run:
        """factor (power - 1)."""
        if isinstance(power, sympy.exp):
            plain = self._composed(elementary.expm1, power.args[0])
        else:
            plain = self._general_power(power.args[0], power.args[1], less_one=True)
        run, top, bottom = _named(plain, power), int(factor.p), int(factor.q)
        if factor == 1:
            return run
        return lambda inputs: [
            None if c is None else c * top if bottom == 1 else c * top / bottom for c in run(inputs)
        ]

    def _product(self, factors: Sequence[sympy.Basic]) -> Run:
        first = self.compile(factors[0])
        seen = self._support(factors[0])
        steps = []
        for factor in factors[1:]:
            own = self._support(factor)
            multiply = self.shape.multiplier(self.shape.support(seen), self.shape.support(own))
            steps.append((self.compile(factor), multiply))
            seen |= own

        def run(inputs: Inputs) -> Jet:
            out = first(inputs)
            for part, multiply in steps:
                out = multiply(out, part(inputs))
            return out

        return run

    def _quotient(self, node: sympy.Mul) -> Run:
        """One division for all divisors: 0/0 is met here, and can be divided out."""
        above, below = [], []
        for factor in node.args:
            base, exponent = factor.as_base_exp()
            negative = exponent.is_Rational and exponent.is_negative
            if negative and base.free_symbols:
                below.append(sympy.Pow(base, -exponent))
            else:
                above.append(factor)
        top = self._product(above) if above else self._constant(sympy.S.One)
        if not below:
            return top
        bottom = self._product(below)
        over, under = (
            frozenset().union(*(self._support(f) for f in part)) for part in (above, below)
        )
        invert = self.shape.composer(under)
        shape = self.shape
        multiply = shape.multiplier(shape.support(over), shape.support(under))
        names = frozenset(str(v) for f in below for v in f.free_symbols)

        def run(inputs: Inputs) -> Jet:
            t, b = top(inputs), bottom(inputs)
            if not b[0].is_zero():
                return multiply(t, invert(reciprocal, b))
            if not over & under:
                raise Undefined("a divisor is zero", names)  # and nothing cancels it
            t, b = shape.cancel_zero(t, b, names)
            return shape.quotient(t, b)

        return run

    def _power(self, node: sympy.Pow) -> Run:
        base, exponent = node.args
        if base is sympy.E:
            return self._composed(elementary.exp, exponent)
        if exponent.is_Rational:
            rational = Fraction(int(exponent.p), int(exponent.q))
            if rational < 0 and rational.denominator == 1 and base.free_symbols:
                return self._quotient(sympy.Mul(sympy.S(1), node, evaluate=False))
            return self._composed(elementary.power(rational), base)
        return self._general_power(base, exponent)

    def _general_power(self, base: sympy.Expr, exponent: sympy.Expr, less_one: bool = False) -> Run:
        """base**exponent = exp(exponent log base), or that less 1; 0 is its value where base is 0
        and no derivative is asked."""
        below, above = self.compile(base), self.compile(exponent)
        inner, outer = self._support(base), self._support(exponent)
        shape = self.shape
        excess = _less_its_one(base)
        log_of = None if excess is None else self._composed(elementary.log1p, excess)
        logarithm = shape.composer(inner)
        multiply = shape.multiplier(shape.support(outer), shape.support(inner))
        exponential = shape.composer(inner | outer)
        varies = self.varies(base) or self.varies(exponent)
        outermost = elementary.expm1 if less_one else elementary.exp

        def run(inputs: Inputs) -> Jet:
            b, e = below(inputs), above(inputs)
            if b[0].is_zero() and not varies and elementary.sign_of(e[0]) > 0:
                return shape.constant(arb(-1 if less_one else 0))
            log_b = logarithm(elementary.log, b) if log_of is None else log_of(inputs)
            return exponential(outermost, multiply(e, log_b))

        return run

    def _composed(self, coefficients: Coefficients, argument: sympy.Basic) -> Run:
        inner = self.compile(argument)
        compose = self.shape.composer(self._support(argument))
        return lambda inputs: compose(coefficients, inner(inputs))

    def _function(self, node: sympy.Basic) -> Run:
        inner = node.args[-1]
        if isinstance(node, sympy.log) and isinstance(inner, sympy.cosh):
            return self._composed(elementary.log_cosh, inner.args[0])
        if isinstance(node, sympy.log) and isinstance(inner - 1, sympy.exp):
            return self._composed(elementary.softplus, (inner - 1).args[0])
        excess = _less_its_one(node.args[0]) if isinstance(node, sympy.log) else None
        if excess is not None:
            return self._composed(elementary.log1p, excess)
        return self._composed(coefficients_of(node), inner)


def _named(plain: Run, node: sympy.Basic) -> Run:
    """Says which variables are to blame where the node has no value."""
    names = frozenset(map(str, node.free_symbols))

    def run(inputs: Inputs) -> Jet:
        try:
            return plain(inputs)
        except Undefined as trouble:
            if not trouble.names:
                trouble.names = names
            raise

    return run


def _is_power(node: sympy.Basic) -> bool:
    """Whether it is computed by exp."""
    if isinstance(node, sympy.Pow):
        return not node.exp.is_Rational
    return isinstance(node, sympy.exp)


def _less_its_one(node: sympy.Basic) -> sympy.Expr | None:
    """u of 1 + u, whose logarithm needs no bits for the 1."""
    if isinstance(node, sympy.Add) and sympy.S.One in node.args:
        return sympy.Add(*(term for term in node.args if term != 1))
    return None
