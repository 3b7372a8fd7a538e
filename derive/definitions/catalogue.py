"""The catalogue, named one by one. Listing it imports no SymPy; `load` imports one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derive.definitions.loss import Loss

RESIDUAL: Mapping[str, str] = MappingProxyType(
    {
        "quadratic": "Quadratic loss (L2)",
        "absolute": "Absolute loss (L1)",
        "huber": "Huber loss",
        "smooth_l1": "Smooth L1 loss",
        "barron": "General adaptive robust loss",
        "charbonnier": "Charbonnier loss (pseudo-Huber)",
        "cauchy": "Cauchy loss (Lorentzian)",
        "geman_mcclure": "Geman-McClure loss",
        "welsch": "Welsch loss (Leclerc)",
        "student_t": "Student's t loss",
        "generalized_charbonnier": "Generalized Charbonnier penalty",
        "generalized_normal": "Generalized normal loss (Lp)",
        "q_gaussian": "q-Gaussian loss",
        "box_cox": "Box-Cox loss",
        "fair": "Fair loss",
        "hampel": "Hampel's three-part loss",
        "talwar": "Talwar loss (truncated quadratic)",
        "tukey": "Tukey's biweight (bisquare)",
        "andrews": "Andrews' sine (wave)",
        "ramsay": "Ramsay's Ea",
        "arctan": "Arctan loss",
        "dynamic_covariance_scaling": "Dynamic covariance scaling (DCS)",
        "wing": "Wing loss",
        "log_cosh": "Log-cosh loss",
        "linex": "LINEX loss",
        "quantile": "Quantile loss (pinball)",
        "smooth_quantile": "Smooth quantile loss",
        "expectile": "Expectile loss",
        "quantile_huber": "Quantile Huber loss",
        "epsilon_insensitive": "Epsilon-insensitive loss",
        "squared_epsilon_insensitive": "Squared epsilon-insensitive loss",
    }
)
POINTWISE: Mapping[str, str] = MappingProxyType(
    {
        "squared_logarithmic_error": "Squared logarithmic error",
        "poisson": "Poisson loss",
        "poisson_with_log_input": "Poisson loss of the log of the mean",
        "poisson_deviance": "Poisson deviance",
        "gamma_deviance": "Gamma deviance",
        "itakura_saito": "Itakura-Saito divergence",
        "gaussian_nll": "Gaussian negative log-likelihood",
        "binary_cross_entropy": "Binary cross-entropy",
        "binary_cross_entropy_with_logits": "Binary cross-entropy of logits",
        "binary_focal": "Binary focal loss",
        "brier": "Brier score",
        "hinge": "Hinge loss",
        "squared_hinge": "Squared hinge loss",
        "smoothed_hinge": "Smoothed hinge loss",
        "modified_huber": "Modified Huber loss",
        "exponential": "Exponential loss",
        "zero_one": "Zero-one loss",
    }
)
ELEMENTWISE: Mapping[str, str] = MappingProxyType({**RESIDUAL, **POINTWISE})
CLASSWISE: Mapping[str, str] = MappingProxyType(
    {
        "softmax_cross_entropy": "Softmax cross-entropy",
        "label_smoothed_cross_entropy": "Label-smoothed cross-entropy",
        "cross_entropy": "Cross-entropy of probabilities",
        "entropy": "Entropy",
        "entropy_logits": "Entropy of a softmax",
        "kl_divergence": "Kullback-Leibler divergence",
        "reverse_kl_divergence": "Reverse Kullback-Leibler divergence",
        "kl_divergence_logits": "Kullback-Leibler divergence of two softmaxes",
        "jensen_shannon": "Jensen-Shannon divergence",
        "focal_multiclass": "Multiclass focal loss",
        "multiclass_hinge": "Multiclass hinge loss (Crammer and Singer)",
        "multi_margin": "Multiclass hinge loss (Weston and Watkins)",
        "brier_multiclass": "Brier score over classes",
        "zero_one_multiclass": "Zero-one loss over classes",
    }
)
TITLES: Mapping[str, str] = MappingProxyType({**ELEMENTWISE, **CLASSWISE})
NAMES: tuple[str, ...] = tuple(TITLES)


def load(name: str) -> Loss:
    """The loss of that name, from its own file. KeyError for a name the catalogue lacks."""
    if name not in TITLES:
        raise KeyError(name)
    loss: Loss = getattr(import_module(f"derive.definitions.{name}"), name)
    return loss


def catalogue(names: Iterable[str] = NAMES) -> tuple[Loss, ...]:
    """Every loss of the catalogue, or those of one kind, in its order."""
    return tuple(load(name) for name in names)
