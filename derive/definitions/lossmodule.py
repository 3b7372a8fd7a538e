"""A Python file that holds one Loss: code, the user's own, run as it is."""

from __future__ import annotations

import runpy
import traceback
from pathlib import Path
from typing import Any

from derive.definitions.accepted import accept
from derive.definitions.loss import Loss
from derive.errors import BadInput


def read_python(path: Path) -> Loss:
    """The one Loss that a Python file defines. The file is executed: it must be trusted.

    Raises BadInput, one line, where it fails, or holds none or several.
    """
    try:
        path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    found = {id(v): v for v in _run(path).values() if isinstance(v, Loss)}
    losses = list(found.values())
    if len(losses) != 1:
        held = ", ".join(ascii(loss.name) for loss in losses) or "none"
        raise BadInput(f"{path.name}: must hold exactly one Loss; it holds {held}")
    return accept(losses[0], path.name)


def _run(path: Path) -> dict[str, Any]:
    try:
        return runpy.run_path(str(path))
    except (Exception, SystemExit) as error:
        line = _line(error, path)
        said = " ".join(ascii(str(error))[1:-1].replace("\\n", " ").split())[:200]
        message = f"{path.name}, line {line}: {type(error).__name__}: {said or 'no message'}"
        raise BadInput(message) from error


def _line(error: BaseException, path: Path) -> int:
    """The last line of the file itself that led to the error."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno or 1 for f in reversed(frames) if f.filename == str(path)), 1)
