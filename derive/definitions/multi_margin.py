"""The mean over all classes of how far each rival comes within a margin of the target's score."""

from sympy import Interval, Max, Symbol, oo

from derive.definitions.classes import COUNT, Entry, Other, Total
from derive.definitions.loss import Along, Loss

f, t = Along("f", "real"), Along("t", "index")
margin = Symbol("margin", positive=True)
power = Symbol("power", positive=True)

multi_margin = Loss(
    name="multi_margin",
    title="Multiclass hinge loss (Weston and Watkins)",
    source="Weston and Watkins, ESANN 1999; torch.nn.MultiMarginLoss",
    variables=(f, t, margin, power),
    predictions=(f,),
    target=t,
    loss=Total(Other(t) * Max(0, margin - Entry(f, t) + f) ** power) / COUNT,
    domains={power: Interval(1, oo)},
    description="At a kink the slope is the middle one.",
)
