"""Records say what would be derived now; one that does not count is not read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from derive import recorded, showing
from derive.definitions.catalogue import NAMES, load
from derive.views.latex.request import Request
from tools import record

SAMPLE = ("huber", "hinge", "jensen_shannon")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in SAMPLE else [pytest.mark.slow]) for n in NAMES]
)
def test_what_is_recorded_is_what_would_be_derived(name: str) -> None:
    stored = json.loads((recorded.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    made = json.loads(json.dumps(record.record(name)))
    stale = "stale: python -m tools.record"
    assert {**stored, "made_from": ""} == {**made, "made_from": ""}, stale


def test_every_loss_has_a_record_and_nothing_else_has() -> None:
    assert {file.stem for file in recorded.FOLDER.iterdir()} == set(NAMES)


def test_a_record_counts_as_long_as_its_source_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    assert recorded.recorded("huber") is None
    page = Request(columns=2).entry(showing.derived(load("huber")))
    for digest, counts in ((recorded.made_from(), True), ("other", False)):
        text = json.dumps({"made_from": digest, "show": "Huber loss"})
        (tmp_path / "huber.json").write_text(text)
        assert (recorded.recorded("huber") is not None) is counts
    assert page.title == "Huber loss"


def test_formulas_are_read_from_the_record_where_nothing_else_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huber = load("huber")
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    record.main(["huber"])
    found = showing.derived(huber)
    for columns in (1, 2):
        asked = Request(columns=columns)
        assert asked.recorded(huber) == asked.entry(found)
    assert Request(numbered=True).recorded(huber) is None
    assert Request().recorded(replace(huber, title="Another")) is None
