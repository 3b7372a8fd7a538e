"""Stable forms for tests: derivatives only, without limits and densities, which take long."""

from __future__ import annotations

from functools import cache

import sympy

from derive.calculus.derivation import Density, Derivation
from derive.calculus.derivatives import quantities
from derive.calculus.facts import facts
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.numerics.forms import StableForm
from derive.numerics.stabilise import stabilise


def derivation(loss: Loss) -> Derivation:
    raw = quantities(loss)
    nothing = Density(None, None, (), (), "", "not looked at")
    return Derivation(loss, raw, raw, sympy.nan, (), nothing, (), facts(loss))


def stable_form(loss: Loss) -> StableForm:
    return stabilise(derivation(loss))


@cache
def of_catalogue(name: str) -> StableForm:
    return stable_form(load(name))
