"""What a target is: a dialect, the folder it fills, and how a special function is had there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.emission.printer import Dialect


@dataclass(frozen=True)
class Target:
    """name: as on the command line; folder: in the output; template: in templates/.

    runtime: functions of the file's machinery that are printed only where an operation of the
    program calls for them, as source text keyed by the operation.
    """

    name: str
    title: str
    folder: str
    library: str
    template: str
    dialect: Dialect
    runtime: Mapping[str, str]
