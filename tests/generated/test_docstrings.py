"""Modules say what they take, in which shapes, and how they are called; the examples run."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from derive.definitions.catalogue import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_module_has_arguments_shapes_and_examples_that_run(name: str) -> None:
    file = import_module(f"generated.for_torch.{name}")
    (module,) = (file.__dict__[n] for n in file.__all__ if n.endswith("Loss"))
    for heading in ("Args:", "Shape:", "Examples:"):
        assert heading in module.__doc__
    parts = doctest.DocTestFinder(recurse=False).find(module, name, globs={**vars(file)})
    runner = doctest.DocTestRunner(verbose=False)
    for part in parts:
        runner.run(part, out=lambda _: None)
    assert runner.tries and not runner.failures
