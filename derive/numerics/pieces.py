"""One form out of several: each where it is best, by |x| over a length, and polynomials between.

The line of |x|/length is covered from 0 outwards by as few pieces as keep every point within the
goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from derive.definitions.floats import Floats
from derive.numerics.candidates import Candidate
from derive.numerics.errors import ErrorModel, size
from derive.numerics.fit import Profile, around_zero, between, profile
from derive.numerics.nodes import Local, Name, Node, absolute, where
from derive.numerics.units import Unit

# Where pieces may meet. Polynomials are tried up to _FARTHEST.
EDGES = (*(2.0**k for k in (-60, -40, -27, -20, -12, -8, -5, -3, -2, -1)), 1.0, 1.5, 2.0, 3.0,
          *(2.0**k for k in (2, 3, 4, 5, 6, 8, 11, 15, 20, 27, 30, 40, 60)), np.inf)  # fmt: skip
_POLYNOMIALS = (0.5, 1.0, 2.0)
_FARTHEST = 64.0
_MOST_PIECES = 6


@dataclass(frozen=True)
class _Piece:
    """A form up to |x|/length = end."""

    end: float
    form: Node
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """A candidate and its errors at every point of every sample."""

    candidate: Candidate
    errors: tuple[Floats, ...]


def piecewise(
    model: ErrorModel, measured: Sequence[Measured], unit: Unit | None, polynomials: bool
) -> list[Candidate]:
    """The composition along |x|/length (|x| itself without a unit), if there is one."""
    pieces = _Cover(model, measured, unit, polynomials).pieces()
    if pieces is None or len(pieces) < 2:
        return []
    x = model.loss.residual
    z = Name(x.name) if unit is None else Local("y", unit.lengths(x))
    return [_joined(pieces, absolute(z))]


def _joined(pieces: Sequence[_Piece], place: Node) -> Candidate:
    *inner, last = pieces
    form = last.form
    for piece in reversed(inner):
        form = where(place < piece.end, piece.form, form)
    rules = dict.fromkeys(rule for piece in pieces for rule in piece.rules)
    return Candidate(form, (*rules, "pieces"), len(pieces))


class _Cover:
    def __init__(
        self,
        model: ErrorModel,
        measured: Sequence[Measured],
        unit: Unit | None,
        polynomials: bool,
    ) -> None:
        name = "" if unit is None else unit.parameter.name
        measured = [m for m in measured if m.candidate.within is None or name in m.candidate.within]
        self.model, self.candidates = model, [m.candidate for m in measured]
        self.within = [(m.candidate.within or {}).get(name, (0.0, np.inf)) for m in measured]
        self.general = np.concatenate(model.general)
        if model.loss.kind == "pointwise":  # whose ends are put in afterwards
            self.general &= np.concatenate(
                [np.full(len(r.sample), r.sample.name != "ends") for r in model.references]
            )
        places = [_place(model, k, unit) for k in range(len(model.references))]
        self.z = np.concatenate(places)[self.general]
        self.errors = [np.concatenate(m.errors)[self.general] for m in measured]
        # Where no form keeps its digits, none of them is to blame.
        self.hopeless = np.min(self.errors, axis=0) > model.goal
        self.shape: Profile | None = None
        if polynomials:
            raw = model.derivation.quantities[model.quantity]
            self.shape = profile(raw, model.loss.residual, unit)
        if self.shape is not None:
            self.hopeless &= self.z >= _FARTHEST

    def pieces(self) -> list[_Piece] | None:
        """From 0 outwards; None where more pieces would be needed than is sensible."""
        found: list[_Piece] = []
        start = 0.0
        while start < np.inf:
            piece = self._longest(start)
            if piece is None or piece.end < max(2 * start, _POLYNOMIALS[0]):
                piece = self._polynomial(start) or piece or self._least_bad(start)
            if found and found[-1].form == piece.form:
                found.pop()
            found.append(piece)
            start = piece.end
            if len(found) > _MOST_PIECES:
                return None
        return [*map(self._amid, [0.0, *(p.end for p in found)], found, found[1:]), found[-1]]

    def _amid(self, start: float, piece: _Piece, following: _Piece) -> _Piece:
        """The end of a piece amid the edges at which both it and the next one hold: what ends it
        may come earlier between the points."""
        for candidate, errors, (low, _) in zip(
            self.candidates, self.errors, self.within, strict=True
        ):
            if candidate.form == following.form:
                bad = self._within(start, piece.end) & (errors > self.model.goal)
                first = max(low, float(np.max(self.z[bad], initial=start)))
                both = [e for e in EDGES if first < e <= piece.end]
                return replace(piece, end=both[len(both) // 2]) if len(both) > 1 else piece
        return piece

    def _within(self, start: float, end: float) -> np.ndarray:
        last = self.z <= end if end == np.inf else self.z < end
        return np.asarray((self.z >= start) & last & ~self.hopeless)

    def _worst(self, errors: np.ndarray, start: float, end: float) -> float:
        inside = errors[self._within(start, end)]
        return float(np.max(inside, initial=0.0))

    def _longest(self, start: float) -> _Piece | None:
        """The form that stays within the goal farthest out; of several the shortest."""
        found: list[tuple[tuple[float, int, int], _Piece]] = []
        for candidate, errors, (low, high) in zip(
            self.candidates, self.errors, self.within, strict=True
        ):
            if start < low:
                continue
            bad = self.z[(self.z >= start) & (errors > self.model.goal) & ~self.hopeless]
            limit = np.min(bad, initial=np.inf) if len(bad) else None
            allowed = [e for e in EDGES if limit is None or e <= limit]
            if limit is not None and np.isinf(limit):
                allowed = [e for e in EDGES if e < np.inf]
            end = max((e for e in allowed if e <= high), default=0.0)
            if end > start:
                # what misses less where it is not asked is safer between the points, too
                missed = int(np.count_nonzero(errors > self.model.goal))
                rank = end, -size(candidate.form), -missed
                found.append((rank, _Piece(end, candidate.form, candidate.rules)))
        return max(found, key=lambda row: row[0])[1] if found else None

    def _polynomial(self, start: float) -> _Piece | None:
        if self.shape is None or start >= _FARTHEST:
            return None
        if start < _POLYNOMIALS[0]:
            return self._near(self.shape, start)
        return self._panel(self.shape, start)

    def _near(self, shape: Profile, start: float) -> _Piece | None:
        for end in reversed(_POLYNOMIALS):
            for form in around_zero(shape, end):
                if self._fits(form, start, end):
                    return _Piece(end, form, ("polynomial at x = 0",))
        return None

    def _fits(self, form: Node, start: float, end: float) -> bool:
        errors = np.concatenate(self.model.errors(form))[self.general]
        return self._worst(errors, start, end) <= self.model.goal

    def _panel(self, shape: Profile, start: float) -> _Piece | None:
        for end in (2 * start, 1.5 * start):
            form = between(shape, start, end)
            if form is not None and self._fits(form, start, end):
                return _Piece(end, form, ("polynomial",))
        return None

    def _least_bad(self, start: float) -> _Piece:
        end = min(e for e in EDGES if e > start)
        worst = [
            self._worst(errors, start, end) if low <= start and end <= high else np.inf
            for errors, (low, high) in zip(self.errors, self.within, strict=True)
        ]
        chosen = self.candidates[int(np.argmin(worst))]
        return _Piece(end, chosen.form, chosen.rules)


def _place(model: ErrorModel, k: int, unit: Unit | None) -> Floats:
    """|x|/length at the points of a sample."""
    columns = model.references[k].sample.columns
    x = columns[model.loss.residual.name]
    with np.errstate(all="ignore"):
        if unit is None:
            return np.abs(x)
        length = columns[unit.parameter.name] ** float(1 / unit.weight)
        return np.asarray(np.abs(x / length))
