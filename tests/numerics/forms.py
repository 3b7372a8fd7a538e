"""What derive finds for a loss, made once in a run of the tests and shared by its processes."""

from __future__ import annotations

import copyreg
import os
import pickle
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sympy
from filelock import FileLock, Timeout

from derive.calculus import derive
from derive.calculus.derivation import Density, Derivation
from derive.calculus.derivatives import quantities
from derive.calculus.facts import facts
from derive.definitions.catalogue import CLASSWISE, NAMES, RESIDUAL, load
from derive.definitions.loss import Loss
from derive.numerics.forms import StableForm
from derive.numerics.helpers.differences import pattern_helper
from derive.numerics.helpers.helper import HELPERS
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


_PATTERN = re.compile(r"((?:exp|power|square)_difference(?:_over|_plus|_alone)?)_(.+)")
_WORD = re.compile(r"(p?)(m?)(?:(\d+)(?:over(\d+))?)?")


def _make_helper(name: str) -> None:
    """A helper that was made for a form in another process: its name tells its rates."""
    if name == "square_bend":
        pattern_helper(name, ())
        return
    found = _PATTERN.fullmatch(name)
    assert found is not None, name
    rates = []
    for moves, minus, above, below in (
        m.groups() for word in found[2].split("_") if (m := _WORD.fullmatch(word))
    ):
        size = Fraction(int(above or 0), int(below or 1))
        rates.append((bool(moves), -size if minus else size))
    assert pattern_helper(found[1], rates).name == name


def _shared(loss: Loss, what: str, make: Callable[[], Any]) -> Any:
    """The mathematics of a loss, with its own prose; a form comes with the helpers made for it."""
    key = (f"{loss.name}-{loss.digest}", what)
    if key not in _KNOWN:
        place = _place(key)
        while not _is_made(place, make):
            if not _make_another():
                time.sleep(0.1)
        _KNOWN[key], new = pickle.loads(place.read_bytes())
        for name in new:
            _make_helper(name)
    return replace(_KNOWN[key], loss=loss)


def _place(key: tuple[str, str]) -> Path:
    return Path(os.environ["DERIVE_TESTS_SHARE"], ".".join(key))


def _is_made(place: Path, make: Callable[[], Any]) -> bool:
    """Made now if need be; False while another process makes it."""
    if not place.exists():
        try:
            with FileLock(f"{place}.lock", timeout=0):
                if not place.exists():
                    made = make()
                    new = [name for name in HELPERS if name not in _EVERYWHERE]
                    fresh = place.with_suffix(f".{os.getpid()}")
                    fresh.write_bytes(pickle.dumps((made, new)))
                    fresh.replace(place)
        except Timeout:
            return False
    return True


def _make_another() -> bool:
    """What other tests will ask for, rather than wait; whether there was something to make."""
    for loss in (load(name) for name in SAMPLE if name not in CLASSWISE):
        name = f"{loss.name}-{loss.digest}"
        first, second = _place((name, "derivation")), _place((name, "form"))
        if not first.exists() and _is_made(first, lambda loss=loss: derive(loss)):
            return True
        if first.exists() and not second.exists():
            derivation = derived(loss)
            if _is_made(second, lambda derivation=derivation: stabilise(derivation)):
                return True
    return False
