"""The child process in which somebody else's function runs, as this side sees it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.callables.call import Call
from derive.verification.process import ENDED, LATE, Child, patience

SCRIPT = Path(__file__).with_name("stranger.py")
GIBIBYTES = 8
ENDINGS = (ENDED, "it tries to end the process")
SECONDS = 15.0
LOADING = 45.0  # more for the first call: what is imported then can be large
ALL = 45.0  # for all calls together, what is loaded not counted
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


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
    """One request: residuals, parameters (numbers, or arrays that broadcast), and how often.

    beside: what goes in with each residual (with each row of classes), such as a target.
    """

    x: Floats
    numbers: Mapping[str, float]
    arrays: Mapping[str, Floats] = field(default_factory=dict)
    dtype: str = "float64"
    view: str = ""
    times: int = 1
    after: bool = False
    beside: Mapping[str, Floats] = field(default_factory=dict)
    rows: bool = False  # the last axis of x has the classes of one row


class Session:
    """Asks one subject, MODULE:FUNCTION. A context manager.

    folders: where modules are found beside the working folder, the first of them first.
    """

    def __init__(self, subject: str, seconds: float = SECONDS, folders: Sequence[str] = ()) -> None:
        self.subject = subject
        self.seconds = seconds
        self._loaded: set[str] = set()
        self._spent = 0.0
        self._child = Child(SCRIPT, (str(GIBIBYTES), os.getcwd(), *folders), seconds, ALONE)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loaded.clear()
        self._child.close()

    def describe(self) -> dict[str, Any]:
        """What can be known of the function without calling it."""
        return self._ask({"do": "describe", "subject": self.subject}, (), "")[0]

    def _ask(
        self, request: dict[str, Any], raw: Sequence[bytes], library: str
    ) -> tuple[dict[str, Any], Floats]:
        """One request within what is left of the time. The processor's is that of one call."""
        limit, start = self._limit(library), time.monotonic()
        if self._spent > ALL * patience():
            return {"error": f"{LATE} {ALL:.0f} s for all calls"}, np.empty(0)
        found = self._child.ask({**request, "processor": int(self.seconds)}, raw, limit)
        if limit == self.seconds:  # nothing was loaded
            self._spent += time.monotonic() - start
        return found

    def _limit(self, library: str) -> float:
        """Time for one request: what was not loaded yet in this process may take longer."""
        fresh = {"", library} - {"arrays", "floats"} - self._loaded
        self._loaded |= fresh
        return self.seconds + (LOADING if fresh else 0.0)

    def call(self, call: Call, given: Given) -> Answer:
        x = np.ascontiguousarray(given.x, dtype=np.float64)
        beside = {n: given.beside[n] for n in call.beside}
        sent = {**beside, **given.arrays}
        arrays = {n: np.ascontiguousarray(v, np.float64) for n, v in sent.items()}
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
            "shapes": {n: list(v.shape) for n, v in sent.items()},
            "beside": list(beside),
            "rows": given.rows,
            "whole": [n for n, v in beside.items() if v.dtype.kind == "i"],
            "raw": [["x", x.size], *([n, v.size] for n, v in arrays.items())],
        }
        raw = [x.tobytes(), *(v.tobytes() for v in arrays.values())]
        reply, values = self._ask(request, raw, call.library)
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
