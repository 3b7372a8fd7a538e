"""Student's loss: the negative log-likelihood of Student's t, up to a constant."""

from sympy import FiniteSet, Interval, Symbol, Union, log, oo

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x

df = Symbol("df", extended_positive=True)
s = let("s", (x / scale) ** 2)

student_t = Loss(
    name="student_t",
    title="Student's t loss",
    source="Lange, Little and Taylor, J. Amer. Statist. Assoc. 84(408), 1989",
    variables=(x, df, scale),
    where=(s,),
    loss=(df + 1) / 2 * log(1 + s / df),
    special={df: (oo,)},
    domains={df: Union(Interval.open(0, oo), FiniteSet(oo))},
    description="df sets the weight of the tails: 1 Cauchy's distribution, inf the normal one.",
)
