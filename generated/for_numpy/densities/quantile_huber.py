# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of quantile_huber (sha256 53e17bd46274) by: derive regenerate quantile_huber --target numpy
"""Density exp(-loss)/Z: Quantile Huber loss.

log Z = log(sqrt(pi*kappa)*erf(sqrt(1 - tau)*sqrt(kappa/2))/sqrt(2*(1 - tau)) +
sqrt(pi*kappa/(2*tau))*erf(sqrt(kappa*tau/2)) + exp(kappa*(tau - 1)/2)/(1 - tau) +
exp(-kappa*tau/2)/tau).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from .._special import erf as _erf
from ..quantile_huber import d2_kappa, d2_tau, d2_tau_kappa, d_kappa, d_tau, d_x, loss


def _log_z(tau: Any, kappa: Any) -> Any:
    """log Z."""
    r = np.sqrt(kappa)
    u = np.sqrt(1 - tau)
    v = np.sqrt(tau)
    w = r / u * _erf(r * u * 0.7071067811865476) * 1.2533141373155003
    p = r / v * _erf(r * v * 0.7071067811865476) * 1.2533141373155003
    q = np.exp(0.5 * kappa * (tau - 1)) / (1 - tau)
    return np.log(w + p + q + np.exp(-0.5 * kappa * tau) / tau)


_DENSITY = Density(
    __name__,
    "quantile_huber",
    loss,
    d_x,
    {"tau": 0.9, "kappa": 1.0},
    domains={"tau": (0.0, 1.0, False, False), "kappa": (0.0, np.inf, False, False)},
    closed={(): _log_z},
    slopes={
        ("tau",): d_tau,
        ("kappa",): d_kappa,
        ("tau", "tau"): d2_tau,
        ("tau", "kappa"): d2_tau_kappa,
        ("kappa", "kappa"): d2_kappa,
    },
    length=lambda tau, kappa: kappa,
    points=lambda tau, kappa: (0.0, -kappa, kappa),
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d_log_partition_kappa = _DENSITY.d_log_partition("kappa")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")
d2_log_partition_tau_kappa = _DENSITY.d_log_partition("tau", "kappa")
d2_log_partition_kappa = _DENSITY.d_log_partition("kappa", "kappa")
