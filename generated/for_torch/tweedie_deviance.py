# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of tweedie_deviance (sha256 478b9209dd6e) by: derive regenerate
# tweedie_deviance --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Tweedie deviance.

    loss = mu^(2 - p)/(2 - p) + y^(2 - p)/((1 - p)*(2 - p)) - mu^(1 - p)*y/(1 - p)

Domain: mu > 0, y >= 0, p in [0, 3]. Half the deviance: squared error at p = 0, Poisson at 1, gamma
at 2.
Limits of the loss: mu - y*log(mu) + y*log(y) - y at p = 1; log(mu) - log(y) + y/mu - 1 at p = 2.
Source: Jorgensen, J. R. Statist. Soc. B 49(2), 1987.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["TweedieDevianceLoss", "d2_mu", "d2_mu_p", "d2_mu_y", "d_mu", "d_p", "d_y", "loss"]
__all__ += ["value_and_grad"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of mu and y comes out. NaN for NaN."""

    def formula(*values: Tensor) -> Tensor:
        result, empty = _formula(*values), torch.isnan(values[0])
        for other in values[1:2]:
            empty = empty | torch.isnan(other)
        return torch.where(empty, math.nan, result)

    @functools.wraps(_formula)
    def evaluate(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
        return _evaluate(_formula.__name__, (mu, y), p)

    _FORMULAS[_formula.__name__] = formula
    return evaluate


@_elementwise
def loss(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """Tweedie deviance, elementwise."""
    p_ = torch.where((p == 1) | (p == 2), 1.5, p)
    far = y == 0
    far2 = torch.abs(mu) == math.inf
    ratio = y / mu
    ratio2 = mu / y
    value = torch.where(
        far,
        math.inf,
        torch.where(
            far2,
            math.inf,
            (
                y ** (-p_)
                * y
                * y
                * torch.where(
                    mu < y,
                    _power_difference_0_pm1_p(_log_ratio(y, mu, y - mu), p_ - 1, ratio**p_ / ratio),
                    _power_difference_0_pm1_p(
                        _log_ratio(mu, y, mu - y), 2 - p_, ratio2 ** (-p_) * ratio2 * ratio2
                    ),
                )
            ),
        ),
    )
    value = torch.where(
        p == 2,
        torch.where(
            torch.abs(ratio2) < 32,
            -_log1p_minus((y - mu) / mu),
            ratio - 1 + torch.log(mu) - torch.log(y),
        ),
        value,
    )
    return torch.where(
        p == 1,
        torch.where(
            ratio < 2.0**-54,
            mu,
            y * torch.where(
                mu < y,
                _exp_difference_m1_0_0(_log_ratio(y, mu, y - mu)),
                _exp_difference_m1_m1_0(_log_ratio(mu, y, mu - y)) * ratio2,
            ),
        ),
        value,
    )


@_elementwise
def d_mu(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """The derivative in mu."""
    half = mu ** (p / 2)
    return torch.where(torch.abs(mu) == math.inf, mu ** (1 - p), -(y - mu) / half / half)


@_elementwise
def d_y(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """The derivative in y."""
    p_ = torch.where(p == 2, 1.5, p)
    far = y == 0
    far2 = torch.abs(mu) == math.inf
    ratio = y / mu
    ratio2 = mu / y
    value = torch.where(
        far,
        -math.inf,
        torch.where(
            far2,
            -math.inf,
            (
                -(y ** (-p_))
                * y
                * torch.where(
                    mu < y,
                    -_power_difference_0_p(_log_ratio(y, mu, y - mu), p_ - 1, ratio**p_ / ratio),
                    _power_difference_0_p(
                        _log_ratio(mu, y, mu - y), 1 - p_, ratio2 ** (-p_) * ratio2
                    ),
                )
            ),
        ),
    )
    return torch.where(p == 2, torch.where(far2, -1 / y, (y - mu) / mu / y), value)


@_elementwise
def d_p(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """The derivative in p."""
    p_ = torch.where((p == 1) | (p == 2), 1.5, p)
    far = torch.abs(mu) == math.inf
    u = y ** (-p_) * y * y
    near = mu < y
    L = _log_ratio(y, mu, y - mu)
    ratio = y / mu
    v = ratio**p_ / ratio
    w = _log_ratio(mu, y, mu - y)
    ratio2 = mu / y
    q = ratio2 ** (-p_) * ratio2 * ratio2
    value = torch.where(
        far,
        -math.inf,
        (
            u
            * (
                -2
                * torch.where(
                    near,
                    -_power_difference_0_pm1_p_p(L, p_ - 1, v),
                    _power_difference_0_pm1_pm1_p(w, 2 - p_, q),
                )
                - torch.where(
                    near,
                    _power_difference_0_pm1_pm1_p_p(L, p_ - 1, v),
                    _power_difference_0_pm1_pm1_p_p(w, 2 - p_, q),
                )
            )
            - (
                u
                * torch.where(
                    near,
                    _power_difference_0_pm1_p(L, p_ - 1, v),
                    _power_difference_0_pm1_p(w, 2 - p_, q),
                )
                * torch.log(y)
            )
        ),
    )
    value = torch.where(
        p == 2,
        torch.where(
            ratio * 2 < 2.0**-54,
            (
                1
                + torch.log(y) / 2 * torch.log(y)
                + torch.log(y)
                - 0.5 * torch.log(mu) * torch.log(mu)
            ),
            torch.where(
                torch.abs(ratio2) < 1,
                (
                    torch.log(mu) * _log1p_minus((y - mu) / mu)
                    + 0.5 * torch.log1p((y - mu) / mu) * torch.log1p((y - mu) / mu)
                    + _log1p_minus((y - mu) / mu)
                ),
                torch.where(
                    torch.abs(ratio2) < 256,
                    (
                        torch.where(
                            near,
                            _exp_difference_m1_m1_m1_0_0(L) * ratio,
                            _exp_difference_m1_m1_0_0_0(w),
                        )
                        - (
                            torch.where(
                                near, _exp_difference_m1_m1_0(L) * ratio, _exp_difference_m1_0_0(w)
                            )
                            * torch.log(y)
                        )
                        - 2 * torch.where(
                            near,
                            -_exp_difference_m1_m1_m1_0(L) * ratio,
                            _exp_difference_m1_0_0_0(w),
                        )
                    ),
                    (
                        1
                        - ratio
                        + torch.log(y) / 2 * torch.log(y)
                        + torch.log(y)
                        - 0.5 * torch.log(mu) * torch.log(mu)
                        - ratio * torch.log(mu)
                    ),
                ),
            ),
        ),
        value,
    )
    return torch.where(
        p == 1,
        torch.where(
            y == 0,
            mu * (1 - torch.log(mu)),
            torch.where(
                far,
                -math.inf,
                torch.where(
                    torch.abs(ratio2) < 0.00390625,
                    (
                        mu
                        * (
                            (y - mu) / mu * torch.log1p((y - mu) / mu)
                            + _log1p_minus((y - mu) / mu)
                            - (y - mu) / mu * torch.log(mu) * torch.log1p((y - mu) / mu)
                            - (
                                0.5
                                * ((y - mu) / mu)
                                * torch.log1p((y - mu) / mu)
                                * torch.log1p((y - mu) / mu)
                            )
                            - torch.log(mu) * _log1p_minus((y - mu) / mu)
                            - 0.5 * torch.log1p((y - mu) / mu) * torch.log1p((y - mu) / mu)
                        )
                    ),
                    torch.where(
                        torch.abs(ratio2) < 0.125,
                        (
                            mu
                            - y
                            + y / 2 * torch.log(mu) * torch.log(mu)
                            + y * torch.log(y)
                            - mu * torch.log(mu)
                            - y / 2 * torch.log(y) * torch.log(y)
                        ),
                        torch.where(
                            torch.abs(ratio2) >= 2.0**27,
                            (
                                mu
                                - y
                                + y / 2 * torch.log(mu) * torch.log(mu)
                                + y * torch.log(y)
                                - mu * torch.log(mu)
                                - y / 2 * torch.log(y) * torch.log(y)
                            ),
                            (
                                y
                                * (
                                    torch.log(y) * _log1p_minus((mu - y) / y)
                                    + 0.5 * torch.log1p((mu - y) / y) * torch.log1p((mu - y) / y)
                                    - (mu - y) / y * torch.log1p((mu - y) / y)
                                    - _log1p_minus((mu - y) / y)
                                )
                            ),
                        ),
                    ),
                ),
            ),
        ),
        value,
    )


@_elementwise
def d2_mu(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """The second derivative in mu."""
    p_ = torch.where((p == 1) | (p == 2), 1.5, p)
    ratio = mu / y
    value = torch.where(
        torch.abs(ratio) < 32768,
        y ** (-p_) * ratio ** (-p_) * (ratio * (1 - p_) + p_) / ratio,
        mu ** (-p_) * (1 + p_ / mu * y - p_),
    )
    value = torch.where(
        p == 2, torch.where(torch.abs(mu) == math.inf, 0, (2 * y - mu) / mu / mu / mu), value
    )
    return torch.where(p == 1, y / mu / mu, value)


@_elementwise
def d2_mu_y(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """The mixed second derivative in mu and y."""
    return -(mu ** (-p))


@_elementwise
def d2_mu_p(mu: Tensor, y: Tensor, p: Any = 1.5) -> Tensor:
    """The mixed second derivative in mu and p."""
    p_ = torch.where(p == 1, 1.5, p)
    far = torch.abs(mu) == math.inf
    half = mu ** (p_ / 2)
    value = torch.where(far, 0, torch.log(mu) / half * (y - mu) / half)
    return torch.where(p == 1, torch.where(far, -math.inf, (y - mu) / mu * torch.log(mu)), value)


def value_and_grad(mu: Tensor, y: Tensor, p: Any = 1.5) -> tuple[Tensor, ...]:
    """(loss, d_mu)."""
    return loss(mu, y, p), d_mu(mu, y, p)


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4, z * z * (p * _exp_series(torch.abs(z), (0, 1, 1))), z - 1 + p
    )


def _exp_difference_m1_0_0_0(z: Any) -> Any:
    """z^3 exp[-z, 0, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 1, 1, 1))),
        z * z * 0.5 - z + 1 - p,
    )


def _exp_difference_m1_m1_0(z: Any) -> Any:
    """z^2 exp[-z, -z, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4,
        z * z * (p * _exp_series(torch.abs(z), (0, 0, 1))),
        1 - torch.clamp(z, max=1e30) * p - p,
    )


def _exp_difference_m1_m1_0_0(z: Any) -> Any:
    """z^3 exp[-z, -z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 0, 1, 1))),
        z - 2 + torch.clamp(z, max=1e30) * p + 2 * p,
    )


def _exp_difference_m1_m1_0_0_0(z: Any) -> Any:
    """z^4 exp[-z, -z, 0, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4,
        z * z * z * z * (p * _exp_series(torch.abs(z), (0, 0, 1, 1, 1))),
        z * z * 0.5 - 2 * z + 3 - torch.clamp(z, max=1e30) * p - 3 * p,
    )


def _exp_difference_m1_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-z, -z, -z, 0], the divided difference of exp."""
    p = torch.exp(-z)
    m = torch.clamp(z, max=1e30)
    return torch.where(
        torch.abs(z) < 4,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 0, 0, 1))),
        1 - m * m * 0.5 * p - m * p - p,
    )


def _exp_difference_m1_m1_m1_0_0(z: Any) -> Any:
    """z^4 exp[-z, -z, -z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    m = torch.clamp(z, max=1e30)
    return torch.where(
        torch.abs(z) < 4,
        z * z * z * z * (p * _exp_series(torch.abs(z), (0, 0, 0, 1, 1))),
        z - 3 + m * m * 0.5 * p + 2 * m * p + 3 * p,
    )


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return torch.where(z == 0, 1, torch.expm1(z) / torch.clamp(z, max=1e30))


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    return torch.where(
        (z > -0.5) & (z < 1),
        -z * z * (0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))),
        torch.where(z == math.inf, -math.inf, torch.log1p(z) - z),
    )


def _log_ratio(t: Any, z: Any, d: Any) -> Any:
    """log(t/z), from d = t - z where that is small beside z."""
    q = t / z
    return torch.where(
        torch.abs(d) < 0.5 * z,
        torch.log1p(d / z),
        torch.where(
            (q > 1e-30) & (q < 1e30), torch.log(q), 2 * torch.log(torch.sqrt(t) / torch.sqrt(z))
        ),
    )


def _power_difference_0_p(z: Any, p: Any, g: Any) -> Any:
    """z^1 exp[0, p z], the divided difference of exp; g = exp(p z)."""
    u = p * torch.clamp(z, max=1e30)
    return torch.where(torch.abs(u) >= 7 / 10, (g - 1) / p, z * _exprel(u))


def _power_difference_0_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    low = torch.clamp(p, max=0)
    m = torch.clamp(z, max=1e30)
    unit = torch.clamp(high - low, min=1)
    return torch.where(
        (high - low) * m < 5,
        (
            z
            * z
            * torch.exp(low * m)
            * _exp_series(unit * m, (-low / unit, (p - low) / unit, (p - low) / unit))
        ),
        g * ((m - 1 / p) / p) + 1 / p / p,
    )


def _power_difference_0_pm1_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, (p - 1) z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    q = p - 1
    low = torch.clamp(q, max=0)
    m = torch.clamp(z, max=1e30)
    unit = torch.clamp(high - low, min=1)
    near = torch.abs(p * z) < 7 / 10
    u = torch.expm1(-m)
    near2 = torch.abs(q * z) < 7 / 10
    return torch.where(
        (high - low) * m < 5,
        (
            z
            * z
            * torch.exp(low * m)
            * _exp_series(unit * m, (-low / unit, (q - low) / unit, (p - low) / unit))
        ),
        torch.where(
            p * m < 2.5,
            (
                g * ((torch.where(near, 0, 1 / p) + u) / (1 - p))
                + torch.where(near, z * _exprel(p * z), -1 / p) / (1 - p)
            ),
            (
                g * ((-u - torch.where(near2, 0, torch.exp(torch.clamp(-z, min=-80)) / q)) / p)
                - torch.where(near2, z * _exprel(q * z), -1 / q) / p
            ),
        ),
    )


def _power_difference_0_pm1_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, (p - 1) z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    q = p - 1
    low = torch.clamp(q, max=0)
    m = torch.clamp(z, max=1e30)
    unit = torch.clamp(high - low, min=1)
    near = torch.abs(q * z) < 7 / 10
    return torch.where(
        (high - low) * m < 5,
        (
            z
            * z
            * z
            * torch.exp(low * m)
            * _exp_series(
                unit * m, (-low / unit, (q - low) / unit, (p - low) / unit, (p - low) / unit)
            )
        ),
        torch.where(
            p * m < 2.5,
            _power_difference_0_p_p(z, p, g) / (1 - p) - g * (_exp_difference_m1_0_0(m) / (1 - p)),
            (
                g
                * (
                    (
                        _exp_difference_m1_0_0(m)
                        - (
                            (
                                -torch.expm1(-m)
                                - torch.where(near, 0, torch.exp(torch.clamp(-z, min=-80)) / q)
                            )
                            / p
                        )
                    )
                    / p
                )
                + torch.where(near, z * _exprel(q * z), -1 / q) / p / p
            ),
        ),
    )


def _power_difference_0_pm1_pm1_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, (p - 1) z, (p - 1) z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    q = p - 1
    low = torch.clamp(q, max=0)
    m = torch.clamp(z, max=1e30)
    unit = torch.clamp(high - low, min=1)
    v = (q - low) / unit
    near = torch.abs(p * z) < 7 / 10
    u = 1 - p
    return torch.where(
        (high - low) * m < 5,
        (
            z
            * z
            * z
            * torch.exp(low * m)
            * _exp_series(unit * m, (-low / unit, v, v, (p - low) / unit))
        ),
        torch.where(
            p * m < 2.5,
            (
                g
                * (
                    (
                        (torch.where(near, 0, 1 / p) + torch.expm1(-m)) / u
                        - _exp_difference_m1_m1_0(m)
                    )
                    / u
                )
                + torch.where(near, z * _exprel(p * z), -1 / p) / u / u
            ),
            (
                g * (_exp_difference_m1_m1_0(m) / p)
                - _power_difference_0_p_p(z, q, torch.exp(q * z)) / p
            ),
        ),
    )


def _power_difference_0_pm1_pm1_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^4 exp[0, (p - 1) z, (p - 1) z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    q = p - 1
    low = torch.clamp(q, max=0)
    m = torch.clamp(z, max=1e30)
    unit = torch.clamp(high - low, min=1)
    v = (q - low) / unit
    u = 1 - p
    return torch.where(
        (high - low) * m < 5,
        (
            z
            * z
            * z
            * z
            * torch.exp(low * m)
            * _exp_series(unit * m, (-low / unit, v, v, (p - low) / unit, (p - low) / unit))
        ),
        torch.where(
            p * m < 2.5,
            (
                g * ((-_exp_difference_m1_0_0(m) / u - _exp_difference_m1_m1_0_0(m)) / u)
                + _power_difference_0_p_p(z, p, g) / u / u
            ),
            (
                g * ((_exp_difference_m1_m1_0_0(m) - _exp_difference_m1_m1_0(m) / p) / p)
                + _power_difference_0_p_p(z, q, torch.exp(q * z)) / p / p
            ),
        ),
    )


def _exp_series(argument: Any, rates: tuple[Any, ...]) -> Any:
    """exp[r_0 L, r_1 L, …], the divided difference of exp, for 0 <= r_i L <= 5: the sum of
    h_k(r) L^k/(n + k)!, h_k the sum of all products of k rates. Every term is positive."""
    sums: list[Any] = [0.0] * len(rates)
    coefficients = []
    for k in range(34):
        total: Any = 0.0 if k else 1.0
        for j, rate in enumerate(rates):
            sums[j] = total = total + rate * sums[j]
        coefficients.append(total / float(math.factorial(len(rates) - 1 + k)))
    value = coefficients[-1]
    for c in coefficients[-2::-1]:
        value = value * argument + c
    return value


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


class TweedieDevianceLoss(torch.nn.Module):
    """Tweedie deviance of input (a tensor of mu) and target (y).

    Args:
        weight: of each element, if any.
        reduction: "mean" over all elements (with a weight, too), "sum", "none", or "weighted_mean":
            divided by the sum of the weights.
        p: in [0, 3]; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        validate: check all tensors, too, at every call, which waits for the device.
        size_average, reduce: instead of reduction, as torch.nn once had them.
    Shape: input and target of one shape; the output is a scalar, or has that shape.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        p: Any = 1.5,
        *,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            whole = "none" if reduce is False else "sum"
            reduction = "mean" if reduce is not False and size_average is not False else whole
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be one of {_REDUCTIONS}, got {reduction!r}")
        for value, (name, rule, valid), usual in zip((p,), _RULES, (1.5,)):
            value = usual if value is None else value
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.weight = torch.nn.Buffer(weight) if isinstance(weight, Tensor) else weight
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of each pair, times its weight, reduced."""
        if input.shape != target.shape:
            sizes = f"{tuple(input.shape)} and {tuple(target.shape)}"
            raise ValueError(f"input and target must have one size, got {sizes}")
        parameters: list[Any] = [self.p]
        if self.validate:
            for value, (name, rule, valid) in zip((input, target), _DOMAINS):
                if not (valid(value) | torch.isnan(value)).all():
                    raise ValueError(f"{name} must be {rule}, got {value}")
            for value, known in zip(parameters, _RULES):
                if _beside(torch.zeros(()), value, *known).isnan().any():
                    raise ValueError(f"{known[0]} must be {known[1]}, got {value}")
        values = _evaluate("loss", (input, target), *parameters, narrow=False)
        dtype = torch.promote_types(input.dtype, target.dtype)
        dtype = dtype if dtype.is_floating_point else values.dtype
        weight = self.weight if weight is None else weight
        values = values if weight is None else values * weight
        if self.reduction == "weighted_mean":
            count = values.new_ones(()) if weight is None else torch.as_tensor(weight).to(values)
            values = values.sum() / count.expand(values.shape).sum()
        elif self.reduction != "none":
            values = getattr(values, self.reduction)()
        kind = input.device.type
        cast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        return values if cast else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("p", "reduction"))


_REDUCTIONS = ("none", "mean", "sum", "weighted_mean")
_DOMAINS: tuple[Any, ...] = (
    ("input", "> 0", lambda p: p > 0),
    ("target", ">= 0", lambda p: p >= 0),
)
_RULES: tuple[Any, ...] = (("p", "in [0, 3]", lambda p: (p >= 0) & (p <= 3)),)


def _evaluate(name: str, given: tuple[Any, ...], *parameters: Any, narrow: bool = True) -> Tensor:
    """The formula of tensors of one dtype and device."""
    tensors = [v for v in given if isinstance(v, Tensor)]
    dtype, floats = torch.get_default_dtype(), [t.dtype for t in tensors if t.is_floating_point()]
    dtype = functools.reduce(torch.promote_types, floats) if floats else dtype
    if any(t.is_complex() for t in tensors):
        raise TypeError("predictions and targets must be real")
    wide, like = torch.promote_types(dtype, torch.float32), tensors[0] if tensors else None
    device = None if like is None else like.device
    values = [
        v.to(wide) if isinstance(v, Tensor) else torch.as_tensor(v, dtype=wide, device=device)
        for v in given
    ]
    values += [_beside(values[0], p, *rule) for p, rule in zip(parameters, _RULES)]
    result = _tied(name, values)
    result = result.broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))
    return result.to(dtype) if narrow else result


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
    """A parameter beside x. A number outside its domain is an error; a tensor there becomes NaN,
    so that nothing waits for a device."""
    if isinstance(value, Tensor):
        return torch.where(valid(value), value, math.nan).to(x.dtype)
    if not isinstance(value, (float, int)) or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    least = torch.finfo(x.dtype).tiny
    value = math.copysign(least, value) if 0 < abs(value) < least else value  # and not 0
    return torch.full((), value, dtype=x.dtype, device=x.device)


def _tied(name: str, values: list[Tensor]) -> Tensor:
    """A formula and its derivatives; the compiler itself decides what to keep for them."""
    if not torch.compiler.is_compiling():
        return _ClosedBothWays.apply(name, *values)
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
    wanted = wanted and not torch._C._are_functorch_transforms_active()
    return _Closed.apply(name, *values) if wanted else _FORMULAS[name](*values)


class _Closed(torch.autograd.Function):
    """A formula whose derivatives are functions of this file."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, *values: Tensor) -> Tensor:
        return _FORMULAS[name](*values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.name, *values = inputs
        ctx.save_for_backward(*values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        values, needs = ctx.saved_tensors, ctx.needs_input_grad[1:]
        once = torch.compiler.is_compiling() or not torch.is_grad_enabled()
        names = [_slope(ctx.name, k) if n else "" for k, n in enumerate(needs)]
        slopes = [_FORMULAS[n] if once else _Recorded(n) for n in names if n]
        found = iter([grad * d(*values) for d in slopes])
        pairs = zip(values, needs)
        return None, *(next(found).sum_to_size(v.shape) if n else None for v, n in pairs)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Closed.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        with forward_ad._set_fwd_grad_enabled(True):  # of an outer forward mode
            values = [forward_ad.unpack_dual(v).primal for v in ctx.saved_tensors]
            moves = [
                _Recorded(_slope(ctx.name, k))(*values) * t
                for k, t in enumerate(tangents)
                if t is not None
            ]
            return sum(moves[1:], moves[0])


class _Recorded:
    """A formula by its name, with its own derivatives."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *values: Tensor) -> Tensor:
        return _tied(self.name, list(values))


def _slope(name: str, place: int) -> str:
    """Which function is the derivative in a variable."""
    found = _SLOPES[name][place] if name in _SLOPES else ""
    if not found:
        raise NotImplementedError(f"this file has no derivative of {name} in {_VARIABLES[place]}")
    return found


_VARIABLES = ("mu", "y", "p")
_SLOPES = {
    "loss": ("d_mu", "d_y", "d_p"),
    "d_mu": ("d2_mu", "d2_mu_y", "d2_mu_p"),
    "d_y": ("d2_mu_y", "", ""),
    "d_p": ("d2_mu_p", "", ""),
}
