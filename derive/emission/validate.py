"""Generated files are compiled, imported alone and asked for one value before they are written."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from derive.definitions.floats import FORMATS
from derive.emission import importer
from derive.emission.targets import TARGETS, Target
from derive.errors import EnvironmentTrouble, Refuted

TIME_LIMIT = 300.0


@dataclass(frozen=True)
class Expected:
    """The exact value of a loss, and kappa: by how many ULP one rounding of each input moves it.

    at: the predictions and the target, where there are such.
    """

    value: float
    kappa: float = 0.0
    at: tuple[float, ...] | None = None


def validate(
    tree: Mapping[str, str], expected: Mapping[str, Expected], *, at: float = 1.0
) -> tuple[str, ...]:
    """Check the Python files of a tree; returns the paths that could be imported here.

    Every `.py` file is compiled. Those of a target whose library is installed are then imported,
    each alone, in one child process a target, with warnings as errors; `loss(at)` with default
    parameters must equal the expected value of that path, as far as its dtype holds it and kappa
    allows. No file is written for it.
    Raises Refuted naming the file and the failure.
    """
    sources = {path: tree[path] for path in sorted(tree) if path.endswith(".py")}
    for path, source in sources.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                compile(source, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise _invalid(path, f"does not compile, {error}") from error
    imported: list[str] = []
    for target in TARGETS.values():
        paths = [p for p in sources if PurePosixPath(p).parts[0] == target.folder]
        if paths and target.library and importlib.util.find_spec(target.library) is not None:
            for path, answer in _answers(target, paths, sources, expected, at).items():
                # A smoke check: how accurate the files are is for the verification to say.
                _judge(path, answer, expected, target, at)
                imported.append(path)
    return tuple(sorted(imported))


def _answers(
    target: Target,
    paths: list[str],
    sources: Mapping[str, str],
    expected: Mapping[str, Expected],
    at: float,
) -> dict[str, dict[str, Any]]:
    question = {
        "library": target.library,
        "sources": dict(sources),
        "paths": paths,
        "valued": {p: list(expected[p].at or (at,)) for p in paths if p in expected},
    }
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-B", str(Path(importer.__file__))],
            input=json.dumps(question).encode("ascii"),
            capture_output=True,
            cwd=os.sep,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentTrouble(
            f"{target.folder}: importing the files took more than {TIME_LIMIT:.0f} s; "
            "nothing was written; run again on a less busy machine"
        ) from None
    if child.returncode != 0:
        last = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = "".join(last) or "it crashed"
        raise EnvironmentTrouble(
            f"{target.folder}: {target.library} cannot be used here ({why}); "
            "nothing was written; repair the installation"
        )
    answers: dict[str, dict[str, Any]] = json.loads(child.stdout.splitlines()[-1])
    return answers


def _judge(
    path: str,
    answer: Mapping[str, Any],
    expected: Mapping[str, Expected],
    target: Target,
    at: float,
) -> None:
    if "error" in answer:
        raise _invalid(path, answer["error"])
    if path in expected:
        value, wanted = float(answer["value"]), expected[path]
        if not _is_right(value, wanted, target):
            given = ", ".join(map(str, wanted.at or (at,)))
            raise _invalid(path, f"loss({given}) is {value!r} and should be {wanted.value!r}")


def _is_right(value: float, wanted: Expected, target: Target) -> bool:
    form = FORMATS[target.dtype]
    if abs(wanted.value) >= 2.0**form.largest_exponent:  # out of range, or at the end of it
        return math.isinf(value) or math.isclose(value, wanted.value, rel_tol=target.tolerance)
    allowed = target.tolerance + (2 + wanted.kappa) * 2.0 ** (1 - form.precision)
    least = 2.0 ** (form.smallest_exponent + 1)
    return math.isclose(value, wanted.value, rel_tol=allowed, abs_tol=allowed * least)


def _invalid(path: str, why: str) -> Refuted:
    return Refuted(f"{path}: {' '.join(why.split())}; nothing was written; please report this loss")
