"""Somebody else's formula beside ours: the relation, the convention, the witness."""

from __future__ import annotations

import pytest
import sympy

from derive.definitions.find import find
from derive.verification.claims.reader import read_term
from derive.verification.formulas.compare import compare
from derive.verification.formulas.reader import read_latex
from derive.verification.formulas.told import Comparison

HUBER = r"\begin{cases}%s & |x|\le\delta\\ %s & \text{otherwise}\end{cases}"
EQUAL = (
    (r"\frac{x^2}{2\sigma^2}", "quadratic", "loss"),
    (r"\frac{\lvert x\rvert}{b}", "absolute", "loss"),
    (HUBER % (r"\frac12x^2", r"\delta(|x|-\frac12\delta)"), "huber", "loss"),
    (r"\tfrac12\min(|r|,k)^2+k\max(|r|-k,0)", "huber", "loss"),
    (r"w(x)=\min\left\{1,\frac{k}{|x|}\right\}", "huber", "weight"),
    (r"\psi(x)=\frac{2x}{2\sigma^2+x^2}", "cauchy", "d_x"),
    (r"\frac{\nu+1}{2}\log\left(1+\frac{x^2}{\nu\sigma^2}\right)", "student_t", "loss"),
    (r"\frac{1}{\sigma\sqrt{2\pi}}e^{-\frac12\left(\frac{x}{\sigma}\right)^2}", "quadratic",
     "density"),
    (r"-\frac{x^{2}}{c^{3}}\left(\frac{(x/c)^{2}}{|\alpha-2|}+1\right)^{\frac{\alpha}{2}-1}",
     "barron", "d_scale"),
)  # fmt: skip
# (text, loss, quantity, factor, offset, parameters), in the letters of the text
UP_TO = (
    (r"(y-\hat y)^2", "quadratic", "loss", "2", "0", {"scale": "1"}),
    (r"\frac{c^2}{2}\log\left(1+(x/c)^2\right)", "cauchy", "loss", "c**2/2", "0",
     {"scale": "c/sqrt(2)"}),
    (r"\sqrt{x^2+\epsilon^2}", "charbonnier", "loss", "epsilon", "epsilon", {"scale": "epsilon"}),
    (r"\frac{x^{2}}{\sigma+x^{2}}", "geman_mcclure", "loss", "1/2", "0",
     {"scale": "sqrt(sigma)/2"}),
    (r"w(x)=\frac{1}{1+(x/c)^2}", "cauchy", "weight", "c**2/2", "0", {"scale": "c/sqrt(2)"}),
    (r"\phi(u)=\begin{cases}u^2 & |u|\le M\\ M(2|u|-M) & |u|>M\end{cases}", "huber", "loss", "2",
     "0", {"delta": "M"}),
    (r"\frac{1}{\pi\gamma\left[1+\left(\frac{x}{\gamma}\right)^2\right]}", "cauchy", "density",
     "1", "0", {"scale": "gamma/sqrt(2)"}),
    (r"\frac{c^2}{1+(x/c)^2}", "geman_mcclure", "loss", "-c**2/2", "c**2", {"scale": "c/2"}),
)  # fmt: skip
DIFFERENT = (
    (r"1-\exp\left(\frac{x^2}{2c^2}\right)", "welsch", "loss"),
    (r"\log(\pi c)", "cauchy", "log_partition"),
    (r"\log\cosh\left(\frac{x}{c}\right)", "charbonnier", "loss"),
    (HUBER % (r"\frac12x^2", r"\delta(|x|-\delta)"), "huber", "loss"),
    (r"\psi(x)=\begin{cases}x & |x|\le k\\ k & |x|>k\end{cases}", "huber", "d_x"),
    (r"\frac{1}{c^2}\left(\frac{(x/c)^2}{2-\alpha}+1\right)^{\alpha/2-1}", "barron", "weight"),
    (r"\frac{\Gamma\left(\frac{\nu+1}{2}\right)}{\Gamma\left(\frac{\nu}{2}\right)\sqrt{\pi\nu}}"
     r"\left(1+\frac{x^2}{\nu\sigma^2}\right)^{-\frac{\nu+1}{2}}", "student_t", "density"),
    (r"\frac{x^2}{2\sigma^2}+\frac{\max(0,\,|x|-1000000)}{\sigma}", "quadratic", "loss"),
)  # fmt: skip


def judged(text: str, loss: str, quantity: str) -> Comparison:
    reading = read_latex(text)
    subject = find(loss)
    ours = read_term(quantity, subject, "quantity")
    return compare(reading, reading.formulas[-1], subject, quantity, ours)


def same(found: object, wanted: str) -> bool:
    names = {n: sympy.Symbol(n, positive=True) for n in ("c", "sigma", "epsilon", "gamma", "M")}
    gap = sympy.sympify(str(found), locals=names) - sympy.sympify(wanted, locals=names)
    return bool(sympy.simplify(gap) == 0)


@pytest.mark.parametrize(("text", "loss", "quantity"), EQUAL, ids=str)
def test_equal(text: str, loss: str, quantity: str) -> None:
    found = judged(text, loss, quantity)
    assert found.relation == "equal", found.detail
    assert found.verdict in ("proved", "agrees")


@pytest.mark.parametrize(("text", "loss", "quantity", "factor", "offset", "parameters"), UP_TO)
def test_up_to(
    text: str, loss: str, quantity: str, factor: str, offset: str, parameters: dict[str, str]
) -> None:
    found = judged(text, loss, quantity)
    assert found.relation == "up to", found.detail
    assert found.map is not None
    assert same(found.map["factor"], factor)
    assert same(found.map["offset"], offset)
    told = found.map["parameters"]
    assert isinstance(told, dict)
    assert all(same(told[name], value) for name, value in parameters.items())


@pytest.mark.parametrize(("text", "loss", "quantity"), DIFFERENT, ids=str)
def test_different_with_a_witness(text: str, loss: str, quantity: str) -> None:
    found = judged(text, loss, quantity)
    assert found.relation == "different", found.detail
    assert found.verdict == "refuted"
    assert found.witness is not None
    assert found.witness["expected"] != found.witness["got"]


def test_a_negative_factor_is_said() -> None:
    found = judged(r"\frac{c^2}{1+(x/c)^2}", "geman_mcclure", "loss")
    assert "falls where the loss rises" in found.detail


# (text, loss, relation, map): of a prediction and a target
ROLES = (
    (r"-y\log p-(1-y)\log(1-p)", "binary_cross_entropy", "equal", None),
    (r"-p\log y-(1-p)\log(1-y)", "binary_cross_entropy", "different", None),  # swapped
    (r"-y\log p+(1-y)\log(1-p)", "binary_cross_entropy", "different", None),
    (r"-\left[y\log_2 p+(1-y)\log_2(1-p)\right]", "binary_cross_entropy", "up to",
     ("1/log(2)", "0")),
    (r"\lambda-k\log\lambda", "poisson", "equal", None),
    (r"2\left(y\log\frac{y}{\mu}-(y-\mu)\right)", "poisson_deviance", "up to", ("2", "0")),
    (r"2\left(y\log\frac{\mu}{y}-(y-\mu)\right)", "poisson_deviance", "different", None),
    (r"\frac12\log(2\pi\sigma^2)+\frac{(y-\mu)^2}{2\sigma^2}", "gaussian_nll", "up to",
     ("1", "log(2)/2 + log(pi)/2")),
    (r"\log v+\frac{(y-\mu)^2}{2v}", "gaussian_nll", "different", None),
    (r"\max(0,1-yf)", "hinge", "equal", None),
    (r"\max(0,1+yf)", "hinge", "different", None),
    (r"(p-y)^2", "brier", "equal", None),
    (r"\left(\log(1+\hat y)-\log(1+y)\right)^2", "squared_logarithmic_error", "equal", None),
    (r"\left(\log\hat y-\log y\right)^2", "squared_logarithmic_error", "different", None),
)  # fmt: skip


@pytest.mark.parametrize(("text", "loss", "relation", "mapped"), ROLES)
def test_predictions_and_targets(
    text: str, loss: str, relation: str, mapped: tuple[str, str] | None
) -> None:
    found = judged(text, loss, "loss")
    assert found.relation == relation
    if mapped is not None:
        assert found.map is not None
        assert (found.map["factor"], found.map["offset"]) == mapped


def test_a_text_that_stops_elsewhere_is_different_and_no_fault() -> None:
    text = r"\begin{cases}x^2/2&|x|<c\\0&|x|\ge c\end{cases}"
    assert judged(text, "talwar", "loss").relation == "different"
