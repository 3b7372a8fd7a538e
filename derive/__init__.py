"""A loss function written down once; everything else is derived, emitted and checked.

    >>> import derive
    >>> absolute = derive.load("absolute")
    >>> derive.derive(absolute).quantities["d_scale"]
    -Abs(x)/scale**2
    >>> numpy_file = derive.emit(absolute, "numpy")
    >>> float(derive.compile(absolute, "numpy").loss(3.0, scale=2.0))
    1.5

`load` and `Loss` give a loss; `derive`, `emit`, `compile`, `latex`, `plot` and `verify` say what
follows from it. Nothing heavy is imported before one of these names is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive import errors
    from derive.api import compile, derive, emit, latex, plot, verify
    from derive.calculus import Derivation
    from derive.definitions.find import load
    from derive.definitions.loss import Loss, let
    from derive.judged import Report

__all__ = [
    "Derivation",
    "Loss",
    "Report",
    "compile",
    "derive",
    "emit",
    "errors",
    "latex",
    "let",
    "load",
    "plot",
    "verify",
]

_HOMES = {
    "Derivation": "derive.calculus",
    "Loss": "derive.definitions.loss",
    "Report": "derive.judged",
    "load": "derive.definitions.find",
    "let": "derive.definitions.loss",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata  # slow to import, and seldom asked for

        return metadata.version("derive-losses")
    if name == "errors":
        return import_module("derive.errors")
    if name not in __all__:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    found = getattr(import_module(_HOMES.get(name, "derive.api")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
