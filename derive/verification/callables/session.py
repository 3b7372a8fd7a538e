"""The child process in which somebody else's function runs, as this side sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.callables.call import Call
from derive.verification.process import ENDED, LATE, Child

SCRIPT = Path(__file__).with_name("stranger.py")
GIBIBYTES = 8
ENDINGS = (ENDED, "it tries to end the process")
SECONDS = 15.0
LOADING = 45.0  # more for the first call: what is imported then can be large


@dataclass(frozen=True)
class Answer:
    """What a call gave: one array for each repetition, as float64, and what else was seen."""

    values: tuple[Floats, ...] = ()
    error: str = ""
    dtype: str = ""
    type: str = ""
    warnings: tuple[str, ...] = ()
    mutated: bool = False
    patched: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing more can be asked: it hangs, or takes its process along."""
        return self.error.startswith((LATE, *ENDINGS))

    @property
    def first(self) -> Floats:
        return self.values[0]


@dataclass(frozen=True)
class Given:
    """One request: residuals, parameters (numbers, or arrays that broadcast), and how often."""

    x: Floats
    numbers: Mapping[str, float]
    arrays: Mapping[str, Floats] = field(default_factory=dict)
    dtype: str = "float64"
    view: str = ""
    times: int = 1
    after: bool = False


class Session:
    """Asks one subject, MODULE:FUNCTION. A context manager.

    folders: where modules are found beside the working folder, the first of them first.
    """

    def __init__(self, subject: str, seconds: float = SECONDS, folders: Sequence[str] = ()) -> None:
        self.subject = subject
        self.seconds = seconds
        self._loaded: set[str] = set()
        self._child = Child(SCRIPT, (str(GIBIBYTES), os.getcwd(), *folders), seconds)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loaded.clear()
        self._child.close()

    def describe(self) -> dict[str, Any]:
        """What can be known of the function without calling it."""
        return self._child.ask({"do": "describe", "subject": self.subject}, (), self._limit(""))[0]

    def _limit(self, library: str) -> float:
        """Time for one request: what was not loaded yet in this process may take longer."""
        fresh = {"", library} - {"arrays", "floats"} - self._loaded
        self._loaded |= fresh
        return self.seconds + (LOADING if fresh else 0.0)

    def call(self, call: Call, given: Given) -> Answer:
        x = np.ascontiguousarray(given.x, dtype=np.float64)
        arrays = {n: np.ascontiguousarray(v, np.float64) for n, v in given.arrays.items()}
        request = {
            "do": "call",
            "subject": self.subject,
            "call": call.as_data(),
            "dtype": given.dtype,
            "shape": list(given.x.shape),
            "view": given.view,
            "times": given.times,
            "after": given.after,
            "numbers": {k: v for k, v in given.numbers.items() if k not in arrays},
            "shapes": {n: list(v.shape) for n, v in given.arrays.items()},
            "raw": [["x", x.size], *([n, v.size] for n, v in arrays.items())],
        }
        raw = [x.tobytes(), *(v.tobytes() for v in arrays.values())]
        reply, values = self._child.ask(request, raw, self._limit(call.library))
        if "error" in reply:
            return Answer(error=str(reply["error"]))
        pieces, used = [], 0
        for shape in reply["shapes"]:
            size = int(np.prod(shape, dtype=np.int64))
            pieces.append(values[used : used + size].reshape(shape))
            used += size
        return Answer(
            tuple(pieces),
            dtype=str(reply["dtype"]),
            type=str(reply["type"]),
            warnings=tuple(reply["warnings"]),
            mutated=bool(reply["mutated"]),
            patched=tuple(reply["patched"]),
        )
