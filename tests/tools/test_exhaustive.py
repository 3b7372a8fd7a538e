"""Every float32 residual: panels against the oracle, shards against answers with known faults."""

import math
from itertools import pairwise

import numpy as np
import pytest
from emitted import write_cauchy

from derive.definitions.catalogue import load
from derive.errors import BadInput, Refuted
from derive.verification.oracle import Oracle
from derive.verification.ulp import error_in_ulp
from tools.exhaustive import campaign, panels, record, runs
from tools.exhaustive.__main__ import main
from tools.exhaustive.shard import Judge, horner
from tools.exhaustive.task import SHARD, SHARDS, Task, chosen

FEW = 4096
ONE = 0x3F800000


def task(name, quantity, *settings, file="", **more):
    return Task(name, file, quantity, chosen(load(name), settings), **more)


@pytest.mark.parametrize(
    ("name", "quantity", "settings"),
    [
        ("huber", "d_x", ("delta=1.345",)),
        ("smooth_l1", "loss", ("beta=0.3",)),
        ("absolute", "weight", ("scale=0.7",)),
        ("welsch", "d_x", ("scale=0.7",)),
        ("barron", "loss", ("alpha=1.5", "scale=0.7")),
        ("barron", "d_alpha", ("alpha=-2", "scale=0.7")),
        ("barron", "loss", ("alpha=inf", "scale=0.7")),
        # between two neighbours everything takes twice as long
        pytest.param("barron", "d_x", ("alpha=2", "scale=0.7"), marks=pytest.mark.slow),
        pytest.param("barron", "weight", ("alpha=0", "scale=0.7"), marks=pytest.mark.slow),
    ],
)
def test_panels_hold_the_function(name, quantity, settings):
    """All finite patterns, without gaps; at random ones the oracle's value, within the bound."""
    made = task(name, quantity, *settings)
    found = panels.build(made)
    table = found.positive
    assert table.start[0] == 0
    assert table.stop[-1] == panels.INFINITY + 1
    assert np.array_equal(table.stop[:-1], table.start[1:])
    assert found.bound <= panels.BOUND
    asked = table.kind == panels.ASKED
    assert np.sum((table.stop - table.start)[asked]) < 200
    oracle = Oracle(made.loss)
    rng = np.random.Generator(np.random.PCG64(7))
    for pattern in rng.integers(1, panels.INFINITY, size=150):
        k = next(table.overlapping(int(pattern), int(pattern) + 1))
        x = panels.values_of(np.array([pattern]))
        point = dict(zip(oracle.names, (float(x[0]), *made.parameters), strict=True))
        high, low = oracle.value(quantity, point).high_low()
        if table.kind[k] == panels.POLYNOMIAL:
            out = np.empty(1)
            horner(table, k, x, out, 1.0)
            assert error_in_ulp(float(out[0]), high, low, "float32") <= panels.BOUND
        elif table.kind[k] == panels.HUGE:
            assert abs(high) > 2.0**panels.OVER
        elif table.kind[k] == panels.TINY:
            assert abs(high) < 2.0**panels.UNDER


def test_panels_are_kept(tmp_path):
    found = panels.build(task("huber", "d_x"))
    panels.save(found, tmp_path / "panels.npz")
    again = panels.load(tmp_path / "panels.npz")
    assert again is not None
    assert again.odd and again.even and again.rigorous
    assert np.array_equal(again.negative.coefficients, found.negative.coefficients)
    assert panels.load(tmp_path / "none.npz") is None
    (tmp_path / "cut.npz").write_bytes((tmp_path / "panels.npz").read_bytes()[:500])
    assert panels.load(tmp_path / "cut.npz") is None


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_a_shard_of_a_right_file_and_of_wrong_ones(tmp_path, target):
    pytest.importorskip(target)
    lines = {
        "numpy": "import numpy as np\ndef d_x(x, scale):\n"
        "    with np.errstate(all='ignore'):\n"
        "        r = np.where(np.isinf(x), x, x.astype(np.float64) / scale / scale)\n"
        "        return (FAULT).astype(np.float32)\n",
        "torch": "import torch\ndef d_x(x, scale):\n"
        "    r = x.double() / scale / scale\n    return (FAULT).float()\n",
    }
    made = {}
    for key, fault in {"right": "r", "wrong": "r * (1 + 3e-7)", "cut": "0 * r"}.items():
        path = tmp_path / f"{key}.py"
        path.write_text(lines[target].replace("FAULT", fault))
        made[key] = task("quadratic", "d_x", "scale=0.7", file=path, target=target)
    table = panels.build(made["right"])
    number = ONE // SHARD
    right = Judge(made["right"], table).shard(number, FEW)
    assert right.points == FEW
    assert 0.4 < right.worst <= 0.5 + 1e-6
    assert right.misrounded == 0
    for number in (0, SHARDS // 2 - 1, SHARDS - 1, 0x7F800000 // SHARD):
        assert Judge(made["right"], table).shard(number, FEW).excess <= 0.5 + 1e-6, number
    wrong = Judge(made["wrong"], table).shard(ONE // SHARD, FEW)
    assert 2.0 < wrong.worst < 6.0
    assert wrong.misrounded == FEW
    if target == "torch":  # kappa is 1 there, and excuses one unit
        assert wrong.excess == pytest.approx(max(wrong.worst - 1, min(4.0, wrong.worst)), abs=0.1)
    cut = Judge(made["cut"], table).shard(ONE // SHARD, FEW)
    assert cut.worst > 1e6


def test_results_are_resumed_and_belong_to_one_task(tmp_path, monkeypatch, capsys):
    loss = load("cauchy")
    file = write_cauchy(tmp_path, loss) / "for_numpy" / "cauchy.py"
    small = Judge.shard
    monkeypatch.setattr(Judge, "shard", lambda self, number: small(self, number, FEW))
    made = task("cauchy", "d_x", "scale=1.5", file=file)
    folder = tmp_path / "results"
    shards = [ONE // SHARD, ONE // SHARD + 1]
    first = runs.run(made, folder, shards)
    assert first.inputs == 2 * FEW
    assert 0.4 < first.worst <= 0.5 + 1e-6
    assert first.holds and first.rigorous and not first.complete
    with (folder / "shards.jsonl").open("a") as stream:
        stream.write('\n{"shard": 3, "poi')  # killed while it was written
    monkeypatch.setattr(Judge, "shard", lambda self, number: 1 / 0)
    assert runs.run(made, folder, shards) == first
    with pytest.raises(BadInput, match="another"):
        runs.run(task("cauchy", "d_x", "scale=2.5", file=file), folder, shards)
    monkeypatch.setattr(Judge, "shard", lambda self, number: small(self, number, FEW))
    bad = tmp_path / "bad"
    wrong = write_cauchy(bad, loss, ("return _out(p / scale", "return _out(p * 1.0009 / scale"))
    again = task("cauchy", "d_x", "scale=1.5", file=wrong / "for_numpy" / "cauchy.py")
    assert not runs.run(again, tmp_path / "other", shards).holds
    assert main(["cauchy", "--file", "no.py", "--folder", str(folder)]) == 2
    assert "no.py" in capsys.readouterr().err
    code = main(
        [
            *("cauchy", "--file", str(file), "--quantity", "d_x", "--set", "scale=1.5"),
            *("--folder", str(folder), "--shards", f"{shards[0]}:{shards[-1] + 1}"),
        ]
    )
    assert code == 0
    assert "8192 inputs" in capsys.readouterr().out


def test_a_wrong_shape_or_dtype_is_refuted(tmp_path):
    path = tmp_path / "wide.py"
    path.write_text("def d_x(x, scale):\n    return x.astype('float64')\n")
    made = task("quadratic", "d_x", file=path)
    with pytest.raises(Refuted, match="float64"):
        Judge(made, panels.build(made)).shard(ONE // SHARD, FEW)


def test_what_changes_sign_is_not_judged():
    with pytest.raises(BadInput, match="changes sign"):
        _ = task("cauchy", "d2_x").wanted
    with pytest.raises(BadInput, match="no value"):
        panels.build(task("barron", "d_alpha", "alpha=2"))


def test_the_campaign_asks_for_every_loss_and_the_record_keeps_complete_runs(tmp_path):
    cases = list(campaign.cases())
    assert len(set(cases)) == len(cases)
    assert {("huber", "loss"), ("barron", "d_alpha"), ("welsch", "d_x")} <= {c[:2] for c in cases}
    path = tmp_path / "record.json"
    one = dict.fromkeys(record.KEYS, "a") | {"inputs": 1 << 32, "worst": 0.5}
    record.merge([one, one | {"loss": "b", "inputs": 5}], path)
    record.merge([one | {"worst": 0.75}], path)
    assert [e["worst"] for e in record.read(path)] == [0.75]
    path.write_text("[]")
    with pytest.raises(BadInput, match="record"):
        record.read(path)


def test_shards_cover_all_patterns_once():
    assert SHARDS * SHARD == 1 << 32
    edges = list(panels.binades())
    assert edges[0][0] == 1
    assert edges[-1][1] == panels.INFINITY
    assert all(a[1] == b[0] for a, b in pairwise(edges))
    ends = panels.values_of(np.array([stop - 1 for _, stop in edges]))
    assert math.isfinite(ends[-1])
