"""The pages of figures: what the judge found, and not stale."""

from pathlib import Path

from derive.definitions.catalogue import NAMES, load
from derive.verification import pages
from derive.verification.report import AGREES, Report, Row

DOCS = Path(__file__).resolve().parents[2] / "docs"
LOSSES = [load(name) for name in NAMES]


def row(excess, **more):
    return Row("huber", "loss", "numpy", "float64", "everyday", AGREES).but(
        points=10, excess=excess, allowed=4.0, witness={"x": "0x1.8p+1", "delta": "inf"}, **more
    )


def test_special_values_are_what_the_oracle_says():
    stored = (DOCS / "special_values.md").read_text(encoding="utf-8")
    assert stored == pages.special_values(LOSSES), "stale: derive verify --record makes it again"


def test_every_loss_of_the_catalogue_has_figures():
    stored = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert [t[3:] for t in stored.splitlines() if t.startswith("## ")] == list(NAMES)


def test_the_page_shows_the_worst_sample():
    found = Report((row(1.21), row(2.52, sample="whole"), row(0.5, target="torch")))
    text = pages.accuracy(found, LOSSES)
    (line,) = (t for t in text.splitlines() if t.startswith("| `loss`"))
    where = "x = 3.0, delta = inf (numpy float64)"
    assert line == f"| `loss` | 2.6 | 0.5 | 30 | {where} | 4 |"


def test_what_has_no_dtype_has_no_column():
    none = Row("huber", "no density", "numpy", "", "", AGREES).but(points=3)
    assert "no density" not in pages.accuracy(Report((row(1.21), none)), LOSSES)
