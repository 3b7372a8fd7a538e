"""Faults that single values do not show: what a call changes, remembers, or makes of shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.callables.call import Call
from derive.verification.callables.convention import Settings
from derive.verification.callables.findings import Finding
from derive.verification.callables.session import Answer, Given, Session
from derive.verification.callables.truth import Truth

# none is a parameter of anybody: corners are looked at elsewhere
PLAIN = np.array([0.3, -0.9, 2.6, 0.011, -41.0, 7.1, 1.4])
LENGTHS = (1, 2, 63, 64, 65, 100, 257, 1025, 4099)
PERIOD = np.linspace(-3.0, 4.0, 257)
ROUNDING = 1e-9  # vector units round some lengths differently; a fault is larger

# How a fault is seen by hand: what makes a view of values, what shows a changed or other result.
VIEWS = {
    "": "{0}",
    "reversed": "numpy.flip(numpy.flip({0}).copy())",
    "strided": "numpy.repeat({0}, 2)[::2]",
    "fortran": "numpy.asfortranarray({0})",
}
CHANGED = "{call}; print(x)"
TWICE = "print({call}, {call})"
KEPT = "y = {call}; x = 0*x + 5; {call}; print(y)"

Expected = Callable[[Given], Floats]


class _Stopped(Exception):
    """The process was ended: what ended it, and where."""


@dataclass
class Behaviour:
    """Asks with unusual arguments; `findings` are faults, `shapes` and `notes` are told."""

    session: Session
    call: Call
    settings: Settings
    moved: Settings  # the same with other values of the parameters that may have them
    expected: Expected
    truth: Truth
    findings: list[Finding] = field(default_factory=list)
    shapes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stopped: tuple[str, Settings] | None = None

    def look(self, fresh: Answer) -> None:
        """fresh: what the very first call of a new process gave at PLAIN."""
        try:
            self._look(fresh)
        except _Stopped as stop:
            self.stopped = stop.args

    def _look(self, fresh: Answer) -> None:
        self._repeated(fresh)
        moved = self.truth.question(PLAIN, self.moved)
        if self._called(moved).mutated:
            self._fault("the caller's array is changed", moved, "unchanged", "changed", ask=CHANGED)
        if self.call.library != "floats" and not self.call.each:
            self._views()
            self._lengths()
            if not self.truth.over_classes:
                self._parameters()
            self._integers()
            self._nan()

    def _given(self, x: Floats, **more: Any) -> Given:
        return self.truth.question(x, self.settings, **more)

    def _called(self, given: Given) -> Answer:
        answer = self.session.call(self.call, given)
        if answer.is_final:
            at = {"elements": given.x.size, "dtype": given.dtype}
            raise _Stopped(answer.error, {**given.numbers, **at})
        return answer

    def _fault(
        self, what: str, given: Given, expected: object, got: object, made: str = "",
        ask: str = "", more: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        beside = {n: v for n, v in given.beside.items() if n in self.call.beside}
        arrays = {self.truth.names[0]: given.x, **beside, **given.arrays}
        shown = {n: self._spelt(v) for n, v in arrays.items()}
        witness = {**shown, **given.numbers, **shown, **(more or {})}
        told = (str(expected), str(got), "behaviour", made, ask)
        self.findings.append(Finding(what, witness, *told))

    @property
    def _period(self) -> Floats:
        return PLAIN if self.call.beside or self.truth.over_classes else PERIOD

    def _spelt(self, values: Floats) -> Any:
        """As numbers or, where they repeat, as the code that makes them."""
        if values.ndim == 0 or len(values) < 20:
            return values.tolist()
        if self._period is PERIOD:
            return f"numpy.resize(numpy.linspace(-3, 4, {len(PERIOD)}), {len(values)})"
        first = values[: len(self._period)].tolist()
        return f"numpy.resize(numpy.array({first}), {values.shape})"

    def _repeated(self, fresh: Answer) -> None:
        plain = self._given(PLAIN)
        again = self._called(replace(plain, times=2))
        if again.error or fresh.error:
            self._fault("the second call fails", plain, "values", again.error)
            return
        for what, other in (("a later call", again.values[1]), ("another call", again.values[0])):
            if not _same(fresh.first, other):
                k = int(np.argmax(fresh.first.ravel() != other.ravel()))
                self._fault(
                    f"{what} of the same gives something else", plain,
                    float(fresh.first.ravel()[k]), float(other.ravel()[k]), ask=TWICE,
                )  # fmt: skip
                return
        after = self._called(replace(plain, after=True))
        if not after.error and not _same(after.first, fresh.first):
            self._fault(
                "the next call overwrites the result", plain, fresh.first.tolist(),
                after.first.tolist(), ask=KEPT,
            )  # fmt: skip
        if again.patched:
            names = ", ".join(again.patched[:3])
            self._fault(f"NumPy is changed ({names})", plain, "unchanged", "changed")

    def _views(self) -> None:
        square = np.array([[0.3, -0.9, 2.1], [4.2, 0.55, -7.1]])
        for view, x in (
            ("reversed", np.array([1.1, 2.2, -3.6])), ("strided", np.array([1.1, 2.2, -3.6])),
            ("", square), ("fortran", square), ("reversed", square),
        ):  # fmt: skip
            what = f"{view or 'plain'} {x.ndim}-d array"
            if self.truth.over_classes and x.ndim > 1:
                continue  # where the classes are is another question
            given = self._given(x, view=view)
            self._compare(what, given, made=VIEWS[view].format(_code(given.x)))
        self._compare("0-d array", self._given(np.array(1.4)))
        given = self._given(np.zeros(0))
        empty = self._called(given)
        is_right = not empty.error and empty.first.shape == self.truth.shape(given.x)
        said = empty.error or f"shape {empty.first.shape}"
        self.shapes["empty array"] = "right" if is_right else said

    def _lengths(self) -> None:
        right = self.expected(self._given(self._period))
        for length in LENGTHS:  # the longer ones repeat, so that exact values are had once
            given, what = self._given(np.resize(self._period, length)), f"{length} elements"
            answer = self._compare(what, given, np.resize(right, (length, *right.shape[1:])))
            if answer.error and length <= len(self._period):
                return  # the call does not take these values, however few
            if answer.error:
                self._fault(f"it fails for {what}", given, "values", _line(answer.error))
                return

    def _compare(
        self, what: str, given: Given, right: Floats | None = None, made: str = ""
    ) -> Answer:
        answer = self._called(given)
        if answer.error:
            self.shapes[what] = _line(answer.error)
            return answer
        if right is None:
            right = self.expected(given)
        if answer.first.shape != right.shape:
            self.shapes[what] = (
                f"{list(right.shape)} is right, {list(answer.first.shape)} comes out"
            )
            return answer
        self.shapes[what] = "right"
        same = np.isclose(answer.first, right, rtol=ROUNDING, atol=0.0, equal_nan=True)
        wrong = np.atleast_1d(~same)
        if np.any(wrong):
            self.shapes[what] = "wrong"
            at = {"first wrong place": [int(i[0]) for i in np.nonzero(wrong)]}
            expected, got = (np.atleast_1d(v)[wrong] for v in (right, answer.first))
            self._fault(f"wrong for {what}", given, _short(expected), _short(got), made, more=at)
        return answer

    def _parameters(self) -> None:
        """Parameters that are arrays: of the shape of x, and of one that broadcasts."""
        if not self.call.parameters or self.call.construct is not None:
            return
        rows = np.array([[3.1, 2.2], [3.1, 0.55]])
        for name in self.call.parameters:
            value = self.settings[name]
            same = value * np.array([[1.0, 1.0], [2.0, 2.0]])
            for what, array in (("of x's shape", same), ("that broadcasts", same[:, :1])):
                given = self._given(rows, arrays={name: array})
                if self._compare(f"{name} an array {what}", given).mutated:
                    told = f"the caller's array of {name} is changed"
                    self._fault(told, given, "unchanged", "changed")

    def _integers(self) -> None:
        given = self._given(np.array([3.0, -2.0, 0.0, 7.0]), dtype="int64")
        if np.array_equal(given.x, np.round(given.x)):
            self._compare("integers", given, made=_code(given.x.astype(int)))

    def _nan(self) -> None:
        given = self._given(np.array([1.1, np.nan, -2.6, 0.55]))
        answer = self._called(given)
        if answer.error:
            self.notes.append(f"NaN in x is refused: {_line(answer.error)}")
            return
        right = self.expected(given)
        if answer.first.shape != right.shape:
            return
        if not np.isnan(answer.first[1]).any():
            self._fault("NaN in x is hidden", given, _short(right), _short(answer.first))
        elif not np.allclose(
            np.delete(answer.first, 1, 0), np.delete(right, 1, 0), rtol=ROUNDING, equal_nan=True
        ):
            self._fault("NaN spreads", given, _short(right), _short(answer.first))


def _same(first: Floats, second: Floats) -> bool:
    return first.shape == second.shape and bool(np.array_equal(first, second, equal_nan=True))


def _code(x: Floats) -> str:
    return f"numpy.array({x.tolist()})".replace("nan", "numpy.nan")


def _line(text: str) -> str:
    return text.partition("\n")[0][:100]


def _short(values: Floats) -> str:
    shown = [repr(v) for v in np.ravel(values)[:6].tolist()]
    return ", ".join(shown) + (", …" if np.size(values) > 6 else "")
