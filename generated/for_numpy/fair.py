# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 30869731c596) by: derive regenerate fair --target numpy
"""Fair loss.

    loss = c^2*(u - log(1 + u))
    u = |x|/c

Domain: x real, c > 0. Behaves like x^2/2 near zero and like c |x| far away; its slope is c x/(c +
|x|).
Source: Fair, Annals of Economic and Social Measurement 3(4), 1974.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim:
            x, *parameters = np.broadcast_arrays(x, *parameters)
        if x.ndim and x.size <= 16384 and x.dtype == np.float64:
            return formula(x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            out[:, part] = formula(*(np.asarray(v[part], float) if v.ndim else v for v in flat))
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(c: Any = 1.3998) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, c: Any = 1.3998) -> Any:
    """Fair loss, elementwise."""
    y = x / c
    return _where_rare(np.abs(y) < 2.0**-60, lambda: 0.5 * x * x, -c * _log1p_minus(np.abs(y)) * c)


@_elementwise
def d_x(x: Any, c: Any = 1.3998) -> Any:
    """The derivative in x, the influence."""
    y = x / c
    return _where_rare(np.abs(y) == np.inf, lambda: c * np.sign(y), x / (np.abs(x) / c + 1))


@_elementwise
def d_c(x: Any, c: Any = 1.3998) -> Any:
    """The derivative in c."""
    u = np.abs(x / c)
    v = np.abs(x) / c
    value = c * (_exp_difference_m2_m1_m1_0(_log1p(v)) * (1 + v)) * 2
    terms = (
        0.03620041769482292, -0.015367084361489584, 0.005036389574326387, -0.0014959108746257698,
        0.0004224346039796244, -0.00011575594019050788, 3.110203244464272e-05,
        -8.243179455323112e-06, 2.163092360306115e-06, -5.633684120347453e-07,
        1.458744623807438e-07, -3.7597482578136505e-08, 9.654314292503116e-09,
        -2.4714302243878637e-09, 6.308219785514888e-10, -1.6071279064042432e-10,
        4.114821700037739e-11, -1.0460035654229353e-11, 2.447553857504061e-12,
        -6.148209090406683e-13, 2.4183643532170323e-13, -6.210447810152301e-14,
    )  # fmt: skip
    value = np.where(u < 4, _horner(u - 3, terms) * c * u * u * u, value)
    terms2 = (
        0.07923512185235256, -0.051803577038038444, 0.02640476938405126, -0.012271965982279183,
        0.005445299315611654, -0.0023516126945707988, 0.0009980557285516197,
        -0.00041856967208908673, 0.00017404539225344246, -7.190969756107565e-05,
        2.9565748692443602e-05, -1.2109412138752585e-05, 4.944349082233477e-06,
        -2.013812510291866e-06, 8.194041018812589e-07, -3.325461022810105e-07, 1.31777704988972e-07,
        -5.319545581666128e-08, 2.7074453197820786e-08, -1.1044339446556129e-08,
    )  # fmt: skip
    value = np.where(u < 2, _horner(u - 1.5, terms2) * c * u * u * u, value)
    terms3 = (
        0.1406574286236046, -0.12725556483455452, 0.0905629445150803, -0.05908800016725418,
        0.03694000739505767, -0.02253411307639405, 0.013534606958568523, -0.008044447106921622,
        0.004745848219201404, -0.002784507750557688, 0.0016269484675436245, -0.0009475920621628711,
        0.0005504622730480596, -0.0003179639437768247, 0.00018392121943119574,
        -0.00011664997430411306, 6.767182885597559e-05,
    )  # fmt: skip
    value = np.where(u < 1, _horner(u - 0.75, terms3) * c * u * u * u, value)
    terms4 = (
        0.3333333333333333, -0.49999999999999994, 0.5999999999999913, -0.6666666666657339,
        0.7142857142327498, -0.7499999981579343, 0.777777734999681, -0.799999298167858,
        0.8181733609317767, -0.833256383673512, 0.8456145937047903, -0.8541905498440204,
        0.8539125053876447, -0.8312242610544363, 0.7624053776883362, -0.6253724626324797,
        0.42748093423793965, -0.22196532640254923, 0.07611242108019838, -0.012726920132007262,
    )  # fmt: skip
    return np.where(u < 0.5, _horner(u, terms4) * c * u * u * u, value)


@_elementwise
def d2_x(x: Any, c: Any = 1.3998) -> Any:
    """The second derivative in x."""
    u = np.abs(x) / c
    return 1 / (1 + u) / (1 + u)


@_elementwise
def d2_x_c(x: Any, c: Any = 1.3998) -> Any:
    """The mixed second derivative in x and c."""
    y = x / c
    u = np.abs(x) / c
    return _where_rare(np.abs(y) == np.inf, lambda: np.sign(y), x / (u + 1) / c * u / (u + 1))


@_elementwise
def d2_c(x: Any, c: Any = 1.3998) -> Any:
    """The second derivative in c."""
    return -4 * _exp_difference_m2_m1_0_0(_log1p(np.abs(x) / c))


@_elementwise
def weight(x: Any, c: Any = 1.3998) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return 1 / (1 + np.abs(x / c))


@_elementwise
def value_and_grad(x: Any, c: Any = 1.3998) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, c), d_x.__wrapped__(x, c)


def _exp_difference_m2_m1_0_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, 0, 0], the divided difference of exp."""
    p = np.exp(-2 * z)
    value = 0.5 * z - 0.75 + np.exp(-z) - 0.25 * p
    return np.where(np.abs(z) < 1.5, z * z * z * (p * _exp_series(np.abs(z), (0, 1, 2, 2))), value)


def _exp_difference_m2_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, -z, 0], the divided difference of exp."""
    p = np.exp(-2 * z)
    value = 0.5 - np.minimum(z, 1e9) * np.exp(-z) - 0.5 * p
    return np.where(np.abs(z) < 2, z * z * z * (p * _exp_series(np.abs(z), (0, 1, 1, 2))), value)


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    value = _log1p(z) - z
    value = _where_rare(z == np.inf, lambda: -np.inf, value)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    u = 0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))
    return np.where((z > -0.5) & (z < 1), -z * z * u, value)


def _exp_series(argument: Any, rates: tuple[Any, ...]) -> Any:
    """exp[r_0 L, r_1 L, …], the divided difference of exp, for 0 <= r_i L <= 5: the sum of
    h_k(r) L^k/(n + k)!, h_k the sum of all products of k rates. Every term is positive."""
    sums: list[Any] = [0.0] * len(rates)
    coefficients = []
    for k in range(34):
        total: Any = 0.0 if k else 1.0
        for j, rate in enumerate(rates):
            sums[j] = total = total + rate * sums[j]
        coefficients.append(total / math.factorial(len(rates) - 1 + k))
    return reduce(lambda value, c: value * argument + c, coefficients[::-1])


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
