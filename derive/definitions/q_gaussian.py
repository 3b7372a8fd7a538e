"""The q-Gaussian loss: from the quadratic to heavier and heavier tails by one parameter."""

from sympy import Interval, Symbol, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

q, c = Symbol("q", positive=True), Symbol("c", positive=True)

q_gaussian = Loss(
    name="q_gaussian",
    title="q-Gaussian loss",
    source="Tsallis, J. Stat. Phys. 52, 1988",
    variables=(x, q, c),
    domains={q: Interval.Ropen(1, 3)},
    defaults={q: 1.5},
    loss=log(1 + (q - 1) * (x / c) ** 2) / (q - 1),
    special={q: (1,)},
    description="The negative logarithm of the q-Gaussian exp_q(-(x/c)^2): x^2/c^2 at q = 1, "
    "Cauchy's at q = 2.",
)
