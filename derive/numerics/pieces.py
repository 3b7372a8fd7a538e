"""One form out of several: each where it is best, by |x| over a length, and polynomials between.

The line of z = |x|/length is covered from 0 outwards by as few pieces as keep every point within
the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Symbol

from derive.numerics.candidates import Candidate
from derive.numerics.fit import Profile, around_zero, between, is_length, profile
from derive.numerics.nodes import Local, Name, Node, absolute, where
from derive.numerics.yardstick import Yardstick

# Where pieces may meet. Polynomials are tried up to FARTHEST.
_EDGES = (*(2.0**k for k in (-20, -12, -8, -5, -3, -2, -1)), 1.0, 1.5, 2.0, 3.0,
          *(2.0**k for k in (2, 3, 4, 5, 6, 8, 11, 15, 20)), np.inf)  # fmt: skip
_REACHES = (0.5, 1.0, 2.0)
_FARTHEST = 64.0
_MOST_PIECES = 6


@dataclass(frozen=True)
class _Piece:
    """A form up to z = end."""

    end: float
    form: Node
    rules: tuple[str, ...]


def covered(
    stick: Yardstick, candidates: Sequence[Candidate], target: float
) -> list[Candidate]:
    """Compositions worth measuring, one for each length that x can be compared with."""
    loss = stick.derivation.loss
    lengths: list[Symbol | None] = [p for p in loss.parameters if is_length(loss, p)]
    found = []
    for length in lengths or [None]:
        pieces = _Cover(stick, candidates, length, target).pieces()
        if pieces is not None and len(pieces) > 1:
            found.append(_joined(pieces, _size(loss.residual, length)))
    return found


def _size(x: Symbol, length: Symbol | None) -> Node:
    z = Name(x.name) if length is None else Local("z", Name(x.name) / Name(length.name))
    return absolute(z)


def _joined(pieces: Sequence[_Piece], size: Node) -> Candidate:
    *inner, last = pieces
    form = last.form
    for piece in reversed(inner):
        form = where(size < piece.end, piece.form, form)
    rules = dict.fromkeys(rule for piece in pieces for rule in piece.rules)
    return Candidate(form, (*rules, "pieces"))


class _Cover:
    def __init__(
        self,
        stick: Yardstick,
        candidates: Sequence[Candidate],
        length: Symbol | None,
        target: float,
    ) -> None:
        self.stick, self.candidates, self.target = stick, candidates, target
        columns = stick.sample.columns
        x = columns[stick.derivation.loss.residual.name]
        self.z = np.abs(x if length is None else x / columns[length.name])
        lost = [stick.lost(c.form) for c in candidates]
        hopeless = np.all(lost, axis=0)  # no form has a value there: it decides nothing
        self.errors = [
            np.where(here & ~hopeless, np.inf, stick.errors(c.form))
            for c, here in zip(candidates, lost, strict=True)
        ]
        raw = stick.derivation.quantities[stick.quantity]
        shape = profile(raw, stick.derivation.loss.residual)
        self.shape = shape if shape is not None and shape.length == length else None

    def pieces(self) -> list[_Piece] | None:
        """From 0 outwards; None where more pieces would be needed than is sensible."""
        found: list[_Piece] = []
        start = 0.0
        while start < np.inf:
            piece = self._longest(start)
            if piece is None or piece.end < max(2 * start, _REACHES[0]):
                piece = self._polynomial(start) or piece or self._least_bad(start)
            found.append(piece)
            start = piece.end
            if len(found) > _MOST_PIECES:
                return None
        return found

    def _within(self, start: float, end: float) -> np.ndarray:
        return np.asarray((self.z >= start) & (self.z < end))

    def _worst(self, errors: np.ndarray, start: float, end: float) -> float:
        inside = errors[self._within(start, end)]
        return float(np.max(inside, initial=0.0))

    def _longest(self, start: float) -> _Piece | None:
        """The form that stays within the target farthest out."""
        best: _Piece | None = None
        for candidate, errors in zip(self.candidates, self.errors, strict=True):
            bad = self.z[(self.z >= start) & (errors > self.target)]
            limit = np.min(bad, initial=np.inf)
            end = max((e for e in _EDGES if e <= limit), default=0.0)
            if end > start and (best is None or end > best.end):
                best = _Piece(end, candidate.form, candidate.rules)
        return best

    def _polynomial(self, start: float) -> _Piece | None:
        if self.shape is None or start >= _FARTHEST:
            return None
        return self._near(self.shape) if start == 0 else self._panel(self.shape, start)

    def _near(self, shape: Profile) -> _Piece | None:
        for end in reversed(_REACHES):
            form = around_zero(shape, end)
            if form is not None and self._fits(form, 0.0, end):
                return _Piece(end, form, ("polynomial at x = 0",))
        return None

    def _fits(self, form: Node, start: float, end: float) -> bool:
        return self._worst(self.stick.errors(form), start, end) <= self.target

    def _panel(self, shape: Profile, start: float) -> _Piece | None:
        for end in (2 * start, 1.5 * start):
            form = between(shape, start, end)
            if form is not None and self._fits(form, start, end):
                return _Piece(end, form, ("polynomial",))
        return None

    def _least_bad(self, start: float) -> _Piece:
        end = min(e for e in _EDGES if e > start)
        worst = [self._worst(errors, start, end) for errors in self.errors]
        chosen = self.candidates[int(np.argmin(worst))]
        return _Piece(end, chosen.form, chosen.rules)

