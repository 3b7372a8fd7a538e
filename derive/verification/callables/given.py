"""A function of this process, made known to the child process in which it is judged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cloudpickle

from derive.errors import BadInput

# The module that holds what no module of its own can be imported for.
MODULE = "yours"
TEXT = """from pathlib import Path

import cloudpickle

{name} = cloudpickle.loads(Path(__file__).with_suffix(".pickle").read_bytes())
"""


@contextmanager
def named(subject: Callable[..., Any] | str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """MODULE:FUNCTION, and the folders where that module is found.

    A function that another process can import is named; one of a notebook or within a function is
    handed over by its code.
    """
    folders = tuple(folder for folder in sys.path if folder)
    if isinstance(subject, str):
        yield subject, folders
    elif not callable(subject):
        raise BadInput(f"an implementation is a function or MODULE:FUNCTION, not {subject!r:.40}")
    elif _is_importable(subject):
        yield f"{subject.__module__}:{subject.__qualname__}", folders
    else:
        name = getattr(subject, "__name__", type(subject).__name__)
        name = name if name.isidentifier() else "function"
        with TemporaryDirectory(prefix="derive-") as folder:
            place = Path(folder) / f"{MODULE}.py"
            place.with_suffix(".pickle").write_bytes(_pickled(subject, name))
            place.write_text(TEXT.format(name=name), encoding="utf-8")
            yield f"{MODULE}:{name}", (folder, *folders)


def _pickled(function: Callable[..., Any], name: str) -> bytes:
    try:
        content: bytes = cloudpickle.dumps(function)
    except Exception as trouble:  # noqa: BLE001 (its parts raise what they like)
        raise BadInput(
            f"{name}: cannot be handed to the process that judges it ({trouble}); "
            "put it into a module"
        ) from None
    return content


def _is_importable(function: Any) -> bool:
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if not module or module == "__main__" or not path or "<" in path:
        return False
    if getattr(sys.modules.get(module), "__spec__", None) is None:
        return False
    found: Any = sys.modules[module]
    for name in path.split("."):
        found = getattr(found, name, None)
    return found is function and Path(str(getattr(sys.modules[module], "__file__", ""))).is_file()
