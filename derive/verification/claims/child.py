"""The process in which texts are read and judged, with limits on time and memory around it.

Speaks lines of JSON on its pipes: {"task", "given"} in, {"answer"} or {"error", "message"} out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from derive.errors import BadInput, DeriveError
from derive.verification.claims.limited import MEMORY

MOST_DEPTH = 3_000


def _claim(given: Mapping[str, Any]) -> Any:
    from derive.verification.claims.run import judged_claim

    return judged_claim(given)


def _proof(given: Mapping[str, Any]) -> Any:
    from derive.verification.claims.run import proved_claim

    return proved_claim(given)


def _claims(given: Mapping[str, Any]) -> Any:
    from derive.verification.claims.run import listed_claims

    return listed_claims(given)


def _formula(given: Mapping[str, Any]) -> Any:
    from derive.verification.formulas.run import judged_formula

    return judged_formula(given)


TASKS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "claim": _claim, "proof": _proof, "claims": _claims, "formula": _formula,
}  # fmt: skip


def answered(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request; errors meant for people travel as such."""
    try:
        return {"answer": TASKS[request["task"]](request["given"])}
    except DeriveError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except (MemoryError, RecursionError):
        text = "more than the limit of memory or of nesting was needed"
        return {"error": "Undecided", "message": text}
    except Exception as error:  # noqa: BLE001  # a fault of ours: named, never a traceback
        return {"error": "Fault", "message": f"{type(error).__name__}: {error}"[:300]}


def main() -> None:
    _limit_memory()
    sys.setrecursionlimit(MOST_DEPTH)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints does not reach the pipe
    for line in sys.stdin:
        out.write(json.dumps(answered(json.loads(line))) + "\n")
        out.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on this system
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()

__all__ = ["BadInput", "answered"]
