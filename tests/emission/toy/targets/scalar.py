"""Plain Python with `math`: scalars only, nothing to install."""

from __future__ import annotations

from derive.emission.syntax import AND, ATOM, CHOICE, OR, PYTHON, Called, Infix, Pattern, Syntax
from derive.emission.target import Target

_OWN = "div pow exp expm1 log sinh cosh"
_MATH = "sqrt log1p sin cos tan asin acos atan tanh erf erfc gamma"

TARGET = Target(
    name="scalar",
    title="plain Python",
    folder="for_scalars",
    suffix=".py",
    syntax=Syntax(
        operations={
            **PYTHON,
            "and": Infix("and", AND),
            "or": Infix("or", OR),
            "where": Pattern("{1} if {0} else {2}", CHOICE),
            "patch": Pattern("{1} if {0} else {2}", CHOICE),
            "is_nan": Called("math.isnan"),
            "finite": Pattern(
                "max(min({0}, 1.7976931348623157e308), -1.7976931348623157e308)", ATOM
            ),
            "least": Pattern("2.0**-970", ATOM),
            "abs": Called("abs"),
            "min": Called("min"),
            "max": Called("max"),
            "clamp": Pattern("min(max({0}, {1}), {2})"),
            **{name: Called(f"math.{name}") for name in _MATH.split()},
            "loggamma": Called("math.lgamma"),
            # Python raises where IEEE arithmetic has an infinity.
            **{name: Called(f"_{name}") for name in _OWN.split()},
            "sign": Called("_sign"),
            "horner": Called("_horner", listed=1),
            "exp_series": Called("_exp_series", listed=1),
            "digamma": Called("_digamma"),
            "trigamma": Called("_trigamma"),
            "product_error": Called("_product_error"),
        },
        infinity="math.inf",
        not_a_number="math.nan",
        escapes={"\\": "\\\\", '"""': '\\"\\"\\"'},
    ),
    template="loss.py.j2",
)
