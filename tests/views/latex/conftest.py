"""Derivations of the catalogue; the reader of formulas as a module of its own name."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from forms import derived

from derive.calculus import Derivation
from derive.definitions.catalogue import ELEMENTWISE, catalogue

# Tests are imported one by one: a module beside them has to be made known.
_PATH = Path(__file__).with_name("read_back.py")
_SPEC = importlib.util.spec_from_file_location("read_back", _PATH)
assert _SPEC is not None and _SPEC.loader is not None
sys.modules["read_back"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sys.modules["read_back"])


@pytest.fixture(scope="session")
def derivations() -> Mapping[str, Derivation]:
    return {loss.name: derived(loss) for loss in catalogue(ELEMENTWISE)}
