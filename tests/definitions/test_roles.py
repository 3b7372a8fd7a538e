"""Losses of a prediction and a target: their roles, their kind, and what is refused."""

import pytest
from sympy import FiniteSet, Interval, Max

from derive.definitions.classes import Entry, Largest, Other
from derive.definitions.interval import shown
from derive.definitions.lossfile import parse
from derive.errors import BadInput

HEAD = 'name = "mine"\ntitle = "Mine"\nsource = "me"\n'
POISSON = f"""{HEAD}loss = "y*log(y/mu) - y + mu"
[prediction]
mu = "positive"
[target]
y = "nonnegative"
"""
HINGE = f"""{HEAD}loss = "max(0, 1 - y*f)"
[prediction]
f = "real"
[target]
y = "{{-1, 1}}"
"""


def test_a_loss_of_a_prediction_and_a_target() -> None:
    loss = parse(POISSON, "f")
    assert loss.kind == "pointwise"
    assert [v.name for v in loss.variables] == ["mu", "y"]
    assert (loss.predictions, loss.target) == (loss.variables[:1], loss.variables[1])
    assert loss.parameters == ()
    assert loss.domain(loss.variables[1]) == Interval(0, float("inf"))


def test_labels_are_a_set() -> None:
    loss = parse(HINGE, "f")
    f, y = loss.variables
    assert loss.domain(y) == FiniteSet(-1, 1)
    assert shown(loss.domain(y)) == "{-1, 1}"
    assert loss.loss == Max(0, 1 - f * y)


def test_parameters_follow_the_target() -> None:
    text = HINGE.replace("max(0, 1 - y*f)", "max(0, gamma - y*f)")
    loss = parse(text + '[variables]\ngamma = "positive"\n[defaults]\ngamma = 2\n', "f")
    assert [v.name for v in loss.variables] == ["f", "y", "gamma"]
    assert [v.name for v in loss.parameters] == ["gamma"]
    assert loss.default(loss.parameters[0]) == 2.0


def test_two_predictions() -> None:
    text = POISSON.replace('mu = "positive"', 'mu = "real"\nv = "positive"')
    loss = parse(text.replace("y*log(y/mu) - y + mu", "log(v)/2 + (y - mu)**2/(2*v)"), "f")
    assert [v.name for v in loss.predictions] == ["mu", "v"]
    assert loss.target is not None
    assert loss.target.name == "y"


@pytest.mark.parametrize(
    "change",
    [
        ("mu =", "a ="),
        ("y =", "a ="),
        ("[prediction]", "[target]"),
    ],
)
def test_what_is_incomplete_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(BadInput, match=r"^f"):
        parse(POISSON.replace(*change), "f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POISSON + '[variables]\nx = "real"\n', "either a residual x or the roles"),
        (POISSON.replace('[prediction]\nmu = "positive"\n', ""), r"\[target\] without"),
        (POISSON.replace('[target]\ny = "nonnegative"\n', ""), "unknown name 'y'"),
        (POISSON + 'z = "real"\n', "one target, not 2"),
        (POISSON + "[defaults]\ny = 1\n", "'y' is no parameter"),
        (POISSON + '[variables]\ny = "real"\n', "'y' is declared twice"),
        (HINGE.replace("{-1, 1}", "{-1, pi}"), "labels are at most 16 numbers"),
        (HINGE.replace("{-1, 1}", "index of"), "expected 'real over k'"),
    ],
)
def test_a_mixture_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        parse(text, "f")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("f")


def test_roles_along_an_axis_make_a_loss_over_classes() -> None:
    text = POISSON.replace("y*log(y/mu) - y + mu", "log(sum(exp(mu))) - mu[y]")
    text = text.replace('"positive"', '"real over k"').replace('"nonnegative"', '"index of k"')
    loss = parse(text, "f")
    assert loss.kind == "classwise"
    assert [v.sort for v in loss.variables] == ["real", "index"]
    assert {v.axis for v in loss.variables} == {"k"}


OVER_CLASSES = """
name = "over_classes"
loss = "{loss}"
[prediction]
z = "real over k"
[target]
t = "index of k"
"""


@pytest.mark.parametrize(
    ("formula", "rule"),
    [
        ("exp(z) - z[t]", "has a value for each class"),
        ("z[t] + t", "'t' names a class"),
        ("sum(z)[t]*q", "unknown name 'q'"),
        ("sum(z, z)", "sum takes one argument"),
        ("z[1] + sum(z)", "this is not part of formulas"),
        ("z[t", "never closed"),
    ],
)
def test_what_is_no_loss_over_classes_is_told_in_a_line(formula: str, rule: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(OVER_CLASSES.format(loss=formula), "f")
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_count_of_classes_is_a_number_that_is_not_known_yet() -> None:
    loss = parse(OVER_CLASSES.format(loss="log(sum(exp(z))/sum(1)**2) - z[t]/sum(1)"), "f")
    assert loss.kind == "classwise"
    with pytest.raises(BadInput, match="cannot compare"):
        parse(OVER_CLASSES.format(loss="min(sum(1), 3) - z[t]"), "f")


def test_a_class_may_be_compared_with_the_target() -> None:
    text = OVER_CLASSES.format(loss="max(z + piecewise((0, k == t), (1, True))) - z[t]")
    loss = parse(text, "f")
    t = loss.target
    assert t is not None
    assert loss.loss == Largest(loss.residual + Other(t)) - Entry(loss.residual, t)
