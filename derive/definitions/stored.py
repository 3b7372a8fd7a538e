"""A function of one parameter as numbers that somebody computed: polynomials piece by piece.

The pieces cover [0, inf]. On each the function is value + (rest + c1 z + c2 z^2 + …), with
z = (v - middle) rate and v = p/(p + squeeze) or log(|p - centre|/p), which is 0 at inf;
value + rest carries the constant to twice the precision. Next to `centre` the function is singular
like a logarithm: there it is value + (rest - l/2 log m + m + G(l, w)) with l = centre/p - 1,
m = |l|, w = m^(1/p) and G a polynomial, one below the centre and one above it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sympy import Symbol

from derive.errors import EnvironmentTrouble

Variable = Literal["squeezed", "log_ratio"]


@dataclass(frozen=True)
class Piece:
    """start <= p < stop. variable: "squeezed" is p/(p + squeeze), "log_ratio" the logarithm."""

    start: float
    stop: float
    variable: Variable
    middle: float
    rate: float
    value: float
    rest: float
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Centre:
    """start <= p < stop. below, above: G as rows[j][k], the coefficient of w^j l^k."""

    start: float
    stop: float
    value: float
    rest: float
    below: tuple[tuple[float, ...], ...]
    above: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Numbers:
    """The pieces in ascending order, and the one around the centre."""

    pieces: tuple[Piece, ...]
    centre: Centre

    @property
    def breaks(self) -> tuple[float, ...]:
        """Where one piece ends and the next begins, the centre counted among them."""
        return tuple(sorted({p.start for p in self.pieces} | {self.centre.start}))[1:]

    @property
    def before(self) -> int:
        """How many pieces lie below the centre."""
        return sum(piece.stop <= self.centre.start for piece in self.pieces)

    def flat(self) -> list[float]:
        """Every number, in order."""
        return list(_flat(asdict(self)))

    def checksum(self) -> str:
        """sha256 over everything, numbers as hexadecimal floats."""
        return hashlib.sha256(json.dumps(hexadecimal(asdict(self))).encode()).hexdigest()


@dataclass(frozen=True)
class Stored:
    """log Z of a loss as log(stretch) + a stored function of one parameter.

    place: the file that holds the numbers; command: what made it; origin: where they come from,
    in a sentence. squeeze, centre: see above.
    """

    parameter: Symbol
    stretch: Symbol
    place: Path
    command: str
    origin: str
    squeeze: float
    centre: float

    @property
    def numbers(self) -> Numbers:
        return load(self.place, self.command)


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _flat(part)
    elif isinstance(value, (int, float)):
        yield float(value)


def hexadecimal(value: Any) -> Any:
    """The same structure, numbers as hexadecimal text."""
    if isinstance(value, dict):
        return {name: hexadecimal(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [hexadecimal(part) for part in value]
    return value.hex() if isinstance(value, float) else value


@cache
def load(place: Path, command: str) -> Numbers:
    """The stored numbers. EnvironmentTrouble if the file was altered or is not one."""
    try:
        record = json.loads(place.read_text(encoding="ascii"))
        form, stored = record["form"], record["sha256"]
        pieces = tuple(Piece(variable=p["variable"], **_numbers(p)) for p in form["pieces"])
        found = Numbers(pieces, Centre(**_numbers(form["centre"])))
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise EnvironmentTrouble(f"{place.name} cannot be read: {trouble}; run {command}") from None
    if found.checksum() != stored:
        raise EnvironmentTrouble(f"{place.name} does not match its checksum; run {command}")
    return found


def _numbers(record: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(part) for name, part in record.items() if name != "variable"}


def _number(value: Any) -> Any:
    return tuple(map(_number, value)) if isinstance(value, list) else float.fromhex(value)
