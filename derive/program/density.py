"""The density's part of a module: functions of the parameters alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.calculus import Derivation
from derive.numerics.forms import StableForm
from derive.numerics.nodes import Node


def density_forms(derivation: Derivation, stable: StableForm) -> Mapping[str, Sequence[Node]]:
    """For each function of the parameters alone, its nodes regime by regime."""
    return {}
