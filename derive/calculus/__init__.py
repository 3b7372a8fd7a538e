"""What follows from a loss: derivatives, limits, density, memberships."""

from derive.calculus.derivation import Density, Derivation, Limit, Membership
from derive.calculus.way import derive, sketch

__all__ = ["Density", "Derivation", "Limit", "Membership", "derive", "sketch"]
