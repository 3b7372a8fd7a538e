"""Real and defined on the whole domain, or refused with a witness."""

import pytest
from sympy import Expr, Interval, Symbol, besselk, oo

from derive.definitions.accepted import accept
from derive.definitions.formula import read
from derive.definitions.loss import Loss
from derive.errors import BadInput

x = Symbol("x", real=True)
c = Symbol("c", positive=True)
p = Symbol("p", real=True)
q = Symbol("q", nonnegative=True)
NAMES = {"x": x, "c": c, "p": p, "q": q}


def stated(text: str) -> Loss:
    loss = read(text, NAMES, "formula")
    parameters = [v for v in (c, p, q) if loss.has(v)]
    return Loss("shape", "t", "s", (x, *parameters), loss)


@pytest.mark.parametrize(
    "text",
    [
        "x*log(abs(x))",
        "abs(x)**0.5",
        "((1 + (x/c)**2)**p - 1)/p",
        "((1 + (x/c)**2)**q - 1)/q",
        "sin(x)/x",
        "x/(exp(x) - 1)",
        "(exp(x**2) - 1)/x**2",
        "exp(-1/x**2)",
        "log(cosh(x))",
        "log(1 - tanh(x)**2)",
        "asin(tanh(x))",
        "exp(exp(x**2))",
        "gamma(1 + abs(x))",
        "x**3/(x**2 + 1)",
        "piecewise((x**2, x > 0), (x, x <= 0))",
        "piecewise((0, abs(x) < c), (1, True))*x",
        "piecewise((c**2/6*(1 - (1 - (x/c)**2)**3), abs(x) <= c), (c**2/6, True))",
        "c**2*(abs(x)/c - log(1 + abs(x)/c))",
    ],
)
def test_accepted(text: str) -> None:
    loss = stated(text)
    assert accept(loss, "f") is loss


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("piecewise((x, x > 0))", "has no branch of its piecewise formula at x = -1;"),
        ("piecewise((x, x > 0), (-x, x < 0))", "has no branch of its piecewise formula at x = 0;"),
        ("log(x)", "is complex at x = -1;"),
        ("sqrt(x)", "is complex at x = -1;"),
        ("x**x", "is complex at x = -0.5;"),
        ("sqrt(1 - (x/c)**2)", "is complex at x = 2, c = 1;"),
        ("asin(x/7)", "is complex at x = 10;"),
        ("sqrt(9999 - x)", "is complex at x = 1000000;"),
        ("1/x", "at x = 0;"),
        ("log(x**2)", "at x = 0;"),
        ("x/abs(x)", "at x = 0;"),
        ("1/(x - 0.37)", "at x = 0.37;"),
        ("1/(x - 0.37)**2", "at x = 0.37;"),
        ("x/abs(x - 0.37)", "at x = 0.37;"),
        ("x**2/(c - 1)", "at x = 1, c = 1;"),
        ("x**2/(c - 0.123)", "at x = 1, c = 0.123;"),
        ("abs(x)**p", "at x = 0, p = -1;"),
        ("gamma(x)", "at x = -1;"),
        ("tan(x)", "approaches no finite value"),
        ("x*oo", "at x = 1;"),
    ],
)
def test_refused_with_a_witness(text: str, witness: str) -> None:
    with pytest.raises(BadInput) as caught:
        accept(stated(text), "f")
    assert "the loss " in str(caught.value)
    assert witness in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "rule"),
    [
        (stated("c**2"), "does not depend on the residual 'x'"),
        (Loss("t", "t", "s", (x, c), x**2), "does not depend on 'c'"),
        (Loss("t", "t", "s", (x,), c * x**2), "unknown name 'c' (declared: x)"),
        (Loss("t", "t", "s", (x,), 0.1 * x**2), "write the exact 1/10"),
        (Loss("t", "t", "s", (x,), x**2 * besselk(0, 1 + x**2)), "not something that formulas"),
        (Loss("t", "t", "s", (c, x), c * x**2), "the residual 'c' (the first variable) must be"),
        (Loss("t", "t", "s", (p, x), p * x**2), "call the residual (the first variable) x"),
        (Loss("t", "t", "s", (), x**2), "no variable is declared"),
        (Loss("numpy", "t", "s", (x,), x**2), "would shadow the module"),
        (Loss("t", "t", "s", (x, Symbol("k")), x**2 * Symbol("k")), "must be declared real"),
        (Loss("t", "t", "s", (x, c), c * x**2, defaults={c: -1.0}), "-1 is outside of (0, oo)"),
        (Loss("t", "t", "s", (x, p), p * x**2, domains={p: Interval(2, 3)}), "usual default 1 "),
        (Loss("t", "t", "s", (x, c), c * x**2, special={c: (-oo,)}), "-oo is outside of (0, oo)"),
    ],
)
def test_a_loss_from_code_is_checked_alike(loss: Loss, rule: str) -> None:
    with pytest.raises(BadInput) as caught:
        accept(loss, "f")
    assert rule in str(caught.value)


def test_a_decimal_default_on_the_edge_is_inside() -> None:
    tenth: Expr = read("0.1", {}, "f")
    loss = Loss("t", "t", "s", (x, p), p * x**2, defaults={p: 0.1}, domains={p: Interval(0, tenth)})
    assert accept(loss, "f") is loss
