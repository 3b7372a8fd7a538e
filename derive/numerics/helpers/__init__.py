"""Stable atoms: small functions that each keep their digits over their whole domain."""

from derive.numerics.helpers.angles import less_pi
from derive.numerics.helpers.boxcox import boxcox1p, boxcox_bend, boxcox_slope
from derive.numerics.helpers.differences import square_bend
from derive.numerics.helpers.divergences import (
    chance_divergence,
    chance_gap,
    divergence,
    log1mexp,
    log_quotient,
)
from derive.numerics.helpers.exponential import (
    expm1_minus,
    exprel,
    exprel1,
    exprel2,
    rel2,
    rel2_bend,
    rel2_slope,
)
from derive.numerics.helpers.helper import HELPERS, SERIES_TERMS, Helper
from derive.numerics.helpers.hyperbolic import (
    logcosh,
    logcosh_excess,
    root_sigmoid,
    root_softplus,
    sigmoid,
    softplus,
    softplus_crossed,
    softplus_product,
    softplus_step,
)
from derive.numerics.helpers.logarithm import (
    log1p_minus,
    log1prel,
    log1prel1,
    log1prel2,
)
from derive.numerics.helpers.powers import (
    half_weighted,
    log1p_over,
    log1p_square,
    power1p,
    power1p_exp,
    power1p_square,
    root1p_square,
    times_power1p,
    times_power1p_less_one,
    weighted,
)
from derive.numerics.helpers.ratios import log_ratio, log_ratio_gap, times_log1p

__all__ = [
    "HELPERS",
    "SERIES_TERMS",
    "Helper",
    "boxcox1p",
    "boxcox_bend",
    "boxcox_slope",
    "chance_divergence",
    "chance_gap",
    "divergence",
    "expm1_minus",
    "exprel",
    "exprel1",
    "exprel2",
    "half_weighted",
    "less_pi",
    "log1mexp",
    "log1p_minus",
    "log1p_over",
    "log1p_square",
    "log1prel",
    "log1prel1",
    "log1prel2",
    "log_quotient",
    "log_ratio",
    "log_ratio_gap",
    "logcosh",
    "logcosh_excess",
    "power1p",
    "power1p_exp",
    "power1p_square",
    "rel2",
    "rel2_bend",
    "rel2_slope",
    "root1p_square",
    "root_sigmoid",
    "root_softplus",
    "sigmoid",
    "softplus",
    "softplus_crossed",
    "softplus_product",
    "softplus_step",
    "square_bend",
    "times_log1p",
    "times_power1p",
    "times_power1p_less_one",
    "weighted",
]  # fmt: skip
