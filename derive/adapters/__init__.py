"""A loss as other libraries want it, made from its definition."""

from derive.adapters.squares import SquaresView, least_squares

__all__ = ["SquaresView", "least_squares"]
