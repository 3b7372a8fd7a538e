"""Faults that single values do not show: what a call changes, remembers, or makes of shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.callables.call import Call
from derive.verification.callables.convention import Settings
from derive.verification.callables.findings import Finding
from derive.verification.callables.session import Answer, Given, Session

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

Expected = Callable[[Floats, Mapping[str, Floats | float]], Floats]


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
    names: tuple[str, ...]
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
        if self._called(Given(PLAIN, self.moved)).mutated:
            self._fault("the caller's array is changed", PLAIN.tolist(), "unchanged", "changed",
                        ask=CHANGED, more=self.moved)  # fmt: skip
        if self.call.library != "floats" and not self.call.each:
            self._views()
            self._lengths()
            self._parameters()
            self._integers()
            self._nan()

    def _ask(self, x: Floats, **more: object) -> Answer:
        return self._called(Given(x, self.settings, **more))  # type: ignore[arg-type]

    def _called(self, given: Given) -> Answer:
        answer = self.session.call(self.call, given)
        if answer.is_final:
            at = {"elements": given.x.size, "dtype": given.dtype}
            raise _Stopped(answer.error, {**given.numbers, **at})
        return answer

    def _fault(
        self, what: str, x: object, expected: object, got: object, made: str = "", ask: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        witness = {self.names[0]: x, **self.settings, **(more or {})}
        told = (str(expected), str(got), "behaviour", made, ask)
        self.findings.append(Finding(what, witness, *told))

    def _repeated(self, fresh: Answer) -> None:
        again = self._ask(PLAIN, times=2)
        if again.error or fresh.error:
            self._fault("the second call fails", PLAIN.tolist(), "values", again.error)
            return
        for what, other in (("a later call", again.values[1]), ("another call", again.values[0])):
            if not _same(fresh.first, other):
                k = int(np.argmax(fresh.first != other))
                self._fault(
                    f"{what} of the same gives something else",
                    *(float(PLAIN[k]), float(fresh.first[k]), float(other[k])),
                    made=_code(PLAIN), ask=TWICE,
                )  # fmt: skip
                return
        after = self._ask(PLAIN, after=True)
        if not after.error and not _same(after.first, fresh.first):
            self._fault(
                "the next call overwrites the result", PLAIN.tolist(), fresh.first.tolist(),
                after.first.tolist(), ask=KEPT,
            )  # fmt: skip
        if again.patched:
            names = ", ".join(again.patched[:3])
            self._fault(f"NumPy is changed ({names})", PLAIN.tolist(), "unchanged", "changed")

    def _views(self) -> None:
        square = np.array([[0.3, -0.9, 2.1], [4.2, 0.55, -7.1]])
        for view, x in (
            ("reversed", np.array([1.1, 2.2, -3.6])), ("strided", np.array([1.1, 2.2, -3.6])),
            ("", square), ("fortran", square), ("reversed", square),
        ):  # fmt: skip
            what = f"{view or 'plain'} {x.ndim}-d array"
            made = VIEWS[view].format(_code(x))
            self._compare(what, x, self._ask(x, view=view), made=made)
        self._compare("0-d array", np.array(1.4), self._ask(np.array(1.4)))
        empty = self._ask(np.zeros(0))
        self.shapes["empty array"] = empty.error or f"shape {empty.first.shape}"

    def _lengths(self) -> None:
        right = self.expected(PERIOD, self.settings)
        for length in LENGTHS:  # the longer ones repeat, so that exact values are had once
            x = np.resize(PERIOD, length)
            what, answer = f"{length} elements", self._ask(x)
            self._compare(what, x, answer, right=np.resize(right, length))
            if answer.error and length <= len(PERIOD):
                return  # the call does not take these values, however few
            if answer.error:
                self._fault(
                    f"it fails for {what}", _resized(x), "values", _line(answer.error)
                )  # fmt: skip
                return

    def _compare(
        self,
        what: str,
        x: Floats,
        answer: Answer,
        parameters: Mapping[str, Floats] | None = None,
        right: Floats | None = None,
        made: str = "",
    ) -> None:
        if answer.error:
            self.shapes[what] = _line(answer.error)
            return
        if right is None:
            right = np.asarray(self.expected(x, {**self.settings, **(parameters or {})}))
        if answer.first.shape != right.shape:
            self.shapes[what] = (
                f"{list(right.shape)} is right, {list(answer.first.shape)} comes out"
            )
            return
        self.shapes[what] = "right"
        same = np.isclose(answer.first, right, rtol=ROUNDING, atol=0.0, equal_nan=True)
        wrong = np.atleast_1d(~same)
        if np.any(wrong):
            self.shapes[what] = "wrong"
            arrays = {k: v.tolist() for k, v in (parameters or {}).items()}
            at = {"first wrong place": [int(i[0]) for i in np.nonzero(wrong)]}
            shown = x.tolist() if x.size < 20 else _resized(x)
            expected, got = (np.atleast_1d(v)[wrong] for v in (right, answer.first))
            self._fault(
                f"wrong for {what}", shown, _short(expected), _short(got),
                made, more={**arrays, **at},
            )  # fmt: skip

    def _parameters(self) -> None:
        """Parameters that are arrays: of the shape of x, and of one that broadcasts."""
        if not self.call.parameters or self.call.construct is not None:
            return
        rows = np.array([[3.1, 2.2], [3.1, 0.55]])
        for name in self.call.parameters:
            value = self.settings[name]
            same = value * np.array([[1.0, 1.0], [2.0, 2.0]])
            for what, array in (("of x's shape", same), ("that broadcasts", same[:, :1])):
                answer = self._ask(rows, arrays={name: array})
                self._compare(f"{name} an array {what}", rows, answer, {name: array})
                if answer.mutated:
                    self._fault(f"the caller's array of {name} is changed", rows.tolist(),
                                "unchanged", "changed", more={name: array.tolist()})  # fmt: skip

    def _integers(self) -> None:
        x = np.array([3.0, -2.0, 0.0, 7.0])
        answer = self._ask(x, dtype="int64")
        self._compare("integers", x, answer, made=_code(x.astype(int)))

    def _nan(self) -> None:
        x = np.array([1.1, np.nan, -2.6, 0.55])
        answer = self._ask(x)
        if answer.error:
            self.notes.append(f"NaN in x is refused: {_line(answer.error)}")
            return
        right = self.expected(x, self.settings)
        if not np.isnan(answer.first[1]):
            self._fault("NaN in x is hidden", x.tolist(), _short(right), _short(answer.first))
        elif not np.allclose(answer.first, right, rtol=ROUNDING, equal_nan=True):
            self._fault("NaN spreads", x.tolist(), _short(right), _short(answer.first))


def _same(first: Floats, second: Floats) -> bool:
    return first.shape == second.shape and bool(np.array_equal(first, second, equal_nan=True))


def _resized(x: Floats) -> str:
    return f"numpy.resize(numpy.linspace(-3, 4, {len(PERIOD)}), {x.size})"


def _code(x: Floats) -> str:
    return f"numpy.array({x.tolist()})".replace("nan", "numpy.nan")


def _line(text: str) -> str:
    return text.partition("\n")[0][:100]


def _short(values: Floats) -> str:
    shown = [repr(v) for v in np.ravel(values)[:6].tolist()]
    return ", ".join(shown) + (", …" if np.size(values) > 6 else "")
