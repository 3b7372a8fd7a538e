"""Normalizers against closed forms that people wrote down."""

import math

import flint
import mpmath
import pytest
import sympy
from sympy import Abs

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.bounds import SIZE, is_convex
from derive.verification.normalizer import Normalizer

SCALE = 0.75


def closed(alpha):
    """log Z of Barron's loss at scale 1 in closed form."""
    with mpmath.workdps(40):
        return {
            0.0: lambda: mpmath.log(mpmath.pi * mpmath.sqrt(2)),
            1.0: lambda: mpmath.log(2 * mpmath.e * mpmath.besselk(1, 1)),
            2.0: lambda: mpmath.log(2 * mpmath.pi) / 2,
            4.0: lambda: (
                mpmath.mpf(1) / 4 + mpmath.log(mpmath.besselk(mpmath.mpf(1) / 4, mpmath.mpf(1) / 4))
            ),
            math.inf: lambda: mpmath.log(
                2 * mpmath.quad(lambda x: mpmath.exp(-mpmath.expm1(x * x / 2)), [0, 1, 3])
            ),
        }[alpha]()


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0, 4.0, math.inf])
def test_the_normalizer_equals_the_closed_forms(alpha):
    ball = Normalizer(load("barron")).log_partition({"alpha": alpha, "scale": SCALE})
    with mpmath.workdps(40):
        expected = closed(alpha) + mpmath.log(mpmath.mpf(SCALE))
        middle, exponent = ball.mid().man_exp()
        value = mpmath.ldexp(mpmath.mpf(int(middle)), int(exponent))
        assert abs(value - expected) < mpmath.mpf(10) ** -30
    assert float(ball.rad()) < 1e-30


def test_slopes_are_the_known_ones():
    normalizer = Normalizer(load("quadratic"))
    first, second = normalizer.slopes("scale", {"scale": SCALE})
    assert float(first) == pytest.approx(1 / SCALE, rel=1e-15)
    assert float(second) == pytest.approx(-1 / SCALE**2, rel=1e-14)
    at_zero = Normalizer(load("barron")).slopes("alpha", {"alpha": 1e-9, "scale": 1.0})[0]
    assert float(at_zero) == pytest.approx(-0.859772866, rel=1e-7)


def test_an_interval_adds_up():
    normalizer = Normalizer(load("huber"))
    here = {"delta": 1.345}
    parts = [normalizer.log_partition_on(*ends, here).exp() for ends in ((-3, 0.5), (0.5, 4))]
    whole = normalizer.log_partition_on(-3, 4, here).exp()
    assert abs(float(parts[0] + parts[1] - whole)) < 1e-35
    far = normalizer.log_partition_on(-900, 900, here)
    assert abs(float(far - normalizer.log_partition(here))) < 1e-35


def test_where_a_density_exists():
    barron = Normalizer(load("barron"))
    for alpha, truth in ((0.0, True), (1e-300, True), (-1e-12, False), (-math.inf, False)):
        assert barron.exists({"alpha": alpha, "scale": 1.0}) == truth, alpha
    assert barron.exists({"alpha": math.inf, "scale": 1.0})
    assert Normalizer(load("student_t")).exists({"df": 1e-9, "scale": 1.0})
    assert not Normalizer(load("welsch")).exists({"scale": 1.0})


X = sympy.Symbol("x", real=True)
A = sympy.Symbol("a", positive=True)


def of(expression):
    """The normalizer of a loss of x and a."""
    return Normalizer(Loss("some", "", "", (X, A), expression))


def test_what_the_quadrature_cannot_follow_is_said():
    with pytest.raises(BadInput, match="gamma"):
        of(sympy.loggamma(1 + X**2))


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        (sympy.atan(X**2), False),
        (sympy.Min(X**2, A), False),
        (sympy.Max(-A, 1 - X**2), False),
        (X**2 / (A + X**2) * A, False),  # oo/oo as it stands
        (sympy.Piecewise((1 - sympy.cos(X), Abs(X) <= sympy.pi), (2, True)), False),
        (sympy.tanh(X), False),
        (sympy.Max(0, X), False),  # on one side only
        (sympy.Max(0, Abs(X) - A), True),
        (sympy.log(sympy.cosh(X / A)), True),
        (Abs(X) / A - sympy.log(1 + Abs(X) / A), True),
        (sympy.exp(A * X) - A * X, True),
        (X**4 - X**2, True),
        (sympy.log(1 + Abs(X)) * A, None),  # what a decides, no bound of the slope tells
    ],
    ids=str,
)
def test_what_is_proved_of_an_integral_far_out(expression, truth):
    for a in (1.0, 2.5):
        assert of(expression).converges({"a": a}) is truth


@pytest.mark.parametrize(
    ("expression", "integral"),
    [
        (sympy.log(sympy.cosh(X / A)), lambda a: mpmath.pi * a),
        (sympy.Max(0, Abs(X) - A), lambda a: 2 + 2 * a),
        (sympy.Max(0, Abs(X) - A) ** 2, lambda a: 2 * a + mpmath.sqrt(mpmath.pi)),
        (sympy.exp(A * X) - A * X - 1, lambda a: mpmath.e / a),
        (sympy.Max(X / A, X**2), lambda a: mpmath.quad(  # kinks where 0 = x^2 - x/a
            lambda x: mpmath.exp(-max(x / a, x**2)), [-mpmath.inf, 0, 1 / a, mpmath.inf]
        )),
    ],
    ids=lambda value: str(value) if isinstance(value, sympy.Expr) else "",
)  # fmt: skip
def test_corners_and_exponential_tails(expression, integral):
    for a in (0.001953125, 1.0, 2.5):
        with mpmath.workdps(50):
            expected = mpmath.log(integral(mpmath.mpf(a)))
        assert near(of(expression).log_partition({"a": a}), expected, 25), a


@pytest.mark.parametrize(
    "expression",
    [
        sympy.atan(X**2 / A**2),
        sympy.Piecewise((1 - sympy.cos(X / A), Abs(X) <= sympy.pi * A), (2, True)),
        sympy.Min(X**2, A**2) / 2,
        sympy.Piecewise((X**2, A**2 >= X**2), (A * Abs(X), True)),
    ],
    ids=str,
)
def test_an_interval_across_corners_equals_a_plain_quadrature(expression):
    corners = [mpmath.mpf(k) for k in ("-0.3", "0", "0.625", "1.7")]
    corners.insert(-1, min(mpmath.mpf(0.625) * mpmath.pi, mpmath.mpf("1.69")))
    function = sympy.lambdify(X, expression.subs(A, sympy.Rational(5, 8)), "mpmath")
    ball = of(expression).log_partition_on(-0.3, 1.7, {"a": 0.625})
    with mpmath.workdps(40):
        ends = [mpmath.mpf(-0.3), *corners[1:-1], mpmath.mpf(1.7)]
        expected = mpmath.log(mpmath.quad(lambda x: mpmath.exp(-function(x)), sorted(ends)))
    assert near(ball, expected, 20)


def near(ball, expected, places=30):
    """Whether the ball is narrow and holds what mpmath says, to so many decimal places."""
    with mpmath.workdps(60):
        middle, exponent = ball.mid().man_exp()
        value = mpmath.ldexp(mpmath.mpf(int(middle)), int(exponent))
        room = mpmath.mpf(10) ** -places * max(1, abs(expected))
        return float(ball.rad()) < float(room) and abs(value - expected) < room


@pytest.mark.parametrize("df", [1e-9, 4.148e-3, 1e-2, 0.3, 1.0, 77.6, 1e6])
def test_heavy_tails_equal_the_gamma_functions(df):
    scale = 2.212612822315808
    ball = Normalizer(load("student_t")).log_partition({"df": df, "scale": scale})
    with mpmath.workdps(60):
        n = mpmath.mpf(df)
        expected = mpmath.log(scale * mpmath.sqrt(n)) + mpmath.log(mpmath.beta(n / 2, 0.5))
    assert near(ball, expected)


@pytest.mark.parametrize(("a", "b", "df"), [(2.0, 2.5, 77.61936807412951), (-0.3, 1.7, 0.01)])
def test_an_interval_in_the_tail_equals_the_hypergeometric_function(a, b, df):
    scale = 0.012114376343054779
    ball = Normalizer(load("student_t")).log_partition_on(a, b, {"df": df, "scale": scale})
    with mpmath.workdps(60):
        n, s = mpmath.mpf(df), mpmath.mpf(scale)

        def far(x):  # the integral beyond x > 0: z = x/scale
            z = x / s
            head = s * mpmath.power(z, -n) * mpmath.power(n, (n + 1) / 2) / n
            return head * mpmath.hyp2f1((n + 1) / 2, n / 2, n / 2 + 1, -n / z**2)

        whole = s * mpmath.sqrt(n) * mpmath.beta(n / 2, 0.5)
        total = far(mpmath.mpf(a)) if a > 0 else whole - far(-mpmath.mpf(a))
        expected = mpmath.log(total - far(mpmath.mpf(b)))
    assert near(ball, expected)


@pytest.mark.parametrize("alpha", [1e-3, 1e-2, 0.1])
def test_barron_near_zero_equals_a_plain_quadrature(alpha):
    ball = Normalizer(load("barron")).log_partition({"alpha": alpha, "scale": SCALE})
    with mpmath.workdps(30):
        a = mpmath.mpf(alpha)
        b = 2 - a

        def of(y):  # x = sinh(y)
            u = mpmath.sinh(y) ** 2 / b
            return mpmath.cosh(y) * mpmath.exp(-b / a * mpmath.expm1(a / 2 * mpmath.log1p(u)))

        total = 2 * mpmath.quad(of, [0, 1, 2, 4, 8, 16, 32, 64, 128])
        expected = mpmath.log(SCALE * total)
    assert near(ball, expected, 22)


def test_losses_too_large_for_any_quadrature_are_enclosed():
    """The part nearest to 0 alone decides: -loss(a), to a few e-folds."""
    ball = Normalizer(load("barron")).log_partition_on(2.0, 2.5, {"alpha": 20.0, "scale": 1e-3})
    with mpmath.workdps(60):
        expected = -mpmath.mpf("0.9") * ((mpmath.mpf(2) / 1e-3) ** 2 / 18 + 1) ** 10
    assert near(ball, expected, 20)
    beyond = Normalizer(load("barron")).log_partition_on(
        2.0, 2.5, {"alpha": math.inf, "scale": 1e-3}
    )
    assert float(beyond) == -math.inf


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("3*log(1 + size**2/b)", True),
        ("a*((size**2/b + 1)**(1/a) - 1)", True),
        ("exp(size) - 1", True),
        ("size + log(size**2 + size**-1)", True),
        ("-a*log(1 + size)", False),  # concave
        ("1 - exp(-size**2)", False),
        ("log(1 - exp(-size))", False),
        ("(1 + size)**-2", False),  # convex, and not seen
        ("size**2 - size", False),
    ],
)
def test_what_is_proved_convex(text, truth):
    names = {"a": flint.acb(2), "b": flint.acb(0.25)}
    a, b = sympy.symbols("a b")
    node = sympy.sympify(text, {"size": SIZE, "a": a, "b": b})
    assert is_convex(node, names) == truth
