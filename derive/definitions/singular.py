"""The parts of a formula at whose zeros it may lose its value."""

from __future__ import annotations

from sympy import Abs, Expr, Integer, Pow, acos, asin, cos, log, preorder_traversal, tan


def part_count(expression: Expr) -> int:
    """How many parts an expression has."""
    return sum(1 for _ in preorder_traversal(expression))


def critical_parts(expression: Expr) -> list[Expr]:
    """Denominators, bases of broken powers, arguments of logarithms and the like, in order."""
    found: dict[Expr, None] = {}
    for part in preorder_traversal(expression):
        candidates: list[Expr] = []
        if isinstance(part, Pow):
            harmless = part.exp.is_Integer and part.exp.is_nonnegative
            candidates = [] if harmless else [part.base]
        elif isinstance(part, log):
            candidates = [part.args[0]]
        elif isinstance(part, tan):
            candidates = [cos(part.args[0])]
        elif isinstance(part, (asin, acos)):
            candidates = [part.args[0] - 1, part.args[0] + 1]
        for candidate in candidates:
            inner = candidate.args[0] if isinstance(candidate, Abs) else candidate
            if not isinstance(inner, Integer):
                found[inner] = None
    return list(found)
