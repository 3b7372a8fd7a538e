"""The Box-Cox form: a power transform of 1 + the quadratic loss, among them Cauchy's."""

from sympy import Symbol

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x

lam = Symbol("lam", real=True)
s = let("s", (x / scale) ** 2)

box_cox = Loss(
    name="box_cox",
    title="Box-Cox loss",
    source="Box and Cox, J. R. Statist. Soc. B 26(2), 1964, eq. 2, of s/2 with shift 1",
    variables=(x, lam, scale),
    where=(s,),
    symbols={"lam": "lambda"},
    defaults={lam: 0.0},
    special={lam: (0,)},
    loss=((1 + s / 2) ** lam - 1) / lam,
    description="Behaves like x^2/(2 scale^2) near 0. lam sets the shape: 1 quadratic, 0 Cauchy, "
    "below 0 bounded by -1/lam.",
)
