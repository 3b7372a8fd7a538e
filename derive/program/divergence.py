"""The divergence of Kullback and Leibler between two densities of one loss, where it is closed.

With c and d the lengths of p and q, r = c/d, and D the distance of their places:

    quadratic  (r^2 - 1 - log r^2)/2 + (D/d)^2/2
    absolute   r - 1 - log r + r (exp(-a) - 1 + a),  a = D/c
    cauchy     log(1 + ((c - d)^2 + D^2/2)/(4 c d))

Each is a sum of terms that are never negative, so that nothing cancels for p close to q. Huber's
loss, smooth L1, Student's t and Barron's family have no such form here.
"""

from __future__ import annotations

from sympy import Abs

from derive.definitions.loss import Loss
from derive.numerics.helpers import expm1_minus, log1p_minus
from derive.numerics.nodes import Local, Name, Node, absolute, call
from derive.program.members import match

# The arguments of the function, in this order.
ARGUMENTS = ("p_length", "q_length", "shift")


def divergence(loss: Loss) -> Node | None:
    """The divergence in ARGUMENTS, or None where it is not closed."""
    if len(loss.parameters) != 1 or not loss.parameters[0].is_positive:
        return None
    p, q, shift = (Name(name) for name in ARGUMENTS)
    excess = Local("excess", (p - q) / q)
    found = match(loss)
    if found is not None and found.exponent == 2:
        squared = excess * (2 + excess)
        return (shift / q * (shift / q) - log1p_minus(squared)) / 2
    if found is not None and found.exponent == 0:
        apart = (p - q) / p * ((p - q) / q) + shift / p * (shift / q) / 2
        return call("log1p", apart / 4)
    if loss.expression == Abs(loss.residual) / loss.parameters[0]:
        return p / q * expm1_minus(-absolute(shift / p)) - log1p_minus(excess)
    return None
