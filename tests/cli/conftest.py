from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import derive


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    path = Path(__file__).with_name("fake_pipeline.py")
    spec = importlib.util.spec_from_file_location("fake_pipeline", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_pipeline"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch, fakes: ModuleType) -> ModuleType:
    fake: ModuleType = fakes.Fake()
    for name in ("pipeline", "showing"):
        monkeypatch.setitem(sys.modules, f"derive.{name}", fake)
        monkeypatch.setattr(derive, name, fake, raising=False)
    monkeypatch.setattr("derive.cli.recorded", lambda _: None)  # what the pipeline says is asked
    return fake
