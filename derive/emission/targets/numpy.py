"""NumPy: arrays in float64 inside, whatever comes in."""

from __future__ import annotations

from derive.emission.syntax import ATOM, BOTH, EITHER, PYTHON, Called, Infix, Pattern, Syntax
from derive.emission.target import Target

SYNTAX = Syntax(
    operations={
        **PYTHON,
        "and": Infix("&", BOTH),
        "or": Infix("|", EITHER),
        "abs": Called("np.abs"),
        "sign": Called("np.sign"),
        "min": Called("np.minimum"),
        "max": Called("np.maximum"),
        "sqrt": Called("np.sqrt"),
        "exp": Called("np.exp"),
        "expm1": Called("np.expm1"),
        "log": Called("np.log"),
        "log1p": Called("_log1p"),
        "sin": Called("np.sin"),
        "cos": Called("np.cos"),
        "tan": Called("np.tan"),
        "asin": Called("np.arcsin"),
        "acos": Called("np.arccos"),
        "atan": Called("np.arctan"),
        "sinh": Called("np.sinh"),
        "cosh": Called("np.cosh"),
        "tanh": Called("np.tanh"),
        "where": Called("np.where"),
        "patch": Called("_where_rare", later={1: "lambda: "}),
        "is_nan": Called("np.isnan"),
        "finite": Pattern("np.nan_to_num({0}, nan=np.nan)", ATOM),
        "clamp": Pattern("np.minimum(np.maximum({0}, {1}), {2})", ATOM),
        "horner": Called("_horner", listed=1),
        "exp_series": Called("_exp_series", listed=1),
        "product_error": Called("_product_error"),
        "erf": Called("_erf"),
        "erfc": Called("_erfc"),
        "gamma": Called("_gamma"),
        "loggamma": Called("_loggamma"),
        "digamma": Called("_digamma"),
        "trigamma": Called("_trigamma"),
        "over": PYTHON["div"],
        "count": Pattern("{0}.shape[-1]", ATOM),
        **{
            n: Called(f"_{n}")
            for n in (
                "total",
                "largest",
                "beside",
                "entry",
                "share",
                "rest",
                "others",
                "centred",
                "apart",
                "put",
                "put_into",
                "hit",
            )
        },
    },
    infinity="np.inf",
    not_a_number="np.nan",
    as_it_is="  # fmt: skip",
    escapes={"\\": "\\\\", '"""': '\\"\\"\\"'},
)

TARGET = Target(
    name="numpy",
    title="NumPy",
    folder="for_numpy",
    suffix=".py",
    syntax=SYNTAX,
    template="loss.py.j2",
    pointwise="pointwise.py.j2",
    density="density.py.j2",
    classes="classes.py.j2",
    runtime=("_costs.py", "_density.py", "_divergence.py", "_quadrature.py", "_special.py"),
    beside=("_adapters.py",),
    package="package.py.j2",
    library="numpy",
    judged={
        "dtypes": ("float64", "float32", "float16"),
        "computed": {"float32": "float64", "float16": "float32"},
    },
)
