"""Stable forms for tests: derivatives only, without limits and densities, which take long.

A form is made once in a run of the tests: the processes of the run share it through a folder.
"""

from __future__ import annotations

import os
import pickle
from functools import cache
from pathlib import Path

import sympy
from filelock import FileLock

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
    folder = os.environ.get("DERIVE_TESTS_SHARE")
    if folder is None:  # not under pytest
        return stabilise(derivation(loss))
    place = Path(folder, f"{loss.name}-{loss.digest}.pickle")
    with FileLock(place.with_suffix(".lock")):
        if not place.exists():
            place.write_bytes(pickle.dumps(stabilise(derivation(loss))))
        return pickle.loads(place.read_bytes())


@cache
def of_catalogue(name: str) -> StableForm:
    return stable_form(load(name))
