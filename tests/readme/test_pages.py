"""The pages of figures: made from the record, and not stale."""

from pathlib import Path

import numpy as np
import pytest

from derive.verification import pages, ratchet
from derive.verification.report import AGREES, Row

DOCS = Path(__file__).resolve().parents[2] / "docs"


def row(excess, **more):
    return Row("huber", "loss", "numpy", "float64", "everyday", AGREES).but(
        points=10, excess=excess, worst=excess, witness={"x": "0x1.8p+1", "delta": "inf"}, **more
    )


def test_special_values_are_what_the_oracle_says():
    stored = (DOCS / "special_values.md").read_text(encoding="utf-8")
    assert stored == pages.special_values(), "stale: derive verify --record makes it again"


def test_the_accuracy_page_is_what_the_record_says():
    if not ratchet.RECORD.exists():
        assert not (DOCS / "accuracy.md").exists()
        pytest.skip("no accuracy is recorded yet: derive verify --record")
    stored = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert stored == pages.accuracy(ratchet.stored())


def test_the_page_shows_the_worst_sample_and_the_plain_formula(tmp_path):
    path = tmp_path / "accuracy.json"
    form = {"loss": "huber", "quantity": "loss", "direct": "inf", "worst": 1.5, "rules": ["a"]}
    ratchet.record(
        [row(1.21), row(2.52, sample="whole")],
        path,
        plain=[row(np.inf)],
        forms=[form],
        digests={"huber": "0123"},
    )
    text = pages.accuracy(ratchet.stored(path))
    (line,) = (t for t in text.splitlines() if t.startswith("| `loss` | numpy"))
    where = "x = 3, delta = inf"
    assert line == f"| `loss` | numpy | float64 | 20 | 2.6 | {where} | inf | {where} |"
    assert "| `loss` | inf | 1.5 | a |" in text
    before = path.read_text()
    ratchet.record([row(1.21)], path)
    assert path.read_text() != before  # without a digest
    assert ratchet.stored(path)["plain"]
