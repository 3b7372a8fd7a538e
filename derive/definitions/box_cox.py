"""A Box-Cox transform of 1 + (x/c)^2: powers and the logarithm in one."""

from sympy import Symbol

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import x

c = Symbol("c", positive=True)
lam = Symbol("lam", real=True)
s = let("s", (x / c) ** 2)

box_cox = Loss(
    name="box_cox",
    title="Box-Cox loss",
    source="after Box and Cox, J. Roy. Statist. Soc. B 26(2), 1964",
    variables=(x, lam, c),
    where=(s,),
    special={lam: (0,)},
    defaults={lam: 0.5},
    loss=((1 + s) ** lam - 1) / lam,
    description="lam = 1 is a square, lam = 0 a logarithm (Cauchy's loss), lam < 0 bounded.",
)
