"""NumPy: arrays in float64 inside, whatever comes in."""

from __future__ import annotations

from derive.emission.printer import Dialect
from derive.emission.target import Target

_SPELLING = {
    "abs": "np.abs", "sign": "np.sign", "min": "np.minimum", "max": "np.maximum",
    "sqrt": "np.sqrt", "exp": "np.exp", "expm1": "np.expm1", "log": "np.log",
    "log1p": "np.log1p", "sin": "np.sin", "cos": "np.cos", "tan": "np.tan",
    "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan", "sinh": "np.sinh",
    "cosh": "np.cosh", "tanh": "np.tanh", "where": "np.where", "patch": "_patch",
    "far_limit": "_far_limit",
    "huge": "_huge", "horner": "_horner",
    "product_error": "_product_error", "erf": "_erf", "erfc": "_erfc",
    "gamma": "_gamma", "loggamma": "_loggamma", "digamma": "_digamma", "trigamma": "_trigamma",
    "log_z": "_log_z",
}  # fmt: skip

_PATCH = '''def _patch(rare, remedy, usual):
    """`remedy()` where the rare condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, remedy(), usual) if np.any(rare) else usual'''

_HUGE = '''def _huge(_):
    """Beyond this, squares overflow in float64."""
    return 2.0**900'''

_PRODUCT_ERROR = '''def _product_error(a, b):
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    a_high = 134217729.0 * a - (134217729.0 * a - a)
    b_high = 134217729.0 * b - (134217729.0 * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low'''


HORNER = '''def _horner(z, coefficients):
    """The polynomial with these coefficients, lowest first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total'''

_FAR_LIMIT = '''def _far_limit(body, regime, x, *parameters):
    """The limit at x = ±inf, read off from values at two points far out."""
    near = body(regime, np.sign(x) * 2.0**112, *parameters)[0]
    far = body(regime, np.sign(x) * 2.0**225, *parameters)[0]
    grows, decays = np.abs(far) > 1.1 * np.abs(near), np.abs(far) < 0.9 * np.abs(near)
    return np.where(grows, np.sign(far) * np.inf, np.where(decays, 0.0, far))'''


def _elementwise(name: str, function: str, meaning: str) -> str:
    return f'''def _{name}(value):
    """{meaning}"""
    return np.asarray(np.frompyfunc({function}, 1, 1)(value), dtype=np.float64)'''


_DIGAMMA = '''def _digamma(value):
    """The logarithmic derivative of gamma for value > 0: recurrence, then its asymptotic series."""
    value = np.asarray(value, dtype=np.float64)
    total = np.zeros_like(value)
    for _ in range(12):
        small = value < 12
        total = np.where(small, total - 1 / value, total)
        value = np.where(small, value + 1, value)
    r = 1 / (value * value)
    tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132)))))
    return total + np.log(value) - 0.5 / value - tail'''

_TRIGAMMA = '''def _trigamma(value):
    """The second logarithmic derivative of gamma for value > 0."""
    value = np.asarray(value, dtype=np.float64)
    total = np.zeros_like(value)
    for _ in range(12):
        small = value < 12
        total = np.where(small, total + 1 / (value * value), total)
        value = np.where(small, value + 1, value)
    r = 1 / (value * value)
    tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66)))))
    return total + (1 + 0.5 / value + tail) / value'''


def _spell(op: str, varies: tuple[bool, ...]) -> str:
    return _SPELLING[op]


NUMPY = Target(
    name="numpy",
    title="NumPy",
    folder="for_numpy",
    library="numpy",
    template="numpy/loss.py.j2",
    dialect=Dialect(infinity="np.inf", spell=_spell, lazy={"patch": 1}),
    runtime={
        "patch": _PATCH,
        "far_limit": _FAR_LIMIT,
        "huge": _HUGE,
        "product_error": _PRODUCT_ERROR,
        "horner": HORNER,
        "erf": _elementwise("erf", "math.erf", "The error function."),
        "erfc": _elementwise("erfc", "math.erfc", "1 - erf, without cancellation."),
        "gamma": _elementwise("gamma", "math.gamma", "Euler's gamma function."),
        "loggamma": _elementwise("loggamma", "math.lgamma", "log |gamma|."),
        "digamma": _DIGAMMA,
        "trigamma": _TRIGAMMA,
    },
)
