"""The squared distance of predicted probabilities from what came true."""

from derive.definitions.classes import Hit, Total
from derive.definitions.loss import Along, Loss

q, t = Along("q", "probability"), Along("t", "index")

brier_multiclass = Loss(
    name="brier_multiclass",
    title="Brier score over classes",
    source="Brier, Monthly Weather Review 78(1), 1950: from 0 to 2",
    variables=(q, t),
    predictions=(q,),
    target=t,
    loss=Total((q - Hit(t)) ** 2),
)
