"""Runs in a child process: imports generated sources from memory, each alone, and tries one value.

Started by path and reading its question from stdin, so it imports nothing of this package.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import linecache
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import CodeType, ModuleType
from typing import Any

_PACKAGE = "generated_under_validation"


class _Memory(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the whole tree as one package, for the `__init__` files."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.modules: dict[str, tuple[str, str]] = {_PACKAGE: (f"<{_PACKAGE}>", "")}
        for path, source in sources.items():
            parts = PurePosixPath(path).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            self.modules[".".join((_PACKAGE, *parts))] = (path, source)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.modules:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=self.is_package(name))

    def is_package(self, fullname: str) -> bool:
        return any(other.startswith(f"{fullname}.") for other in self.modules) or self.modules[
            fullname
        ][0].endswith("__init__.py")

    def get_source(self, fullname: str) -> str:
        return self.modules[fullname][1]

    def get_code(self, fullname: str) -> CodeType:
        path, source = self.modules[fullname]
        return compile(source, path, "exec", dont_inherit=True)


class _Single(importlib.abc.InspectLoader):
    """One file, without the package around it."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source

    def get_source(self, fullname: str) -> str:
        return self.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)


def _alone(path: str, source: str) -> ModuleType:
    """The module as a person has it who copied this one file."""
    loader = _Single(path, source)
    name = f"alone_{PurePosixPath(path).stem}"
    spec = importlib.machinery.ModuleSpec(name, loader, origin=path)
    spec.has_location = True  # gives the module its __file__
    module = importlib.util.module_from_spec(spec)
    # Some decorators of libraries look for the module, or for its source lines.
    sys.modules[name] = module
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    loader.exec_module(module)
    return module


def _answer(path: str, question: Mapping[str, Any]) -> dict[str, Any]:
    parts = PurePosixPath(path).with_suffix("").parts
    try:
        if path not in question["valued"]:  # what stands on other files of the package
            importlib.import_module(".".join((_PACKAGE, *parts)).removesuffix(".__init__"))
            return {}
        module = _alone(path, question["sources"][path])
        return {"value": float(module.loss(*question["valued"][path]))}
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    question = json.loads(sys.stdin.buffer.read())
    answers_to = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever a library prints is no answer
    importlib.import_module(question["library"])
    warnings.simplefilter("error")
    sys.meta_path.insert(0, _Memory(question["sources"]))
    answers = {path: _answer(path, question) for path in question["paths"]}
    answers_to.write(json.dumps(answers) + "\n")
    answers_to.flush()


if __name__ == "__main__":
    main()
