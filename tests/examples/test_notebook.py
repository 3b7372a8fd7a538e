"""The notebook runs from its first cell to its last, and shows what is stored in it."""

import re
import warnings
from pathlib import Path

import pytest

import derive

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
pytest.importorskip("torch")

CHECKOUT = Path(derive.__file__).parents[1]

from tools.notebook import NOTEBOOK, executed  # noqa: E402 (needs what was asked for above)


def told(cell):
    """What a cell says in words; pictures, and how many checks there were, left out.
    (A stream comes in one piece or in several.)"""
    texts = [
        output.text if output.output_type == "stream" else output.data.get("text/plain", "") + "\n"
        for output in cell.get("outputs", ())
    ]
    return re.sub(r"(<Report \w+: ).*>", r"\1", "".join(texts))


def test_it_runs_and_says_what_is_stored_in_it(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the machinery of notebooks, not ours
        again = executed()
    for before, after in zip(stored.cells, again.cells, strict=True):
        assert told(after) == told(before), f"stale: python -m tools.notebook\n{before.source}"
    shown = {
        kind for cell in stored.cells for o in cell.get("outputs", ()) for kind in o.get("data", {})
    }
    assert {"text/latex", "image/png", "text/html"} <= shown
