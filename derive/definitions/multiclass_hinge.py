"""By how much the best rival comes within a margin of 1 of the target's score."""

from derive.definitions.classes import Entry, Largest, Other
from derive.definitions.loss import Along, Loss

f, t = Along("f", "real"), Along("t", "index")

multiclass_hinge = Loss(
    name="multiclass_hinge",
    title="Multiclass hinge loss (Crammer and Singer)",
    source="Crammer and Singer, JMLR 2, 2001",
    variables=(f, t),
    predictions=(f,),
    target=t,
    loss=Largest(f + Other(t)) - Entry(f, t),
    description="Where rivals tie, the slope is shared evenly.",
)
