"""The catalogue, named one by one. Listing it imports no SymPy; `load` imports one file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derive.definitions.loss import Loss

TITLES: Mapping[str, str] = MappingProxyType(
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
        "log_cosh": "Log-cosh loss",
        "fair": "Fair loss",
        "arctan": "Arctan loss",
        "tukey": "Tukey's biweight",
        "andrews": "Andrews' sine",
        "hampel": "Hampel's three-part loss",
        "ramsay": "Ramsay's Ea",
        "talwar": "Talwar loss (truncated quadratic)",
        "dynamic_covariance_scaling": "Dynamic covariance scaling",
        "quantile": "Quantile loss (pinball)",
        "smooth_quantile": "Smooth quantile loss",
        "quantile_huber": "Quantile Huber loss",
        "expectile": "Expectile loss",
        "epsilon_insensitive": "Epsilon-insensitive loss",
        "squared_epsilon_insensitive": "Squared epsilon-insensitive loss",
        "generalized_normal": "Generalized normal loss (Lp)",
        "generalized_charbonnier": "Generalized Charbonnier loss",
        "linex": "LINEX loss",
        "wing": "Wing loss",
        "tolerant": "Tolerant loss",
        "box_cox": "Box-Cox loss",
        "q_gaussian": "q-Gaussian loss",
    }
)
NAMES: tuple[str, ...] = tuple(TITLES)


def load(name: str) -> Loss:
    """The loss of that name, from its own file. KeyError for a name the catalogue lacks."""
    if name not in TITLES:
        raise KeyError(name)
    loss: Loss = getattr(import_module(f"derive.definitions.{name}"), name)
    return loss


def catalogue() -> tuple[Loss, ...]:
    """Every loss of the catalogue, in its order."""
    return tuple(load(name) for name in NAMES)
