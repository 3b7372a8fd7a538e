"""What a target is: a syntax, the folder it fills, and the layout of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from derive.emission.printer import Printer
from derive.emission.syntax import Syntax
from derive.program.module import Module


@dataclass(frozen=True)
class Target:
    """A language or a library that files are emitted for.

    name: as on the command line; title: in prose; folder: in the output; suffix: of its files;
    syntax: how expressions are written; template: of a loss file, in templates/<name>/;
    pointwise: of one with a prediction and a target, classes: of one over classes, density: of a
    density file, "" where the target has none; runtime: files of templates/<name>/ that densities
    need, copied as they are; beside: other such files; package: a template of the file that makes
    a folder importable, "" where there is none; library: the module that has to be installed to
    try a file by import, "" where that is not tried; dtype: what a Python float becomes there;
    tolerance: of that trial, beyond what kappa allows. more: what its template may use beside the
    common context. judged: how the judge runs it (the dtypes that it takes, which are computed
    wider, whether it wants tensors); empty where it cannot be run.
    """

    name: str
    title: str
    folder: str
    suffix: str
    syntax: Syntax
    template: str
    pointwise: str = ""
    density: str = ""
    classes: str = ""
    runtime: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    package: str = ""
    library: str = ""
    dtype: str = "float64"
    tolerance: float = 1e-6
    judged: Mapping[str, Any] = field(default_factory=dict)
    more: Callable[[Module, Printer], Mapping[str, Any]] | None = None
