"""What was found about somebody else's function."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from derive.verification.report import AGREES, REFUTED, UNKNOWN

EQUAL, UP_TO, DIFFERENT = "equal", "up to", "different"
METHOD = "calls in a child process against ball arithmetic on the definition"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: what, and the call that shows it.

    made: the input as NumPy code, where it is more than its values. ask: lines that show it, with
    {call} in them, where one call does not.
    """

    what: str
    witness: Mapping[str, Any]
    expected: str
    got: str
    stratum: str = ""
    made: str = ""
    ask: str = ""


@dataclass(frozen=True)
class Judgement:
    """All about one function. worst_ulp: beyond kappa, over the points that agree."""

    id: str
    verdict: str
    relation: str
    detail: str
    method: str = METHOD
    map: Mapping[str, Any] | None = None
    convention: str = ""
    witness: Mapping[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    call: str = ""
    points: int = 0
    worst_ulp: Mapping[str, float] = field(default_factory=dict)
    worst_at: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    special: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    script: str = ""

    def exit_code(self, exact: bool = False) -> int:
        if self.verdict == UNKNOWN:
            return 3
        return 1 if self.verdict == REFUTED or (exact and self.relation != EQUAL) else 0

    def to_json(self) -> str:
        return json.dumps(_plain(asdict(self)), indent=1, sort_keys=True)


def values_of(at: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in at.items())


def verdict_of(relation: str) -> str:
    return {EQUAL: AGREES, UP_TO: AGREES, DIFFERENT: REFUTED}.get(relation, UNKNOWN)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
