"""Somebody else's functions of a prediction and a target, and over classes: what each is."""

import subprocess
import sys
from pathlib import Path

import pytest

from derive.definitions.catalogue import load
from derive.errors import BadInput
from derive.verification.callables.judge import judge
from derive.verification.callables.shown import shown
from derive.verification.report import AGREES, REFUTED

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(HERE)


def judged(name, loss, quantity="loss", at=None):
    return judge(f"judge_roles:{name}", load(loss), quantity, at or {})


@pytest.mark.parametrize(
    ("name", "loss", "quantity", "convention"),
    [
        ("right_exponential", "exponential", "loss", "ours"),
        ("hinge_of_signs", "hinge", "loss", "ours"),
        ("hinge_of_bits", "hinge", "loss", "ours"),
        ("twice_brier", "brier", "loss", "2 times ours"),
        ("brier_slope", "brier", "d_q", "ours"),
        ("mean_brier", "brier", "loss", "ours"),
        ("right_softmax", "softmax_cross_entropy", "loss", "T = 1"),
        ("softmax_of_rows", "softmax_cross_entropy", "loss", "T = 1"),
        ("softmax_in_bits", "softmax_cross_entropy", "loss", "1/log(2) times ours, T = 1"),
        ("right_brier_over_classes", "brier_multiclass", "loss", "ours"),
        ("slope_of_brier_over_classes", "brier_multiclass", "d_q", "ours"),
        ("entropy_of_a_vector", "entropy", "loss", "ours"),
    ],
)
def test_what_is_right_is_called_so_with_its_convention(name, loss, quantity, convention):
    found = judged(name, loss, quantity)
    assert (found.verdict, found.convention) == (AGREES, convention), found.to_json()
    assert found.relation == ("equal" if convention == "ours" else "up to")
    assert found.points >= 50


@pytest.mark.parametrize(
    ("name", "loss", "shown_by"),
    [
        ("bce_overflows", "binary_cross_entropy_with_logits", "digits are lost"),
        ("brier_flips", "brier", "wrong"),
        ("brier_changes", "brier", "a later call"),
        ("brier_wrong_at_one_label", "brier", "at"),
        ("brier_exits", "brier", "ended"),
        ("brier_patches", "brier", "NumPy is changed"),
        ("brier_hides_nan", "brier", "NaN"),
        ("kl_of_nothing", "kl_divergence", "NaN"),
        ("entropy_of_nothing", "entropy", "NaN"),
        ("brier_in_single", "brier", "digits are lost"),
        ("swapped_kl", "poisson_deviance", "at"),
        ("softmax_overflows", "softmax_cross_entropy", "infinite"),
        ("softmax_forgets_last", "softmax_cross_entropy", "wrong"),
        ("softmax_hides_nan", "softmax_cross_entropy", "NaN"),
    ],
)
def test_what_is_wrong_is_refuted_with_a_witness(name, loss, shown_by):
    found = judged(name, loss)
    assert (found.verdict, found.relation) == (REFUTED, "different"), found.to_json()
    assert found.witness is not None and found.exit_code() == 1
    assert any(shown_by in one.what for one in found.findings), found.findings


def test_the_script_shows_the_fault_without_the_package():
    for name, loss in (("brier_wrong_at_one_label", "brier"),
                       ("softmax_forgets_last", "softmax_cross_entropy")):  # fmt: skip
        found = judged(name, loss)
        assert len(found.script.splitlines()) == 5
        ran = subprocess.run([sys.executable, "-c", found.script], capture_output=True, text=True,
                             check=True)  # fmt: skip
        assert found.witness["expected"] in ran.stdout
        assert f"[{found.witness['got']}]" in ran.stdout


def test_a_report_keeps_its_width():
    found = judged("brier_wrong_at_one_label", "brier")
    told = shown(found, 60, lambda text, colour: text).partition("to see it")[0]
    assert max(map(len, told.split("\n"))) <= 60


def test_parameters_are_taken_as_set_and_dtypes_are_told():
    found = judged("focal", "binary_focal", at={"gamma": 0.0})
    assert found.call == "focal(x, y, 0.0)"
    assert judged("brier_in_single", "brier").dtypes == {"float64": "float32", "float32": "float32"}


def test_an_unknown_quantity_is_bad_input():
    with pytest.raises(BadInput, match="it has loss, d_z"):
        judged("right_softmax", "softmax_cross_entropy", "weight")


@pytest.mark.parametrize(
    ("name", "loss", "call", "told"),
    [
        ("huber_parameter_first", "huber", "(1.0, x)", "taken for these: x, delta"),
        ("right_brier_backwards", "brier", "(y, x)", "taken for these: q, y"),
        ("huber_misnamed", "huber", "(x, 1.0)", "delta is no delta of ours"),
    ],
)
def test_arguments_are_matched_by_their_names(name, loss, call, told):
    found = judged(name, loss)
    assert found.verdict == AGREES and found.call == name + call, found.to_json()
    assert any(told in note for note in found.notes)


def test_what_is_right_only_under_other_names_is_different():
    for name, loss in (("huber_by_other_names", "huber"),
                       ("gamma_deviance_swapped", "gamma_deviance")):  # fmt: skip
        found = judged(name, loss)
        assert (found.relation, found.map) == ("different", None), found.to_json()
        assert "shapes" not in shown(found, 80, lambda text, colour: text)


def test_what_refuses_all_that_is_no_number_is_judged_by_the_rest():
    found = judged("entropy_refusing", "entropy")
    assert found.shapes["empty array"] == "right"
    assert (found.verdict, found.relation) == (AGREES, "equal"), found.to_json()
