"""PyTorch: tensors of any floating dtype; parameters may be numbers or tensors.

What depends on the residual is a tensor and is spelled with torch's functions. What depends on
parameters alone may be a Python number, and goes through small functions that take both.
"""

from __future__ import annotations

from derive.emission.printer import Dialect
from derive.emission.target import Target
from derive.emission.targets.numpy import HORNER

_SPELLING = {
    "abs": "torch.abs", "sign": "_sign", "sqrt": "torch.sqrt", "exp": "torch.exp",
    "expm1": "torch.expm1", "log": "torch.log", "log1p": "torch.log1p", "sin": "torch.sin",
    "cos": "torch.cos", "tan": "torch.tan", "asin": "torch.asin", "acos": "torch.acos",
    "atan": "torch.atan", "sinh": "torch.sinh", "cosh": "torch.cosh", "tanh": "torch.tanh",
    "erf": "torch.erf", "erfc": "torch.erfc", "where": "torch.where", "patch": "_patch",
    "far_limit": "_far_limit",
    "huge": "_huge", "horner": "_horner",
    "product_error": "_product_error", "max": "_maximum", "min": "_minimum",
    "gamma": "_gamma", "loggamma": "torch.lgamma", "digamma": "torch.digamma",
    "trigamma": "_trigamma",
    "log_z": "_log_z",
}  # fmt: skip
# Torch names that Python's math shares, or that have no counterpart there.
_OF_NUMBERS = {
    "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "erf", "erfc", "loggamma",
}  # fmt: skip


def _spell(op: str, varies: tuple[bool, ...]) -> str:
    if op == "where" and not varies[0]:
        return "_where"
    if not any(varies):
        if op == "abs":
            return "abs"
        if op in _OF_NUMBERS or op in ("sign", "digamma", "trigamma", "gamma"):
            return f"_{op}_of"
    return _SPELLING[op]


_PATCH = '''def _patch(rare, remedy, usual):
    """`remedy()` where the rare condition holds. On the CPU, outside compilation and vmap, it is
    evaluated only if the condition holds anywhere."""
    if isinstance(rare, bool):
        return remedy() if rare else usual
    if rare.device.type == "cpu" and not torch.compiler.is_compiling() and not _holds(rare):
        return usual
    if not isinstance(usual, torch.Tensor):
        usual = torch.full((), usual, dtype=torch.float64, device=rare.device)
    return torch.where(rare, _as_tensor(remedy(), usual), usual)'''

_HUGE = '''def _huge(value):
    """Beyond this, squares overflow in the dtype of the value."""
    return 2.0**115 if value.dtype == torch.float32 else 2.0**900'''

_PRODUCT_ERROR = '''def _product_error(a, b):
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    if not isinstance(a, torch.Tensor):
        a, b = b, a
    if not isinstance(b, torch.Tensor):
        b = a.new_full((), b)
    a, b = a.to(torch.promote_types(a.dtype, b.dtype)), b.to(torch.promote_types(a.dtype, b.dtype))
    factor = 4097.0 if a.dtype == torch.float32 else 134217729.0
    a_high = factor * a - (factor * a - a)
    b_high = factor * b - (factor * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low'''

_FAR_LIMIT = '''def _far_limit(body, regime, x, *parameters):
    """The limit at x = ±inf, read off from values at two points far out."""
    reach = 2.0**28 if x.dtype == torch.float32 else 2.0**225
    near = _as_tensor(body(regime, torch.sign(x) * reach**0.5, *parameters)[0], x)
    far = _as_tensor(body(regime, torch.sign(x) * reach, *parameters)[0], x)
    grows, decays = abs(far) > 1.1 * abs(near), abs(far) < 0.9 * abs(near)
    return torch.where(grows, torch.sign(far) * math.inf, torch.where(decays, 0.0, far))'''

_WHERE = '''def _pick(condition, yes, no, like):
    """torch.where between two values that may be numbers, in the dtype of `like`."""
    return torch.where(condition, _as_tensor(yes, like), _as_tensor(no, like))


def _where(condition, yes, no):
    """torch.where for a condition on parameters: of a number it is plain choice."""
    if isinstance(condition, bool):
        return yes if condition else no
    return torch.where(condition, _double(yes, condition), _double(no, condition))


def _double(value, like):
    """A tensor as it is, a number as a float64 tensor beside `like`."""
    if isinstance(value, torch.Tensor):
        return value
    return torch.full((), value, dtype=torch.float64, device=like.device)'''


def _extremum(name: str, other: str, bound: str) -> str:
    return f'''def _{name}(a, b):
    """The {"larger" if name == "maximum" else "smaller"} of two, either of them a number."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.{name}(a, b)
    if isinstance(a, torch.Tensor):
        return a.clamp({bound}=b)
    return b.clamp({bound}=a) if isinstance(b, torch.Tensor) else {other}(a, b)'''


_SIGN_OF = '''def _sign(value):
    """torch.sign, but NaN for NaN."""
    return torch.where(value == value, torch.sign(value), value)


def _sign_of(value):
    """The sign of a number or of a tensor."""
    if isinstance(value, torch.Tensor):
        return _sign(value)
    return (value > 0) - (value < 0) if value == value else value'''


def _of(name: str, torch_name: str, math_name: str) -> str:
    return f'''def _{name}_of(value):
    """{name} of a number or of a tensor."""
    if isinstance(value, torch.Tensor):
        return torch.{torch_name}(value)
    try:
        return math.{math_name}(value)
    except (OverflowError, ValueError):  # torch gives the limit
        return float(torch.{torch_name}(torch.tensor(value, dtype=torch.float64)))'''


_TORCH_NAME = {"loggamma": "lgamma"}
_RUNTIME = {
    "pow": '''def _power_of(base, exponent):
    """base**exponent for numbers or tensors; inf where it overflows."""
    if isinstance(base, torch.Tensor) or isinstance(exponent, torch.Tensor):
        return torch.pow(base, exponent)
    try:
        return base**exponent
    except OverflowError:
        return math.inf''',
    "div": '''def _quotient_of(above, below):
    """above/below for numbers or tensors; inf or NaN where it divides by 0."""
    if isinstance(above, torch.Tensor) or isinstance(below, torch.Tensor) or below != 0:
        return above / below
    return math.copysign(math.inf if above else math.nan, above) * math.copysign(1.0, below)''',
    "patch": _PATCH,
    "far_limit": _FAR_LIMIT,
    "huge": _HUGE,
    "product_error": _PRODUCT_ERROR,
    "horner": HORNER,
    "where": _WHERE,
    "max": _extremum("maximum", "max", "min"),
    "min": _extremum("minimum", "min", "max"),
    "sign": _SIGN_OF,
    "gamma": '''def _gamma(value):
    """Euler's gamma function for positive values."""
    return torch.exp(torch.lgamma(value))


def _gamma_of(value):
    """gamma of a number or of a tensor."""
    return _gamma(value) if isinstance(value, torch.Tensor) else math.gamma(value)''',
    "digamma": '''def _digamma_of(value):
    """digamma of a number or of a tensor."""
    if isinstance(value, torch.Tensor):
        return torch.digamma(value)
    return float(torch.digamma(torch.tensor(value, dtype=torch.float64)))''',
    "trigamma": '''def _trigamma(value):
    """The second logarithmic derivative of gamma."""
    return torch.polygamma(1, value)


def _trigamma_of(value):
    """trigamma of a number or of a tensor."""
    if isinstance(value, torch.Tensor):
        return _trigamma(value)
    return float(_trigamma(torch.tensor(value, dtype=torch.float64)))''',
}

TORCH = Target(
    name="torch",
    title="PyTorch",
    folder="for_torch",
    library="torch",
    template="torch/loss.py.j2",
    dialect=Dialect(
        infinity="math.inf",
        spell=_spell,
        lazy={"patch": 1},
        choice="_pick",
        of_numbers={"pow": "_power_of", "div": "_quotient_of"},
    ),
    runtime={
        **{
            op: _of(op, _TORCH_NAME.get(op, op), {"loggamma": "lgamma"}.get(op, op))
            for op in sorted(_OF_NUMBERS)
        },
        **_RUNTIME,
    },
)
