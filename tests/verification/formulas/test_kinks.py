"""At a kink: one side's value or the middle for first derivatives, between the sides for second
ones; no letter is taken for another of ours; a text without a real value is different."""

import random

import pytest

from derive.definitions.catalogue import load
from derive.errors import BadInput
from derive.verification.formulas.run import judged_formula
from tools.mutation.formulas import right, text, wrong


def relation(formula, loss, quantity="loss"):
    asked = {"text": formula, "loss": loss, "quantity": quantity, "latex": False}
    return judged_formula(asked)["relation"]


@pytest.mark.parametrize(
    ("formula", "loss", "quantity", "expected"),
    [
        ("piecewise((-y/2, f*y == 1), (0, f*y > 1), (-y, True))", "hinge", "d_f", "equal"),
        ("piecewise((-y/3, f*y == 1), (0, f*y > 1), (-y, True))", "hinge", "d_f", "different"),
        ("piecewise((0, f*y > 1), (2*y**2, True))", "squared_hinge", "d2_f", "equal"),
        ("piecewise((0, f*y >= 1), (2*y**2, True))", "squared_hinge", "d2_f", "equal"),
        ("2*piecewise((-y/2, f*y == 1), (0, f*y > 1), (-y, True))**2", "squared_hinge", "d2_f",
         "equal"),
        ("piecewise((7, f*y == 1), (0, f*y > 1), (2*y**2, True))", "squared_hinge", "d2_f",
         "different"),
        ("-1/mu", "poisson", "d2_mu_y", "equal"),
        ("-1/y", "poisson", "d2_mu_y", "different"),
        ("-mu + y*log(-mu/y)", "poisson_deviance", "loss", "different"),
        ("sum(p*log(-p/q))", "kl_divergence", "loss", "different"),
        ("2*(1.0001*log(mu + 1) - log(y + 1))/(mu + 1)", "squared_logarithmic_error", "d_mu",
         "different"),
        ("1.5*(log(mu + 1) - log(y + 1))**2", "squared_logarithmic_error", "loss", "up to"),
        ("0", "smoothed_hinge", "d_f", "different"),
        ("1/(scale**2*sqrt(1 + x**2/scale**2)) - x**2/(scale**4.0004*(1 + x**2/scale**2)**(3/2))",
         "charbonnier", "d2_x", "different"),
        ("(1 - y)/(1 + exp(-z)) - pos_weight*y*exp(-z)/(1 + exp(-1.0001*z))",
         "binary_cross_entropy_with_logits", "d_z", "different"),
        ("abs(x)/2", "quantile", "loss", "up to"),
        ("max(x/2, -3*x/2)", "quantile", "loss", "up to"),
        ("max(x/3, x/2)", "quantile", "loss", "different"),
        ("c*log(1 + exp(-x/c)) + x*(1 - c)", "smooth_quantile", "loss", "different"),
        ("c*log(1 + exp(-x/c)) + x*(1 - tau)", "smooth_quantile", "loss", "equal"),
        ("piecewise((-y, f*y < 1), (0, True))", "hinge", "d_f", "equal"),
        ("piecewise((w/(epsilon + abs(x)), abs(x) < w), (1, True))*sign(x)", "wing", "d_x",
         "equal"),
        ("piecewise((w/(epsilon + abs(x))/2 + 1/2, abs(x) == w), (w/(epsilon + abs(x)),"
         " abs(x) < w), (1, True))*sign(x)", "wing", "d_x", "equal"),
        ("piecewise((w/(epsilon + abs(x))/3 + 2/3, abs(x) == w), (w/(epsilon + abs(x)),"
         " abs(x) < w), (1, True))*sign(x)", "wing", "d_x", "different"),
    ],
)  # fmt: skip
def test_the_relation_is_found(formula, loss, quantity, expected):
    assert relation(formula, loss, quantity) == expected


@pytest.mark.parametrize("name", ["huber", "binary_focal", "softmax_cross_entropy", "multi_margin"])
def test_mutants_are_wrong_and_rewrites_are_right(name):
    loss, draw = load(name), random.Random(5)
    for quantity, variant in wrong(loss, 3, draw):
        assert relation(text(variant.formula), name, quantity) in ("different", "up to"), variant
    for quantity, variant in right(loss, 2, draw):
        assert relation(text(variant.formula), name, quantity) in ("equal", "unknown"), variant


@pytest.mark.parametrize(
    ("latex", "loss", "expected", "x"),
    [
        (r"u\left(\tau-\mathbb{1}\{u<0\}\right)", "quantile", "up to", "-u"),
        (r"\max(\tau(y-f),(\tau-1)(y-f))", "quantile", "equal", "f - y"),
        (r"\max(\tau(f-y),(\tau-1)(f-y))", "quantile", "different", "f - y"),
        (r"\max(\tau x,(\tau-1)x)", "quantile", "different", "x"),
    ],
)
def test_a_residual_of_the_other_sign_is_a_convention_that_is_told(latex, loss, expected, x):
    asked = {"text": latex, "loss": loss, "quantity": "loss", "latex": True}
    found = judged_formula(asked)
    assert (found["relation"], found["letters"]["x"]) == (expected, x)


def test_a_sigma_in_front_of_a_bracket_is_no_silent_product_beside_a_score():
    asked = {"text": r"\sigma(z)-y", "loss": "binary_cross_entropy_with_logits",
             "quantity": "d_z", "latex": True}  # fmt: skip
    with pytest.raises(BadInput, match="logistic"):
        judged_formula(asked)


def test_a_factor_of_degrees_of_freedom_is_not_called_negative():
    asked = {"text": r"\frac{\nu x}{\nu\sigma^2+x^2}", "loss": "student_t", "quantity": "d_x",
             "latex": True}  # fmt: skip
    assert "negative" not in judged_formula(asked)["detail"]
