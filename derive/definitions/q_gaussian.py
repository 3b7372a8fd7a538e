"""The q-Gaussian's loss: from the square to Cauchy's logarithm by one parameter."""

from sympy import Interval, Symbol, log

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import x

c = Symbol("c", positive=True)
q = Symbol("q", positive=True)
s = let("s", (x / c) ** 2)

q_gaussian = Loss(
    name="q_gaussian",
    title="q-Gaussian loss",
    source="Tsallis, J. Stat. Phys. 52, 1988",
    variables=(x, q, c),
    where=(s,),
    special={q: (1,)},
    domains={q: Interval.Ropen(1, 3)},
    defaults={q: 1.5},
    loss=log(1 + (q - 1) * s) / (q - 1),
    description="Minus the logarithm of Tsallis' density; q = 1 is a square, q = 2 Cauchy's loss.",
)
