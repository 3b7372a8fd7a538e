# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 6b959d5ddb29) by: derive regenerate log_cosh --target numpy
"""Log-cosh loss.

    loss = c^2*log(cosh(x/c))

Domain: x real, c > 0. Behaves like x^2/2 near zero and like c |x| far away; its slope is c
tanh(x/c).
Source: Green, IEEE Trans. Medical Imaging 9(1), 1990.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

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


def _parameters(c: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, c: Any = 1.0) -> Any:
    """Log-cosh loss, elementwise."""
    y = x / c
    return _where_rare(np.abs(y) < 2.0**-40, lambda: 0.5 * x * x, c * _logcosh(y) * c)


@_elementwise
def d_x(x: Any, c: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    return c * np.tanh(x / c)


@_elementwise
def d_c(x: Any, c: Any = 1.0) -> Any:
    """The derivative in c."""
    y = x / c
    u = np.abs(y)
    value = c * (2 * _logcosh(y) - y * np.tanh(y))
    value = _where_rare(u >= 2.0**60, lambda: np.abs(x), value)
    terms = (
        0.06975959734524323, -0.06077358398052147, 0.024501386181119432, -0.0012019988402237128,
        -0.005159713378431157, 0.0036773738718451736, -0.0012140055701499537,
        -4.226058712541996e-05, 0.0002972860813050289, -0.00018165063667341912,
        5.130874315227381e-05, 6.759687737672499e-06, -1.5462178209414265e-05, 8.41234906627e-06,
        -2.0317948196916885e-06, -5.128900193330637e-07, 7.658392090580709e-07,
        -3.879919826012883e-07, 7.692103191164496e-08, 5.1843298418756677e-08,
        -3.864664160952224e-08,
    )  # fmt: skip
    value = np.where(u < 2, _horner(u - 1.5, terms) * c * u * u * u * u, value)
    terms2 = (
        0.16666666666666666, -0.08888888888888886, 0.040476190476188355, -0.017495590828832546,
        0.007386029606158061, -0.0030789668593067783, 0.0012738548185947081, -0.0005244670835102909,
        0.0002152079226774935, -8.807568945249348e-05, 3.592690309817805e-05,
        -1.4533389890906422e-05, 5.734706214453342e-06, -2.124383493906473e-06,
        6.906565237503124e-07, -1.7821872881975654e-07, 3.133650782292623e-08,
        -2.740235393792682e-09,
    )  # fmt: skip
    return np.where(u < 1, _horner(u * u, terms2) * c * u * u * u * u, value)


@_elementwise
def d2_x(x: Any, c: Any = 1.0) -> Any:
    """The second derivative in x."""
    u = np.cosh(x / c)
    return 1 / u / u


@_elementwise
def d2_x_c(x: Any, c: Any = 1.0) -> Any:
    """The mixed second derivative in x and c."""
    y = x / c
    u = np.abs(y)
    v = np.cosh(y)
    value = np.tanh(y) - y / v / v
    value = _where_rare(u >= 2.0**20, lambda: np.sign(x), value)
    terms = (
        0.6666666666666666, -0.5333333333333332, 0.3238095238095158, -0.17495590828885393,
        0.08863235528912497, -0.0431055362844432, 0.020381679814238052, -0.009440427319533588,
        0.004304261288596735, -0.0019380554913873338, 0.000863348490542736, -0.0003802094241828668,
        0.0001643137097952194, -6.820636512435613e-05, 2.6041459046297746e-05,
        -8.537658957276174e-06, 2.1809739783640245e-06, -3.7477842103386254e-07,
        3.178447086428767e-08,
    )  # fmt: skip
    return np.where(u < 1, np.sign(x) * (_horner(u * u, terms) * u * u * u), value)


@_elementwise
def d2_c(x: Any, c: Any = 1.0) -> Any:
    """The second derivative in c."""
    y = x / c
    u = np.abs(y)
    v = y / np.cosh(y)
    value = v * v - 2 * _logcosh_excess(y)
    value = _where_rare(u >= 2.0**20, lambda: -1.3862943611198906, value)
    terms = (
        -0.5, 0.44444444444444436, -0.2833333333333255, 0.15746031745994055, -0.08124632568114806,
        0.04002656940023839, -0.01910782477005211, 0.008915958808105163, -0.004089046821294458,
        0.0018499575587656396, -0.0008273646917591292, 0.0003655656911444622,
        -0.00015841668721162017, 6.590218503693419e-05, -2.5203350289770198e-05,
        8.27266374204039e-06, -2.1149968570121194e-06, 3.636404611481962e-07,
        -3.085139036519061e-08,
    )  # fmt: skip
    return np.where(u < 1, _horner(u * u, terms) * u * u * u * u, value)


@_elementwise
def weight(x: Any, c: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    return _where_rare(y == 0, lambda: 1, np.tanh(y) / y)


@_elementwise
def value_and_grad(x: Any, c: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, c), d_x.__wrapped__(x, c)


def _logcosh(z: Any) -> Any:
    """log(cosh(z)), without cancellation at small z and without overflow at large."""
    size = np.abs(z)
    square = z * z
    value = size - (0.6931471805599453 - _log1p(np.exp(-2 * size)))
    terms = (
        0.5, -0.08333333333333331, 0.022222222222220533, -0.00674603174596672,
        0.0021869488522941283, -0.0007386029444910575, 0.00025658044045671257,
        -9.098888647967153e-05, 3.277615109007633e-05, -1.1946805472763963e-05,
        4.382994193353506e-06, -1.597614119111186e-06, 5.601465026256374e-07,
        -1.7719271476314975e-07, 4.561633293654998e-08, -8.14982655834782e-09,
        7.323407818465804e-10,
    )  # fmt: skip
    return np.where(size < 1, square * _horner(square, terms), value)


def _logcosh_excess(z: Any) -> Any:
    """z tanh(z) - log(cosh(z)): 0 at 0, log(2) at infinity."""
    size = np.abs(z)
    square = z * z
    decay = np.exp(-2 * np.minimum(size, 1e30))
    u = 2 * np.minimum(size, 1e30) * (decay / (1 + decay))
    value = 0.6931471805599453 - (_log1p(decay) + u)
    terms = (
        0.5, -0.24999999999999994, 0.11111111111110573, -0.04722222222198965, 0.01968253967722459,
        -0.008124632494994788, 0.0033355467769777773, -0.001364840288534652, 0.0005572271222589184,
        -0.00022709854544406083, 9.23116067593674e-05, -3.723321289109917e-05,
        1.4656718048179043e-05, -5.419452040616836e-06, 1.7595536890971683e-06,
        -4.5362191339398325e-07, 7.971207698331879e-08, -6.967594734823738e-09,
    )  # fmt: skip
    return np.where(size < 1, square * _horner(square, terms), value)


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
