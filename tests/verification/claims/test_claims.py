"""Claims of every kind with known answers: what holds is never refuted, what is false is."""

from __future__ import annotations

from typing import Any

import pytest

from derive.verification.claims import judge as judge_module
from derive.verification.claims.file import parse_claims
from derive.verification.claims.judge import proved, searched

LOSS = "loss = {loss!r}\n"
# (loss, statement, condition)
PROVED = (
    ("welsch", "weight > 0", ""),
    ("huber", "diff(loss, x) == max(-delta, min(x, delta))", ""),
    ("huber", "diff(loss, x) != delta", "x < delta"),
    ("charbonnier", "diff(loss, x) < 1/scale", ""),
    ("charbonnier", "loss <= abs(x)/scale", ""),
    ("charbonnier", "smooth(loss, x)", ""),
    ("charbonnier", "limit(loss - abs(x)/scale, x, oo) == -1", ""),
    ("charbonnier", "limit(diff(loss, x), x, -oo) == -1/scale", ""),
    ("cauchy", "even(loss, x)", ""),
    ("cauchy", "odd(diff(loss, x), x)", ""),
    ("cauchy", "bounded(x*diff(loss, x), x)", ""),
    ("cauchy", "increasing(loss, x)", "x >= 0"),
    ("cauchy", "sup(diff(loss, x), x) == 1/(sqrt(2)*scale)", ""),
    ("cauchy", "integral(weight, x, -oo, oo) == sqrt(2)*pi/scale", ""),
    ("cauchy", "integral(density, x, -oo, oo) == 1", ""),
    ("quadratic", "convex(loss, x)", ""),
    ("quadratic", "integral(exp(-loss), x, 0, oo) == sqrt(pi/2)*scale", ""),
    ("quadratic", "log_partition == log(sqrt(2*pi)*scale)", ""),
    ("huber", "continuous(diff(loss, x), x)", ""),
    ("hampel", "a < c", ""),
    ("hampel", "differentiable(loss, x)", ""),
    ("huber", "differentiable(loss, x)", ""),
    ("huber", "integral(diff(loss, x, 2), x, -oo, oo) == 2*delta", ""),
    ("absolute", "differentiable(loss, x, 1)", ""),
    ("student_t", "integrable(x**2*exp(-loss), x)", "df > 2"),
    ("smooth_l1", "limit(loss, beta, 0, '+') == abs(x)", ""),
    ("barron", "limit(diff(loss, x), x, oo) == 0", "alpha < 1"),
    ("gamma_deviance", "inf(loss, mu) == 0", ""),
    ("cauchy", "diff(loss, x, 2) < 0", "x**2 > 2*scale**2"),
    ("barron", "bounded(loss, x)", "alpha < 0"),  # no exact power with a denominator of 10^6
    ("fair", "diff(loss, x, 2) > 0", ""),  # 1 at x = 0, where |x| has its corner
    ("fair", "continuous(diff(loss, x, 2), x)", ""),
    ("charbonnier", "loss == sqrt(3) - 1", "x**2 == 2*scale**2"),
    ("geman_mcclure", "convex(loss, x)", "3*x**2 <= 4*scale**2"),  # up to an irrational end
)
REFUTED = (
    ("huber", "diff(loss, x) != delta", "x <= delta", {"x": "1", "delta": "1"}),
    ("huber", "smooth(loss, x)", "", {"x": "-1", "delta": "1"}),
    ("welsch", "diff(loss, x, 2) < 0", "x >= scale", None),  # two terms cancel at x = scale
    ("geman_mcclure", "diff(loss, x, 2) != 0", "", None),  # at an irrational x only
    ("charbonnier", "loss != sqrt(2) - 1", "", None),
    ("cauchy", "diff(loss, x, 2) < 0", "x**2 >= 2*scale**2", None),  # 0 at the very boundary
    ("cauchy", "diff(loss, x) < 1/(sqrt(2)*scale)", "", {"x": "sqrt(2)", "scale": "1"}),
    ("tukey", "diff(loss, x, 2) > 0", "5*x**2 <= c**2", None),
    ("huber", "loss < delta**2", "x**2 <= 9*delta**2/4", None),
    ("student_t", "diff(loss, x, 2) > 0", "x**2 <= df*scale**2", None),
    ("quantile", "loss < abs(x)/2", "tau <= 1/2 and x >= 0", None),
    ("log_cosh", "loss < c**2*log(2)", "x <= c*log(2 + sqrt(3))", None),
    ("charbonnier", "loss == sqrt(3)", "x**2 == 2*scale**2", None),
    ("hampel", "a < b", "", None),  # equal is enough
    ("andrews", "smooth(loss, x)", "", None),  # its corner is at an irrational multiple of c
    ("welsch", "loss != 1/2", "", None),  # by a change of sign
    ("huber", "bounded(loss, x)", "", {"delta": "1"}),
    ("huber", "limit(loss - delta*abs(x), x, -oo) == delta**2/2", "", {"delta": "1"}),
    ("absolute", "limit(diff(loss, x), x, 0) == 0", "", {"scale": "1"}),
    ("absolute", "differentiable(loss, x)", "", {"x": "0", "scale": "1"}),
    ("cauchy", "sign(x)*diff(loss, x) > 0", "", {"x": "0", "scale": "1"}),
    ("cauchy", "diff(loss, x, 2) <= 1", "", {"x": "0", "scale": "1/2"}),
    ("cauchy", "integrable(x*exp(-loss), x)", "", {"scale": "1"}),
    ("cauchy", "log_partition == log(pi*scale)", "", {"scale": "1"}),
    ("student_t", "odd(loss, x)", "", None),
    ("student_t", "convex(loss, x)", "df > 100", None),
    ("student_t", "integrable(x**2*exp(-loss), x)", "df >= 2", {"df": "2", "scale": "1"}),
    ("geman_mcclure", "sup(diff(loss, x), x) == 3*sqrt(3)/(16*scale)", "", {"scale": "1"}),
    ("barron", "limit(diff(loss, x), x, oo) == 0", "alpha <= 1", {"alpha": "1", "scale": "1"}),
    ("barron", "smooth(loss, alpha)", "", None),
    ("barron", "bounded(loss, x)", "alpha**2 <= 2", None),  # a condition that says nothing of scale
    ("barron", "loss <= abs(x)/scale", "alpha < 3/2", None),
    ("barron", "loss == abs(x)/scale", "alpha == 1", None),
    ("smooth_l1", "limit(loss, beta, oo) == x**2/2", "", None),
)
FORMULAS: tuple[tuple[str, dict[str, str], str, str], ...] = (
    ("abs(x)**p", {"x": "real", "p": "[1, 2]"}, "convex(formula, x)", "proved"),
    ("abs(x)**p", {"x": "real", "p": "[1/2, 2]"}, "convex(formula, x)", "refuted"),
    ("x**2", {"x": "real"}, "formula > 0", "refuted"),
    ("x**2", {"x": "real"}, "formula >= 0", "proved"),
    ("abs(x)**3", {"x": "real"}, "smooth(formula, x)", "refuted"),
    ("exp(a)/(exp(a) + exp(b))", {"a": "real", "b": "real"}, "formula < 1", "proved"),
    ("x*tanh(10**6*x)", {"x": "real"}, "formula == abs(x)", "refuted"),
    ("max(0, 1/1000 - abs(x - 1/3))", {"x": "real"}, "formula == 0", "refuted"),
    ("abs(x)**(p**2 - 1)", {"x": "real", "p": "[0, 2]"}, "p**2 != 3", "refuted"),
    (
        "piecewise((x**2, x**2 < 2), (3, x**2 <= 2), (x**2, True))",
        {"x": "real"},
        "formula == x**2",
        "refuted",
    ),
)


@pytest.fixture(autouse=True)
def a_short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_module, "SECONDS", 15.0)


def claim(head: str, says: str, where: str = "") -> Any:
    condition = f"where = {where!r}\n" if where else ""
    quoted = says.replace("'", "''")
    text = f'[[claim]]\nid = "c"\nsays = "{says}"\n{condition}{head}'
    del quoted
    return parse_claims(text, "test.toml")[0]


@pytest.mark.parametrize(("loss", "says", "where"), PROVED, ids=lambda v: v or "everywhere")
def test_what_holds_is_proved_and_not_refuted(
    loss: str, says: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_module, "SECONDS", 0.5)  # nothing will be found, however long
    made = claim(LOSS.format(loss=loss), says, where)
    found = proved(made)
    assert found is not None
    assert found.verdict == "proved"
    assert found.steps
    assert searched(made).verdict in ("agrees", "unknown")  # as far as it came


@pytest.mark.parametrize(("loss", "says", "where", "at"), REFUTED, ids=lambda v: str(v) or "all")
def test_what_is_false_has_a_witness(
    loss: str, says: str, where: str, at: dict[str, str] | None
) -> None:
    made = claim(LOSS.format(loss=loss), says, where)
    assert proved(made) is None
    found = searched(made)
    assert found.verdict == "refuted"
    assert found.witness is not None
    assert {"expected", "got"} <= set(found.witness)
    if at is not None:
        assert {k: found.witness[k] for k in at} == at


@pytest.mark.parametrize(("formula", "variables", "says", "verdict"), FORMULAS, ids=str)
def test_formulas(formula: str, variables: dict[str, str], says: str, verdict: str) -> None:
    kinds = "".join(f"{name} = {kind!r}\n" for name, kind in variables.items())
    made = claim(f"formula = {formula!r}\n[claim.variables]\n{kinds}", says)
    found = searched(made)
    if verdict == "refuted":
        assert found.verdict == "refuted"
        assert proved(made) is None
    else:
        assert found.verdict == "agrees"
        assert proved(made) is not None


def test_an_open_question_is_no_proof() -> None:
    made = claim(LOSS.format(loss="barron"), "loss <= abs(x)/scale", "alpha <= 1")
    found = searched(made)
    assert found.verdict == "agrees"
    assert "not excluded" in found.detail


CROSSED = (
    ("x*y", {"x": "real", "y": "real"}, "formula < 2", "x**2 <= 2 and y**2 <= 2"),
    ("abs(x)**(p**2 - 1)", {"x": "real", "p": "positive"}, "bounded(formula, x)", "p**2 <= 2"),
    (
        "(1 + x**2)**(-p**2/4)",
        {"x": "real", "p": "positive"},
        "integrable(formula, x)",
        "p**2 >= 2",
    ),
    ("x**3", {"x": "real"}, "formula < 3*sqrt(3)", "x <= sqrt(3) and x >= 0"),
    ("x*log(x)", {"x": "positive"}, "formula > -exp(-1)", "x > 0"),  # touches at exp(-1)
    ("x**2 + 2*y**2", {"x": "real", "y": "real"}, "formula > 2*sqrt(2)*x*y", "x > 0"),
    ("exp(-x**2)", {"x": "real"}, "formula < 1/3", "x**2 >= log(3)"),
)


@pytest.mark.parametrize(("formula", "variables", "says", "where"), CROSSED, ids=str)
def test_irrational_boundaries(
    formula: str, variables: dict[str, str], says: str, where: str
) -> None:
    kinds = "".join(f"{name} = {kind!r}\n" for name, kind in variables.items())
    head = f"formula = {formula!r}\n[claim.variables]\n{kinds}"
    assert searched(claim(head, says, where)).verdict == "refuted"


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ("cauchy", "sup(diff(loss, x), x) < 1/(sqrt(2)*scale)"),
        ("quadratic", "integral(exp(-loss), x, 0, oo) != sqrt(pi/2)*scale"),
    ],
)
def test_sides_that_are_proved_equal_refute_a_strict_relation(loss: str, says: str) -> None:
    found = proved(claim(LOSS.format(loss=loss), says))
    assert found is not None
    assert found.verdict == "refuted"
    assert found.steps
    assert found.witness is not None


@pytest.mark.parametrize(
    ("loss", "says", "where"),
    [
        (
            "student_t",
            "integral(exp(-loss), x, -oo, oo) == sqrt(pi*df)*scale*gamma(df/2)/gamma((df + 1)/2)",
            "df < 1",
        ),
        ("gaussian_nll", "inf(loss, v) == (1 + log((y - mu)**2))/2", "y != mu"),
    ],
)
def test_numbers_that_are_hard_to_have_refute_nothing(loss: str, says: str, where: str) -> None:
    assert searched(claim(LOSS.format(loss=loss), says, where)).verdict == "agrees"
