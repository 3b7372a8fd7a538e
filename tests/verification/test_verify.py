"""Emitted files judged as black boxes, in a child process, with hand-written ones."""

import io
import json
import math

import numpy as np
import pytest
from emitted import write_cauchy
from rich.console import Console

from derive.definitions.catalogue import load
from derive.definitions.samples import draw
from derive.errors import BadInput, EnvironmentTrouble
from derive.verification import backend, ratchet
from derive.verification.implementations import Route, Runner
from derive.verification.oracle import Oracle
from derive.verification.report import AGREES, REFUTED, UNKNOWN, Report, Row
from derive.verification.verify import verify_catalogue, verify_loss

EVERYDAY = {"everyday": 200}


def verified(root, change=None):
    loss = load("cauchy")
    return verify_loss(loss, write_cauchy(root, loss, change), ("numpy",), EVERYDAY)


def test_a_right_file_holds(tmp_path):
    report = verified(tmp_path)
    assert report.holds, [r for r in report.rows if r.verdict != AGREES]
    assert report.exit_code == 0
    quantities = {r.quantity for r in report.rows}
    assert {"loss", "d_x", "d_scale", "weight", "d2_x", "header"} <= quantities
    assert {r.sample for r in report.rows} == {"", "special values", "everyday"}
    entries = json.loads(report.to_json())
    assert all({"id", "verdict", "method", "witness", "detail"} <= set(e) for e in entries)
    text = io.StringIO()
    Console(width=160, file=text).print(report.table())
    assert "agrees" in text.getvalue()


@pytest.mark.parametrize(
    ("change", "quantity", "words"),
    [
        (("return _out(p / scale,", "return _out(p * 1.0009 / scale,"), "d_x", "expected"),
        (("return _out(w / scale / scale", "return _out(w / scale"), "weight", "expected"),
        (("np.log1p(r * r / 2)", "np.log(1 + r * r / 2)"), "loss", "expected"),
        (("return loss(x, scale), d_x", "return d_x(x, scale), d_x"), "loss", "value_and_grad"),
        (("astype(dtype)", "astype(np.float64)"), "loss", "float32 went in"),
        (("def d_scale", "def d_c"), "d_scale", "no function"),
        (("import numpy as np", "import no_such_module"), "import", "no_such_module"),
        (("(sha256 ", "(sha1 "), "header", "regenerate"),
        (("    r, p, w, dtype = _slope", "    raise OSError(7)"), "d_x", "OSError"),
    ],
)
def test_faulty_files_are_refuted(tmp_path, change, quantity, words):
    report = verified(tmp_path, change)
    assert not report.holds
    assert report.exit_code == 1
    found = [r for r in report.refuted if r.quantity == quantity]
    assert found
    assert any(words in (r.detail + " expected") for r in found)
    assert all(r.loss == "cauchy" for r in report.refuted)


def test_a_missing_file_is_refuted(tmp_path):
    (row,) = verify_loss(load("huber"), tmp_path, ("numpy",), EVERYDAY).rows
    assert row.verdict == REFUTED
    assert "huber.py" in row.detail


def test_a_missing_library_is_said_and_not_counted(tmp_path, monkeypatch):
    monkeypatch.setitem(
        __import__("derive.verification.implementations", fromlist=["TARGETS"]).TARGETS,
        "torch",
        "no_such_library",
    )
    loss = load("cauchy")
    root = write_cauchy(tmp_path, loss)
    report = verify_loss(loss, root, ("numpy", "torch"), EVERYDAY)
    assert report.holds
    (row,) = report.skipped
    assert (row.target, row.verdict) == ("torch", UNKNOWN)
    assert "not installed" in row.detail


def test_a_child_that_dies_is_reported(tmp_path):
    loss = load("cauchy")
    write_cauchy(
        tmp_path, loss, ("def loss(x, scale=1.0):", "def loss(x, scale=1.0):\n    exit(3)")
    )
    file = tmp_path / "for_numpy" / "cauchy.py"
    sample = draw(loss, "everyday", "float64", 40)
    with Runner("numpy") as runner:
        outcome = runner.run(file, Route("loss", numbers=False), sample)
        assert outcome.values is None
        assert "died" in outcome.error
        again = runner.run(file, Route("d_x", numbers=False), sample)
        assert again.values is not None


def test_torch_functions_and_autograd(tmp_path):
    pytest.importorskip("torch")
    file = tmp_path / "square.py"
    file.write_text(
        "import torch\n"
        "def loss(x, scale=1.0):\n    return (x / scale) ** 2 / 2\n"
        "def d_x(x, scale=1.0):\n    return x / scale**2\n"
    )
    loss = load("quadratic")
    sample = draw(loss, "everyday", "float32", 80)
    columns = sample.columns
    with Runner("torch") as runner:
        for route in (Route("d_x", True), Route("d_x", False), Route("loss", False, autograd=0)):
            outcome = runner.run(file, route, sample)
            assert not outcome.error
            assert not outcome.fault
            expected = columns["x"] / columns["scale"] ** 2
            assert np.allclose(outcome.values, expected, rtol=1e-5)
        scale = runner.run(file, Route("loss", False, autograd=1), sample)
        assert np.allclose(scale.values, -(columns["x"] ** 2) / columns["scale"] ** 3, rtol=1e-5)


def row(excess: float, points: int = 100) -> Row:
    return Row(
        *("huber", "loss", "numpy", "float64", "everyday", AGREES),
        points=points,
        worst=excess,
        excess=excess,
        allowed=4.0,
    )


def test_accuracy_may_only_get_better(tmp_path):
    path = tmp_path / "accuracy.json"
    assert ratchet.read(path) == {}
    ratchet.record([row(1.25)], path)
    text = path.read_text()
    ratchet.record([row(1.25)], path)
    assert path.read_text() == text
    known = ratchet.read(path)
    assert ratchet.compare([row(1.5)], known)[0].verdict == AGREES
    worse = ratchet.compare([row(2.5)], known)[0]
    assert worse.verdict == REFUTED
    assert "1.30" in worse.detail
    assert ratchet.compare([row(2.5, points=1000)], known)[0].verdict == AGREES
    path.write_text("[]")
    with pytest.raises(BadInput, match="accuracy"):
        ratchet.read(path)


def test_the_record_is_compared_with(tmp_path):
    loss = load("cauchy")
    root = write_cauchy(tmp_path, loss)
    first = verify_catalogue([loss], root, ("numpy",), EVERYDAY, record=None)
    better = [r.but(excess=-1.0) for r in first.rows]
    record = tmp_path / "accuracy.json"
    ratchet.record(better, record)
    second = verify_catalogue([loss], root, ("numpy",), EVERYDAY, record=record)
    assert not second.holds
    assert "worse than the recorded" in second.refuted[0].detail


def test_a_report_holds_only_if_everything_agrees():
    assert not Report(()).holds
    assert Report((row(1.0),)).holds
    undecided = Report((row(1.0), row(1.0).but(verdict=UNKNOWN)))
    assert not undecided.holds
    assert undecided.exit_code == 3
    infinite = json.loads(Report((row(math.inf),)).to_json())
    assert infinite[0]["worst"] == "inf"


def test_without_the_ball_arithmetic_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backend, "arb", None)
    with pytest.raises(EnvironmentTrouble, match="pip install"):
        Oracle(load("huber"))
