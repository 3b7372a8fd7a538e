"""Runs examples/from_definition_to_training.ipynb again and stores its outputs.

Run: python -m tools.notebook
"""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "from_definition_to_training.ipynb"


def executed(place: Path = NOTEBOOK) -> nbformat.NotebookNode:
    """The notebook with the outputs of now, without the times at which its cells ran."""
    notebook = nbformat.read(place, as_version=4)
    where = {"metadata": {"path": str(place.parent)}}
    nbclient.NotebookClient(notebook, timeout=900, resources=where).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
