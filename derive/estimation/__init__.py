"""What an estimator that minimises a loss does with data: location, robustness, clipped slopes."""

from derive.estimation.clipping import clip_gradient, clip_norm
from derive.estimation.location import Estimate, location
from derive.estimation.robustness import Robustness, robustness, tuning_constant

__all__ = [
    "Estimate",
    "Robustness",
    "clip_gradient",
    "clip_norm",
    "location",
    "robustness",
    "tuning_constant",
]
