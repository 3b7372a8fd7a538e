"""What follows from a loss: derivatives, limits, density, memberships."""

from derive.calculus.derivation import Density, Derivation, Limit, Membership

__all__ = ["Density", "Derivation", "Limit", "Membership"]
