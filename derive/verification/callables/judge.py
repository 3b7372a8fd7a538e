"""Judges somebody else's function against the definition of a loss.

The ways to call it and the conventions that fit are found by trying; then values over the whole
range in both dtypes, and what single values do not show, are looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.backend import arb
from derive.verification.callables.behaviour import PLAIN, Behaviour
from derive.verification.callables.call import Call
from derive.verification.callables.calls import by_name, calls, calls_beside
from derive.verification.callables.convention import Settings
from derive.verification.callables.findings import (
    DIFFERENT,
    EQUAL,
    UP_TO,
    Finding,
    Judgement,
    values_of,
    verdict_of,
)
from derive.verification.callables.points import Compared, finding, finding_of_errors
from derive.verification.callables.reading import Reading, read_call
from derive.verification.callables.roles import truth_of
from derive.verification.callables.script import script
from derive.verification.callables.session import ENDINGS, Given, Session
from derive.verification.callables.truth import Batch, Truth
from derive.verification.callables.values import Comparison
from derive.verification.process import LATE
from derive.verification.report import REFUTED, UNKNOWN

SPECIAL = {"0": 0.0, "inf": math.inf, "-inf": -math.inf, "nan": math.nan, "1e200": 1e200}
REDUCES = "called with one element at a time: of more it gives one number"


def judge(
    subject: str, loss: Loss, quantity: str, fixed: Settings, seed: int = 0,
    call: Call | None = None, folders: Sequence[str] = (),
) -> Judgement:  # fmt: skip
    """subject: MODULE:FUNCTION. fixed: parameters that were set, by their names or ours.

    call: how to call it, where that is known. folders: where its module is found beside the
    working folder.
    """
    if not all(part.isidentifier() for half in _halves(subject) for part in half.split(".")):
        raise BadInput(f"--implementation {subject}: MODULE:FUNCTION is wanted, such as math:fabs")
    truth = truth_of(loss, quantity)
    with Session(subject, folders=folders) as session:
        told = session.describe()
        name = f"{subject} as {quantity} of {loss.name}"
        if "error" in told:
            if told["error"].startswith((LATE, *ENDINGS)):
                return _ended(name, f"while it is imported, {told['error']}")
            raise BadInput(f"--implementation {subject}: {told['error']}")
        ways = [call] if call else _ways(told, truth, list(fixed))
        if not ways and fixed:
            names = ", ".join(fixed)
            raise BadInput(f"--set: {subject} has no place for {names}; it takes {_taken(told)}")
        reading, error = read_call(session, ways, truth, fixed)
        if reading is None:
            if error.startswith(ENDINGS):
                return _ended(name, error)
            hint = (
                ""
                if fixed or error.startswith(LATE)
                else "; say its parameters with --set NAME=VALUE"
            )
            detail = f"no way to call it was found; {error or 'it takes no arguments'}{hint}"
            return Judgement(name, UNKNOWN, UNKNOWN, detail)
        return _Case(subject, session, truth, reading, dict(fixed), name, seed).judgement(told)


def _ways(told: Mapping[str, Any], truth: Truth, given: Sequence[str]) -> list[Call]:
    ours, slope = truth.names[1:], truth.quantity == f"d_{truth.loss.residual}"
    if truth.loss.predictions:
        found = calls_beside(told, ours, given, slope, truth.forms)
    else:
        found = calls(told, ours, given, slope or truth.quantity == "d_x")
    return by_name(found, told, (truth.names[0], *truth.forms[:1], *ours))


def _taken(told: Mapping[str, Any]) -> str:
    """The names of the arguments of a function, and of the class that it is a method of."""
    parts = [part for part in (told["owner"], told["function"]) if part is not None]
    return ", ".join(a["name"] for p in parts for a in p.get("names", ()) if a["name"] != "self")


def _ended(name: str, what: str) -> Judgement:
    """A crash or an exit is a finding; what hangs is not decided."""
    if LATE in what:
        return Judgement(name, UNKNOWN, UNKNOWN, what)
    finding = Finding(what, {}, "values", "no process")
    return Judgement(name, REFUTED, DIFFERENT, what, findings=(finding,), witness={
        "expected": finding.expected, "got": finding.got,
    })  # fmt: skip


def _of_end(stopped: tuple[str, Mapping[str, Any]] | None) -> Iterator[Finding]:
    """A call that took its process along. What only takes too long is no finding."""
    if stopped and not stopped[0].startswith(LATE):
        what, at = stopped
        yield Finding(f"{what} at {values_of(at)}", at, "values", "no process")


def _among(one: Finding, size: int, name: str) -> Finding:
    """A wrong value that shows only in an array of some length."""
    made = f"numpy.full({size}, {one.witness[name]!r}, dtype={one.witness['dtype']!r})"
    return replace(
        one, made=made, ask="print(({call})[0])", witness={**one.witness, "elements": size}
    )


def _halves(subject: str) -> tuple[str, str]:
    module, _, path = subject.partition(":")
    return module, path


@dataclass
class _Case:
    """One function, once it is known how to call it."""

    subject: str
    session: Session
    truth: Truth
    reading: Reading
    fixed: dict[str, float]
    name: str
    seed: int = 0

    def judgement(self, told: Mapping[str, Any]) -> Judgement:
        call, at = self.reading.call, self.reading.settings
        self.session.close()  # a new process, whose very first call is looked at
        fresh = self.session.call(call, self.truth.question(PLAIN, at))
        moved = {n: v if n in self.fixed else 1.7 * v for n, v in at.items()}
        seen = Behaviour(self.session, call, at, moved, self._expected, self.truth)
        seen.look(fresh)
        if told["patched"]:
            names = ", ".join(told["patched"][:3])
            seen.findings.append(Finding(f"NumPy is changed ({names})", {}, "unchanged", "changed"))
        compare = Comparison(
            self.session, call, self.truth, self.reading.convention, self._set(call), self.seed
        )
        dtypes = ("float64",) if call.library == "floats" else ("float64", "float32")
        found: dict[str, Compared] = {}
        stopped = seen.stopped
        for dtype in dtypes:
            if not stopped:
                found[dtype] = compare.over(dtype)
                stopped = found[dtype].stopped
        findings = [*_of_end(stopped), *self._ordered(found, seen.findings, bool(stopped))]
        points = sum(c.points for c in found.values())
        if not findings and (stopped or not points):
            said = f"{stopped[0]} at {values_of(stopped[1])}" if stopped else (
                f"it gives no values: {found['float64'].errors[0]}"
            )  # fmt: skip
            return Judgement(self.name, UNKNOWN, UNKNOWN, said, call=self._typed())
        relation = self._relation(findings)
        first = findings[0] if findings else None
        return Judgement(
            id=self.name,
            verdict=verdict_of(relation),
            relation=relation,
            detail=self._detail(findings, points),
            map=self.reading.convention.as_data() if self.reading.fits else None,
            convention=self.reading.convention.text() if self.reading.fits else "",
            witness=None if first is None else {
                **first.witness, "expected": first.expected, "got": first.got,
            },
            findings=tuple(findings),
            call=self._typed(),
            points=points,
            worst_ulp={d: c.worst.error for d, c in found.items() if c.worst},
            worst_at={d: {self.truth.names[0]: c.worst.given, **c.worst.settings}
                      for d, c in found.items() if c.worst},
            dtypes={d: c.out for d, c in found.items() if c.out},
            special=dict(self._special()),
            shapes=seen.shapes,
            warnings=tuple(dict.fromkeys(w for c in found.values() for w in c.warnings)),
            notes=(*_names(call), *seen.notes, *_notes(found), *((REDUCES,) if call.each else ())),
            script=self._script(found, first),
        )  # fmt: skip

    def _set(self, call: Call) -> dict[str, float]:
        return {name: value for name, value in self.fixed.items() if name in call.parameters}

    def _expected(self, given: Given) -> Floats:
        """Exact values where parameters may be arrays."""
        convention = self.reading.convention

        def values(batch: Batch) -> list[float]:
            factor, offset = (
                n.ball(batch.settings) for n in (convention.factor, convention.offset)
            )
            found = self.truth.exact(batch, convention.ours(batch.settings), factor, offset)
            return [math.nan if value is None else value.float64() for value in found]

        whole = Batch(given.x, given.numbers, given.beside)
        if not given.arrays:
            return np.array(values(whole)).reshape(self.truth.shape(given.x))
        names = list(given.arrays)
        shape = np.broadcast_shapes(given.x.shape, *(a.shape for a in given.arrays.values()))
        out = np.empty(shape)
        for index in np.ndindex(shape):
            at = {n: float(np.broadcast_to(given.arrays[n], shape)[index]) for n in names}
            one = whole.spread(shape).part(index).alone()
            out[index] = values(Batch(one.x, {**given.numbers, **at}, one.beside))[0]
        return out

    def _of_values(self, found: Mapping[str, Compared]) -> Iterator[Finding]:
        for compared in found.values():
            if compared.faults:
                yield finding(compared.faults, self.truth.names)
            if compared.raised:
                yield finding_of_errors(compared.raised, self.truth.names)

    def _of_use(self, found: Mapping[str, Compared]) -> Iterator[Finding]:
        """What comes out that is no array of numbers like x, and parameters that do nothing."""
        call, reading = self.reading.call, self.reading
        if reading.odd:
            grid = self.truth.grid
            shape = str(self.truth.shape(grid))
            what = f"shape {reading.odd} comes out for {grid.shape}"
            yield Finding(what, {self.truth.names[0]: grid.tolist()}, shape, reading.odd)
        for dtype, compared in found.items():
            if compared.out and not call.each and not re.match("u?int|b?float", compared.out):
                what = f"{compared.out} comes out for {dtype}"
                one = self.truth.question(np.ones(1), reading.settings)
                at = {**self._told(one), "dtype": dtype}
                yield Finding(what, at, dtype, compared.out)
        for name in set(call.parameters) & set(self.truth.names[1:]):
            if reading.fits and name not in reading.convention.letters:
                yield self._of_idle(name)

    def _ordered(
        self, found: Mapping[str, Compared], seen: Sequence[Finding], stopped: bool
    ) -> list[Finding]:
        """Wrong values first, unless they depend on the rest of the array."""
        values, told = list(self._of_values(found)), [*seen, *self._of_use(found)]
        many = self.truth.over_classes
        if values and not stopped and not many and not self._shows(values[0], 1):
            size = found[str(values[0].witness["dtype"])].size
            if told:
                return [*told, *values]
            if self._shows(values[0], size):
                values[0] = _among(values[0], size, self.truth.names[0])
        return [*values, *told]

    def _shows(self, one: Finding, size: int) -> bool:
        """Whether a wrong value is wrong in an array of so many of it."""
        told = self.truth.arguments(one.witness)
        at = {n: v for n, v in one.witness.items() if n in self.reading.settings}
        beside = {n: np.resize(told[n], size) for n in self.reading.call.beside}
        x = np.full(size, one.witness[self.truth.names[0]])
        given = self.truth.given(Batch(x, at, beside), dtype=str(one.witness["dtype"]))
        answer = self.session.call(self.reading.call, given)
        return bool(answer.error) or repr(float(answer.first.ravel()[0])) == one.got

    def _of_idle(self, name: str) -> Finding:
        """A parameter that is called as ours is and changes nothing."""
        at = {**self.reading.settings, name: 1.7 * self.reading.settings[name]}
        given = self.truth.question(np.array([1.21]), at)
        got = self.session.call(self.reading.call, given).first.ravel()
        ours = {n: arb(at.get(n, float(b))) for n, b in self.reading.convention.ours(at).items()}
        batch = Batch(given.x, at, given.beside)
        (right, *_) = self.truth.exact(batch, ours, arb(1), arb(0))
        said = repr(right.float64()) if right else "a value"
        return Finding(f"{name} changes nothing", self._told(given), said, repr(float(got[0])))

    def _told(self, given: Given) -> dict[str, Any]:
        """What went in, of one input."""
        return self.truth.told_of(Batch(given.x, given.numbers, given.beside), 0)

    def _relation(self, findings: Sequence[Finding]) -> str:
        if findings or not self.reading.fits:
            return DIFFERENT
        return EQUAL if self.reading.convention.is_equal else UP_TO

    def _detail(self, findings: Sequence[Finding], points: int) -> str:
        if not self.reading.fits:
            return "no factor, offset and length that a person would write make it ours"
        convention = self.reading.convention.text()
        if findings:
            return f"it is meant as {convention}, but {findings[0].what}"
        return f"{convention}, at {points} points"

    def _special(self) -> Iterator[tuple[str, str]]:
        for name, value in SPECIAL.items():
            if not self.truth.has_place(value):
                continue
            given = self.truth.special(np.array([value, 1.0]), self.reading.settings)
            expected = self._expected(given).ravel()[0]
            one = self.session.call(self.reading.call, given)
            if one.error:
                yield name, one.error.partition("\n")[0][:60]
                continue
            got = float(one.first.ravel()[0])
            same = math.isclose(got, expected, rel_tol=1e-9) or math.isnan(expected)
            yield name, repr(got) + ("" if same else f" ({float(expected)!r} is right)")

    def _typed(self) -> str:
        beside = {name: name for name in self.reading.call.beside}
        return self.reading.call.text(self.subject, {**self.reading.settings, **beside})

    def _script(self, found: Mapping[str, Compared], first: Finding | None) -> str:
        """How to see the first finding, else the worst value, by hand."""
        call = self.reading.call
        worst = found["float64"].worst if "float64" in found else None
        if first is None:
            if worst is None:
                return ""
            told = self.truth.arguments(worst.witness(self.truth.names))
            return script(
                self.subject, call, told, told[self.truth.names[0]], worst.dtype,
                repr(worst.expected),
            )  # fmt: skip
        told = {**self.reading.settings, **self._arguments(first)}
        x, dtype = told.get(self.truth.names[0], 1.0), first.witness.get("dtype", "")
        return script(
            self.subject, call, told, x, str(dtype), first.expected, first.made, first.ask
        )  # fmt: skip

    def _arguments(self, one: Finding) -> dict[str, Any]:
        """What is typed for a witness; where that names no input, a plain one."""
        if self.truth.names[0] in one.witness:
            return self.truth.arguments(one.witness)
        given = self.truth.question(np.ones(1), self.reading.settings)
        return {**self.truth.arguments(self._told(given)), **one.witness}


def _names(call: Call) -> Iterator[str]:
    if call.by_name:
        yield f"arguments that are called as ours are taken for these: {', '.join(call.by_name)}"
    if call.against:
        yield f"{call.against} is no {call.against} of ours: taken so, nothing fits"


def _notes(found: Mapping[str, Compared]) -> Iterator[str]:
    for dtype, compared in found.items():
        if compared.errors:
            yield f"{dtype}: {compared.errors[0]}"
        if compared.near:
            p = compared.near[0]
            yield f"digits are lost beside a special value of a parameter: {p.settings}, {dtype}"
        if compared.out and compared.out != dtype:
            yield f"{dtype} in, {compared.out} out"
