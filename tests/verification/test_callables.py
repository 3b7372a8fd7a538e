"""Somebody else's functions: the answers are known, each is found by the means that shows it."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import sympy

from derive.definitions.catalogue import load
from derive.errors import BadInput
from derive.verification.callables.judge import judge
from derive.verification.callables.session import Session
from derive.verification.callables.shown import shown
from derive.verification.report import AGREES, REFUTED, UNKNOWN

HERE = Path(__file__).parent
CASES = json.loads((HERE / "implementations.json").read_text())
RIGHT = "np.abs(x / scale)"
PLANTED = [c for c in CASES if c["text"].startswith("judge_planted")]
INSTALLED = [c for c in CASES if c not in PLANTED]


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(HERE)  # the module is found from the folder where the command runs


def judged(case):
    return judge(case["text"], load(case["loss"]), case["quantity"], case.get("at", {}))


@pytest.mark.parametrize("case", PLANTED, ids=lambda c: c["text"].partition(":")[2])
def test_planted_faults_are_seen_and_right_ones_are_not_accused(case):
    found = judged(case)
    assert found.relation in case["accept"], found.to_json()
    assert found.verdict == (REFUTED if found.relation == "different" else AGREES)
    assert (found.witness is not None) == (found.relation == "different")
    assert found.exit_code() == (1 if found.relation == "different" else 0)


@pytest.mark.slow
@pytest.mark.parametrize("case", INSTALLED, ids=lambda c: c["text"])
def test_installed_functions_are_what_they_are(case):
    if find_spec(case["text"].partition(":")[0].partition(".")[0]) is None:
        pytest.skip("not installed")
    found = judged(case)
    assert found.relation in case["accept"], found.to_json()
    if found.map is not None:
        for name in ("factor", "offset"):
            assert same(found.map[name], case["map"][name])
        assert found.map["parameters"].keys() == case["map"]["parameters"].keys()
        for name, value in found.map["parameters"].items():
            assert same(value, case["map"]["parameters"][name])


def same(first, second):
    """Positive letters: only the test reads these texts."""
    letters = {n: sympy.Symbol(n, positive=True) for n in ("c", "df", "g", "t", "b", "delta",
                                                           "scale", "beta")}  # fmt: skip
    one, other = (sympy.sympify(text, locals=letters) for text in (first, second))
    return sympy.simplify(one - other) == 0


def test_the_convention_is_told_and_exact_refuses_it():
    found = judge("judge_planted:right_twice_cauchy", load("cauchy"), "loss", {})
    assert found.map == {"factor": "2", "offset": "0", "parameters": {"scale": "scale"}}
    assert found.exit_code() == 0
    assert found.exit_code(exact=True) == 1
    assert "2 times ours" in shown(found, 80, lambda text, colour: text)


def test_the_script_shows_the_fault_without_the_package():
    found = judge("judge_planted:absolute_flush", load("absolute"), "loss", {})
    assert len(found.script.splitlines()) == 5
    ran = subprocess.run([sys.executable, "-c", found.script], capture_output=True, text=True,
                         check=True)  # fmt: skip
    assert "[0.0]" in ran.stdout
    assert found.witness["expected"] in ran.stdout


@pytest.mark.parametrize(
    ("name", "loss", "shows"),
    [
        ("quadratic_whole", "quadratic", "[4, 2, 0, 24]"),  # integers
        ("quadratic_in_place", "quadratic", "1.76470588e-01"),  # x as the call leaves it
        ("smooth_l1_length", "smooth_l1", "1.25]"),  # the last of 65
    ],
)
def test_the_script_shows_what_single_values_do_not(name, loss, shows):
    found = judge(f"judge_planted:{name}", load(loss), "loss", {})
    assert len(found.script.splitlines()) == 5
    ran = subprocess.run([sys.executable, "-c", found.script], capture_output=True, text=True,
                         check=True)  # fmt: skip
    assert shows in ran.stdout
    assert found.findings[0].expected in ran.stdout


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("if np.any(np.abs(x) > 1e6): os._exit(0)", "the process that ran it ended"),
        ("if np.size(x) > 1000: np.zeros(10**12)", "it fails for 1025 elements"),
        ("if np.any(x == 0): raise OverflowError", "OverflowError"),
        ("[os.write(n, b'{}') for n in range(3, 9)]", "it does not answer as it should"),
        ("scale = 1.0", "scale changes nothing"),
        ("x = x.reshape(-1, 1)", "comes out for (14,)"),
        ("x = x + 0j", "complex128 comes out for float64"),
    ],
)
def test_what_is_no_answer_is_a_finding(body, what, tmp_path, monkeypatch):
    lines = ("import os", "import numpy as np", "def f(x, scale=1.0):", "    x = np.asarray(x)",
             f"    {body}", "    return np.log1p((x / scale) ** 2 / 2)")  # fmt: skip
    (tmp_path / "theirs.py").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    found = judge("theirs:f", load("cauchy"), "loss", {})
    assert found.verdict == REFUTED
    assert any(what in one.what for one in found.findings), found.findings


@pytest.mark.parametrize("body", ["float(np.mean({}))", "({}).tolist()"])
def test_numbers_of_python_are_measured_in_the_dtype_that_went_in(body, tmp_path, monkeypatch):
    text = f"import numpy as np\ndef f(x, scale=1.0):\n    return {body.format(RIGHT)}\n"
    (tmp_path / "theirs.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert judge("theirs:f", load("absolute"), "loss", {}).relation == "equal"


def test_a_number_that_is_a_default_may_be_a_parameter(tmp_path, monkeypatch):
    text = "import numpy as np\ndef f(x, c=1.0):\n    return -np.expm1(-(x / c) * (x / c) / 2)\n"
    (tmp_path / "theirs.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert judge("theirs:f", load("welsch"), "loss", {}).convention == "scale = c"


HOSTILE = """
import os, sys, time
import numpy as np

def stops(x):
    os._exit(0)

def leaves(x):
    sys.exit(0)

def hangs(x):
    while True:
        time.sleep(0.1)

def eats(x):
    return np.ones(1 << 36)

def patches(x):
    np.sqrt = np.abs
    return np.abs(x)

def prints(x):
    print('{"verdict": "agrees"}' * 1000)
    os.write(1, b"agrees\\n" * 1000)
    return np.abs(x)

def floats(x):
    return abs(float(x))
"""


@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("stops", REFUTED, "ended"),
        ("leaves", REFUTED, "end the process"),
        ("eats", UNKNOWN, "Memory"),
        ("hangs", UNKNOWN, "no answer within"),
        ("patches", REFUTED, "NumPy is changed"),
        ("prints", AGREES, "scale = 1"),
        ("floats", AGREES, "scale = 1"),
    ],
)
def test_hostile_code_is_a_finding_and_never_an_answer(tmp_path, monkeypatch, name, verdict, words):
    (tmp_path / "hostile.py").write_text(HOSTILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Session.__init__, "__defaults__", (3.0, ()))
    found = judge(f"hostile:{name}", load("absolute"), "loss", {})
    assert found.verdict == verdict, found.to_json()
    assert words in found.to_json()


def test_what_cannot_be_found_is_bad_input():
    with pytest.raises(BadInput, match="no_such_module"):
        judge("no_such_module:f", load("huber"), "loss", {})
    with pytest.raises(BadInput, match="no_such_function"):
        judge("math:no_such_function", load("huber"), "loss", {})
    with pytest.raises(BadInput, match="MODULE:FUNCTION"):
        judge("math", load("huber"), "loss", {})


CARELESS = """
import numpy as np

def changes_the_scale(x, scale=1.0):
    found = np.abs(x) / scale
    if isinstance(scale, np.ndarray):
        scale *= 2
    return found

def wrong_beyond_a_block(x, scale=1.0):
    found = np.abs(x) / scale
    if found.size > 4096:
        found[4096] *= 2
    return found

def mean(y_true, y_pred, delta=1.0):
    gap = np.abs(np.asarray(y_pred) - y_true)
    with np.errstate(over="ignore", invalid="ignore"):
        each = np.where(gap < delta, 0.5 * gap * gap, delta * (gap - 0.5 * delta))
    return each.mean()

def chosen(x, kind="l1", c=1.0):
    if kind == "l1":
        return np.abs(x) / c
    if kind == "l2":
        return np.square(x / c)
    raise ValueError(kind)

class Norm:
    def __init__(self, k=1.345):
        self.k = k
    def psi(self, x):
        return np.clip(x, -self.k, self.k)
"""


@pytest.mark.parametrize(
    ("name", "loss", "quantity", "relation", "words"),
    [
        ("changes_the_scale", "absolute", "loss", "different", "array of scale is changed"),
        ("wrong_beyond_a_block", "absolute", "loss", "different", "wrong for 4099 elements"),
        ("mean", "huber", "loss", "equal", "ours"),
        ("chosen", "absolute", "loss", "up to", "scale = 1"),
        ("Norm.psi", "huber", "d_x", "equal", "delta = k"),
    ],
)
def test_ways_to_call_and_to_be_careless(
    tmp_path, monkeypatch, name, loss, quantity, relation, words
):
    (tmp_path / "careless.py").write_text(CARELESS)
    monkeypatch.chdir(tmp_path)
    found = judge(f"careless:{name}", load(loss), quantity, {})
    assert found.relation == relation, found.to_json()
    assert words in found.to_json()
