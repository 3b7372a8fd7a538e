"""PyTorch: tensors of any floating dtype. (The table; the layout of the file is being rewritten.)"""

from __future__ import annotations

from derive.emission.syntax import BOTH, EITHER, PYTHON, Called, Infix, Syntax
from derive.emission.target import Target

SYNTAX = Syntax(
    operations={
        **PYTHON,
        "and": Infix("&", BOTH),
        "or": Infix("|", EITHER),
        "min": Called("torch.minimum"),
        "max": Called("torch.maximum"),
        "where": Called("torch.where"),
        "patch": Called("torch.where"),
        "horner": Called("_horner", listed=1),
        "product_error": Called("_product_error"),
        "gamma": Called("_gamma"),
        "loggamma": Called("torch.lgamma"),
        "trigamma": Called("_trigamma"),
        **{
            name: Called(f"torch.{name}")
            for name in [
                "abs",
                "sign",
                "sqrt",
                "exp",
                "expm1",
                "log",
                "log1p",
                "sin",
                "cos",
                "tan",
                "asin",
                "acos",
                "atan",
                "sinh",
                "cosh",
                "tanh",
                "erf",
                "erfc",
                "digamma",
            ]
        },
    },
    infinity="math.inf",
    not_a_number="math.nan",
    escapes={"\\": "\\\\", '"""': '\\"\\"\\"'},
)

TARGET = Target(
    name="torch",
    title="PyTorch",
    folder="for_torch",
    suffix=".py",
    syntax=SYNTAX,
    template="loss.py.j2",
    density="density.py.j2",
    runtime=("_density.py",),
    package="package.py.j2",
    library="torch",
    tolerance=1e-4,
)
