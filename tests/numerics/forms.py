"""What derive finds for a loss, made once in a run of the tests and shared by its processes."""

from __future__ import annotations

import copyreg
import os
import pickle
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sympy
from filelock import FileLock

from derive.calculus import derive
from derive.calculus.derivation import Density, Derivation
from derive.calculus.derivatives import quantities
from derive.calculus.facts import facts
from derive.definitions.catalogue import CLASSWISE, NAMES, RESIDUAL, load
from derive.definitions.loss import Loss
from derive.numerics.forms import StableForm
from derive.numerics.helpers.helper import HELPERS, Helper
from derive.numerics.stabilise import stabilise


def _proxy(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


copyreg.pickle(MappingProxyType, lambda mapping: (_proxy, (dict(mapping),)))


_EVERYWHERE = frozenset(HELPERS)
_KNOWN: dict[tuple[str, str], Any] = {}


# Choosing forms takes seconds a loss: these stand for all, the others are asked about on demand.
SAMPLE = (
    *tuple(RESIDUAL)[:10],
    "fair", "hinge", "poisson", "gaussian_nll", "binary_cross_entropy", *CLASSWISE,
)  # fmt: skip


def sampled(names: Iterable[str]) -> list[Any]:
    """Parameters of a test."""
    return [n if n in SAMPLE else pytest.param(n, marks=pytest.mark.slow) for n in names]


def derived(loss: Loss) -> Derivation:
    """All that follows from a loss."""
    return _shared(loss, "derivation", lambda: derive(loss))


def derivation(loss: Loss) -> Derivation:
    """Of a loss that is not the catalogue's: derivatives only, since limits and densities take
    long."""
    if loss.name in NAMES and loss.digest == load(loss.name).digest:
        return derived(loss)
    raw = quantities(loss)
    nothing = Density(None, None, (), (), "", "not looked at")
    return Derivation(loss, raw, raw, sympy.nan, (), nothing, (), facts(loss))


def stable_form(loss: Loss) -> StableForm:
    return _shared(loss, "form", lambda: stabilise(derivation(loss)))


def of_catalogue(name: str) -> StableForm:
    return stable_form(load(name))


def _elsewhere(*given: Any) -> Any:
    raise NotImplementedError("this helper was made in another process")


def _shared(loss: Loss, what: str, make: Callable[[], Any]) -> Any:
    """The mathematics of a loss, with its own prose; a form comes with the helpers made for it."""
    key = (f"{loss.name}-{loss.digest}", what)
    if key not in _KNOWN:
        place = Path(os.environ["DERIVE_TESTS_SHARE"], ".".join(key))
        with FileLock(f"{place}.lock"):
            if not place.exists():
                made = make()
                new = [h for name, h in HELPERS.items() if name not in _EVERYWHERE]
                own = [(h.name, h.parameters, h.meaning, h.body, h.shortcut) for h in new]
                place.write_bytes(pickle.dumps((made, own)))
            _KNOWN[key], own = pickle.loads(place.read_bytes())
            for *about, shortcut in own:
                HELPERS.setdefault(about[0], Helper(*about, _elsewhere, shortcut))
    return replace(_KNOWN[key], loss=loss)
