"""Emitted files judged as black boxes, in a child process, with hand-written ones."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from emitted import NUMPY, TORCH, write_cauchy

from derive.api import emit
from derive.definitions.catalogue import load
from derive.definitions.samples import draw
from derive.errors import BadInput, EnvironmentTrouble
from derive.verification import backend
from derive.verification.classwise import Table
from derive.verification.implementations import Route, Runner
from derive.verification.oracle import Oracle
from derive.verification.report import AGREES, UNKNOWN, Report, Row
from derive.verification.shown import shown
from derive.verification.verify import Plan, verify

EVERYDAY = Plan({"everyday": 200})


def verified(root, change=None):
    loss = load("cauchy")
    return verify([loss], write_cauchy(root, loss, change), (NUMPY,), EVERYDAY, jobs=1)


def test_a_right_file_holds(tmp_path):
    report = verified(tmp_path)
    assert report.holds, [r for r in report.rows if r.verdict != AGREES]
    assert report.exit_code == 0
    quantities = {r.quantity for r in report.rows}
    assert {"loss", "d_x", "d_scale", "weight", "d2_x", "header"} <= quantities
    assert {r.sample for r in report.rows} == {"", "special values", "everyday"}
    entries = json.loads(report.to_json())
    assert all({"id", "verdict", "method", "witness", "detail"} <= set(e) for e in entries)


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


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"huber\.py: no such file; run derive regenerate"):
        verify([load("huber")], tmp_path, (NUMPY,), EVERYDAY)


def test_a_missing_library_is_said_and_not_counted(tmp_path):
    loss = load("cauchy")
    root = write_cauchy(tmp_path, loss)
    other = replace(TORCH, library="no_such_library")
    report = verify([loss], root, (NUMPY, other), EVERYDAY, jobs=1)
    assert report.holds
    (row,) = report.skipped
    assert (row.target, row.verdict) == ("torch", UNKNOWN)
    assert "not installed" in row.detail


def test_a_child_that_dies_is_reported(tmp_path):
    loss = load("cauchy")
    write_cauchy(
        tmp_path, loss, ("def loss(x, scale=1.0):", "def loss(x, scale=1.0):\n    exit(3)")
    )
    module = "for_numpy.cauchy"
    sample = draw(loss, "everyday", "float64", 40)
    with Runner(tmp_path) as runner:
        outcome = runner.run(Route(module, "loss", numbers=False), sample)
        assert outcome.values is None
        assert "ended" in outcome.error
        again = runner.run(Route(module, "d_x", numbers=False), sample)
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
    with Runner(tmp_path, tensors=True) as runner:
        for name, numbers, autograd in (
            ("d_x", True, None),
            ("d_x", False, None),
            ("loss", False, 0),
        ):
            route = Route("square", name, numbers, autograd=autograd)
            outcome = runner.run(route, sample)
            assert not outcome.error
            assert not outcome.fault
            expected = columns["x"] / columns["scale"] ** 2
            assert np.allclose(outcome.values, expected, rtol=1e-5)
        scale = runner.run(Route("square", "loss", False, autograd=1), sample)
        assert np.allclose(scale.values, -(columns["x"] ** 2) / columns["scale"] ** 3, rtol=1e-5)


def row(excess: float, points: int = 100) -> Row:
    return Row(
        *("huber", "loss", "numpy", "float64", "everyday", AGREES),
        points=points,
        error=excess,
        excess=excess,
        allowed=4.0,
    )


def test_a_report_holds_only_if_everything_agrees():
    assert not Report(()).holds
    assert Report((row(1.0),)).holds
    undecided = Report((row(1.0), row(1.0).but(verdict=UNKNOWN)))
    assert not undecided.holds
    assert undecided.exit_code == 3
    infinite = json.loads(Report((row(math.inf),)).to_json())
    assert infinite[0]["excess"] == "inf"


def test_without_the_ball_arithmetic_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backend, "flint", None)
    with pytest.raises(EnvironmentTrouble, match="pip install"):
        Oracle(load("huber"))


def test_the_text_fits_the_width_and_says_what_to_do(tmp_path):
    loss = load("cauchy")
    change = ("return _out(p / scale,", "return _out(p * 1.0009 / scale,")
    report = verify([loss], write_cauchy(tmp_path, loss, change), (NUMPY,), EVERYDAY, jobs=1)
    for width in (60, 80, 200):
        text = shown(report, width)
        assert max(map(len, text.splitlines())) <= width
        assert "refuted: d_x, numpy, float64" in text
        assert "expected" in text
        assert "ULP, allowed 4" in text
        assert "next: derive regenerate cauchy" in text
    (line,) = (t for t in text.splitlines() if t.startswith("  weight "))
    assert "agrees" in line
    assert "0.5 of 1 ULP" in line
    painted = shown(report, 80, lambda text, colour: f"<{colour}>{text}" if colour else text)
    assert "<red>  d_x" in painted
    assert "<red>  weight" not in painted


def test_work_is_shared_between_processes(tmp_path):
    losses = [load("cauchy")]
    root = write_cauchy(tmp_path, losses[0])
    steps = []
    alone = verify(losses, root, (NUMPY,), EVERYDAY, jobs=1)
    shared = verify(losses, root, (NUMPY,), EVERYDAY, lambda *step: steps.append(step), jobs=2)
    assert {r.id: r for r in alone.rows} == {r.id: r for r in shared.rows}
    assert [done for _, done, _ in steps] == [1, 2, 3, 4]


def test_other_seeds_ask_other_points(tmp_path):
    loss = load("cauchy")
    root = write_cauchy(tmp_path, loss)
    rows = [
        verify([loss], root, (NUMPY,), Plan({"everyday": 200}, seed), jobs=1).rows
        for seed in (0, 1)
    ]
    first, second = ({r.id: r.witness for r in found if r.sample == "everyday"} for found in rows)
    assert first.keys() == second.keys()
    assert first != second


def test_far_scores_of_two_vectors_are_not_alike():
    """Where they are, a divergence of the two is 0, and nothing can be wrong about it."""
    inputs = Table(load("kl_divergence_logits"), "float64", 3, 0, 4, 0).inputs
    first, second = (inputs[name][-1] for name in ("a", "b"))
    assert np.max(np.abs(first)) > 300 and not np.allclose(first, second)


@pytest.mark.parametrize("loses", [False, True])
def test_nan_among_classes_that_gets_lost_is_refuted(tmp_path, loses):
    text = emit("zero_one_multiclass", "numpy")
    assert "np.isnan(top)" in text
    (tmp_path / "for_numpy").mkdir()
    text = text.replace("np.isnan(top)", "top == np.inf") if loses else text
    (tmp_path / "for_numpy" / "zero_one_multiclass.py").write_text(text, encoding="utf-8")
    report = verify([load("zero_one_multiclass")], tmp_path, (NUMPY,), EVERYDAY, jobs=1)
    lost = {r.quantity for r in report.refuted if "NaN is lost" in r.detail}
    assert lost == ({"loss", "d_z", "hessian_product"} if loses else set())
    assert report.holds is not loses
