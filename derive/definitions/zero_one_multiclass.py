"""Whether the target's score is the largest: the error rate, sample by sample."""

from sympy import Piecewise

from derive.definitions.classes import Entry, Largest
from derive.definitions.loss import Along, Loss

z, t = Along("z", "real"), Along("t", "index")

zero_one_multiclass = Loss(
    name="zero_one_multiclass",
    title="Zero-one loss over classes",
    source="Vapnik, The Nature of Statistical Learning Theory, 1995",
    variables=(z, t),
    predictions=(z,),
    target=t,
    loss=Piecewise((1, Entry(z, t) < Largest(z)), (0, True)),
    description="A tie counts as right. The gradient is 0 almost everywhere: nothing to learn.",
)
