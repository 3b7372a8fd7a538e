"""Stable atoms: small functions that each keep their digits over their whole domain.

A helper is a program in the vocabulary of `nodes`, written once for every target. `exact` is its
definition, used by proofs and by the error model; `body` is what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import Any

from mpmath import mp

from derive.numerics.nodes import (
    Call,
    Local,
    Name,
    Node,
    absolute,
    call,
    node,
    patch,
    polynomial,
    where,
)


@dataclass(frozen=True)
class Helper:
    """A private function of a generated file."""

    name: str
    parameters: tuple[str, ...]
    meaning: str
    body: Node
    exact: Callable[..., Any]
    # A cheaper form and the condition on the parameters alone under which it is as good.
    shortcut: tuple[Node, Node] | None = None

    @property
    def varying(self) -> tuple[str, ...]:
        """The arguments that vary with the residual; the others are parameters of a loss."""
        return tuple(p for p in self.parameters if p in ("z", "t", "y"))

    def __call__(self, *args: object) -> Node:
        return Call(self.name, tuple(node(a) for a in args))


HELPERS: dict[str, Helper] = {}


# The weights (k + 1)/(k + 2)! of `excess_series`, enough of them for L <= 2.
SERIES_TERMS = 24
SERIES_WEIGHTS = tuple((k + 1) / factorial(k + 2) for k in range(SERIES_TERMS))


def define(helper: Helper) -> Helper:
    """Enter a helper into the vocabulary."""
    HELPERS[helper.name] = helper
    return helper


def _exp(value: object) -> Node:
    return call("exp", value)


_z, _t, _q, _y, _b = Name("z"), Name("t"), Name("q"), Name("y"), Name("b")

exprel = define(
    Helper(
        "exprel",
        ("z",),
        "(exp(z) - 1)/z, and 1 at z = 0.",
        where(call("eq", _z, 0), 1, call("expm1", _z) / _z),
        lambda z: mp.expm1(z) / z if z else mp.mpf(1),
    )
)


def _exprel_near(order: int, terms: int) -> Node:
    """E_n(z), the integral of s^n exp(s z) over [0, 1], by series whose terms are all positive:
    in z for z > 0, and exp(z) times one in -z for z < 0 (Kummer's reflection)."""
    up = tuple(Fraction(1, factorial(k) * (k + order + 1)) for k in range(terms))
    down = tuple(Fraction(factorial(order), factorial(k + order + 1)) for k in range(terms))
    return where(_z < 0, _exp(_z) * polynomial(absolute(_z), down), polynomial(absolute(_z), up))


def exprel_exact(order: int) -> Callable[[Any], Any]:
    def value(z: Any) -> Any:
        return mp.hyp1f1(order + 1, order + 2, z) / (order + 1)

    return value


exprel1 = define(
    Helper(
        "exprel1",
        ("z",),
        "The integral of s exp(s z) over s in [0, 1]: the derivative of exprel.",
        where(absolute(_z) < 2, _exprel_near(1, 22), (_exp(_z) * (_z - 1) + 1) / _z / _z),
        exprel_exact(1),
    )
)
exprel2 = define(
    Helper(
        "exprel2",
        ("z",),
        "The integral of s^2 exp(s z) over s in [0, 1]: the derivative of exprel1.",
        where(
            absolute(_z) < 3,
            _exprel_near(2, 26),
            (_exp(_z) * ((_z - 2) * _z + 2) - 2) / _z / _z / _z,
        ),
        exprel_exact(2),
    )
)


def _atanh_tail(w: Node, terms: int) -> Node:
    """atanh(w)/w^3 - 1/w^2 = 1/3 + w^2/5 + w^4/7 + …"""
    return polynomial(w * w, tuple(Fraction(1, 2 * k + 3) for k in range(terms)))


def _log_excess() -> Node:
    w = _t / (2 + _t)
    near = 2 * w * w * (1 / (1 + w) + w * _atanh_tail(w, 17))
    return where(_t < 1, near, call("log1p", _t) - _t / (1 + _t))


log_excess = define(
    Helper(
        "log_excess",
        ("t",),
        "log(1 + t) - t/(1 + t) for t >= 0, without cancellation at small t.",
        _log_excess(),
        lambda t: mp.log1p(t) - t / (1 + t),
    )
)


_MODERATE = call("and", Fraction(-1, 2) < _z, _z < 1)


def _log1p_minus() -> Node:
    w = _z / (2 + _z)
    near = -2 * w * w * (1 / (1 - w) - w * _atanh_tail(w, 17))
    return where(_MODERATE, near, call("log1p", _z) - _z)


log1p_minus = define(
    Helper(
        "log1p_minus",
        ("z",),
        "log(1 + z) - z, without cancellation at small z.",
        _log1p_minus(),
        lambda z: mp.log1p(z) - z,
    )
)

log1prel = define(
    Helper(
        "log1prel",
        ("z",),
        "log(1 + z)/z, and 1 at z = 0.",
        where(call("eq", _z, 0), 1, call("log1p", _z) / _z),
        lambda z: mp.log1p(z) / z if z else mp.mpf(1),
    )
)


def _log1prel1() -> Node:
    w = _z / (2 + _z)
    near = (1 - w) * (1 - w) / 2 * (1 / (1 + w) + w * _atanh_tail(w, 17))
    far = (call("log1p", _z) / _z - 1 / (1 + _z)) / _z
    return where(_MODERATE, near, far)


log1prel1 = define(
    Helper(
        "log1prel1",
        ("z",),
        "(log(1 + z) - z/(1 + z))/z^2: minus the derivative of log1prel.",
        _log1prel1(),
        lambda z: (mp.log1p(z) - z / (1 + z)) / z**2 if z else mp.mpf(1) / 2,
    )
)


def _log1prel2() -> Node:
    w = _z / (2 + _z)
    near = (1 - w) * (1 - w) * (1 - w) / 4 * (1 / (1 + w) / (1 + w) + _atanh_tail(w, 17))
    rest = call("log1p", _z) - _z * (2 + 3 * _z) / (2 * (1 + _z) * (1 + _z))
    return where(_MODERATE, near, rest / _z / _z / _z)


log1prel2 = define(
    Helper(
        "log1prel2",
        ("z",),
        "The integral of s^2/(1 + s z)^3 over s in [0, 1]: minus half the derivative of log1prel1.",
        _log1prel2(),
        lambda z: (
            (mp.log1p(z) - z * (2 + 3 * z) / (2 * (1 + z) ** 2)) / z**3 if z else mp.mpf(1) / 3
        ),
    )
)

logcosh = define(
    Helper(
        "logcosh",
        ("z",),
        "log(cosh(z)), without cancellation at small z and without overflow at large.",
        where(
            absolute(_z) < 20,
            call("log1p", call("sinh", _z) * call("sinh", _z)) / 2,
            absolute(_z) - call("log", 2),
        ),
        lambda z: mp.log1p(mp.sinh(z) ** 2) / 2,
    )
)
softplus = define(
    Helper(
        "softplus",
        ("z",),
        "log(1 + exp(z)), without overflow.",
        call("max", _z, 0) + call("log1p", _exp(-absolute(_z))),
        lambda z: z + mp.log1p(mp.exp(-z)) if z > 0 else mp.log1p(mp.exp(z)),
    )
)
sigmoid = define(
    Helper(
        "sigmoid",
        ("z",),
        "1/(1 + exp(-z)), without overflow.",
        where(_z < 0, _exp(-absolute(_z)), 1) / (1 + _exp(-absolute(_z))),
        lambda z: 1 / (1 + mp.exp(-z)),
    )
)
power1p = define(
    Helper(
        "power1p",
        ("t", "q"),
        "(1 + t)^q for t > -1; near t = 0 through log1p, which keeps the digits of t.",
        where(absolute(_t) < 1, _exp(_q * call("log1p", _t)), (1 + _t) ** _q),
        lambda t, q: mp.exp(q * mp.log1p(t)),
        shortcut=(absolute(_q) <= 4, (1 + _t) ** _q),
    )
)

expm1_minus = define(
    Helper(
        "expm1_minus",
        ("z",),
        "exp(z) - 1 - z, without cancellation at small z.",
        where(
            absolute(_z) < 1,
            _z * _z * polynomial(_z, tuple(Fraction(1, factorial(k + 2)) for k in range(17))),
            call("expm1", _z) - _z,
        ),
        lambda z: mp.expm1(z) - z,
    )
)


def _triangle(order: int, closed: Node) -> Node:
    """The integral of s^order (1 - s) exp(s z): positive series in |z|, reflected for z < 0."""
    up = tuple(Fraction(1, factorial(k) * (k + order + 1) * (k + order + 2)) for k in range(26))
    # The integral of (1 - s)^order s exp(s |z|), times exp(z).
    down = tuple(
        Fraction(factorial(order) * factorial(k + 1), factorial(k) * factorial(k + order + 2))
        for k in range(26)
    )
    size = absolute(_z)
    near = where(_z < 0, _exp(_z) * polynomial(size, down), polynomial(size, up))
    return where(size < 3, near, closed)


rel2 = define(
    Helper(
        "rel2",
        ("z",),
        "(exp(z) - 1 - z)/z^2, and 1/2 at z = 0.",
        _triangle(0, (call("expm1", _z) - _z) / _z / _z),
        lambda z: exprel_exact(0)(z) - exprel_exact(1)(z),
    )
)
rel2_slope = define(
    Helper(
        "rel2_slope",
        ("z",),
        "The derivative of rel2.",
        _triangle(1, (_exp(_z) * (_z - 2) + _z + 2) / _z / _z / _z),
        lambda z: exprel_exact(1)(z) - exprel_exact(2)(z),
    )
)
rel2_bend = define(
    Helper(
        "rel2_bend",
        ("z",),
        "The second derivative of rel2.",
        _triangle(2, (_exp(_z) * ((_z - 4) * _z + 6) - 2 * _z - 6) / _z / _z / _z / _z),
        lambda z: exprel_exact(2)(z) - exprel_exact(3)(z),
    )
)


def _boxcox(order: int, near: Node, far: Callable[[Node, Node, Node], Node]) -> Node:
    log_t = Local("log_t", call("log1p", _t))
    z = Local("z", Name("p") * log_t)
    grown = power1p(_t, Name("p"))
    reach = Fraction(7, 10) if order == 0 else order + 1
    return where(absolute(z) < reach, near, far(z, grown, Name("p")))


_log_t = Local("log_t", call("log1p", _t))
_pz = Local("z", Name("p") * _log_t)
boxcox1p = define(
    Helper(
        "boxcox1p",
        ("t", "p"),
        "((1 + t)^p - 1)/p, and log(1 + t) at p = 0.",
        _boxcox(0, _log_t * exprel(_pz), lambda z, g, p: (g - 1) / p),
        lambda t, p: mp.expm1(p * mp.log1p(t)) / p if p else mp.log1p(t),
    )
)
boxcox_slope = define(
    Helper(
        "boxcox_slope",
        ("t", "p"),
        "The derivative of boxcox1p in p.",
        _boxcox(1, _log_t * _log_t * exprel1(_pz), lambda z, g, p: (g * (z - 1) + 1) / p / p),
        lambda t, p: mp.log1p(t) ** 2 * exprel1.exact(p * mp.log1p(t)),
    )
)
boxcox_bend = define(
    Helper(
        "boxcox_bend",
        ("t", "p"),
        "The second derivative of boxcox1p in p.",
        _boxcox(
            2,
            _log_t * _log_t * _log_t * exprel2(_pz),
            lambda z, g, p: (g * ((z - 2) * z + 2) - 2) / p / p / p,
        ),
        lambda t, p: mp.log1p(t) ** 3 * exprel2.exact(p * mp.log1p(t)),
    )
)

# The faces of 1 + y^2/b, each safe where y^2 overflows or y^2/b underflows.
_square = Local("w", _y * _y / _b)
_is_far = call("huge", _y) < _square
_far_log = 2 * call("log", absolute(_y)) - call("log", _b)

log1p_square = define(
    Helper(
        "log1p_square",
        ("y", "b"),
        "log(1 + y^2/b), also where y^2 overflows.",
        patch(_is_far, _far_log, call("log1p", _square)),
        lambda y, b: mp.log1p(y * y / b),
    )
)
saturation = define(
    Helper(
        "saturation",
        ("y", "b"),
        "w/(1 + w) with w = y^2/b, also where y^2 overflows.",
        patch(_is_far, 1, _square / (1 + _square)),
        lambda y, b: y * y / b / (1 + y * y / b),
    )
)


def _far_power(b: Node, q: Node) -> Node:
    """(y^2/b)^q. For b < 1 the quotient may overflow, for b > 1 its parts may."""
    size = absolute(_y)
    return where(b < 1, size ** (2 * q) * b ** (-q), (size / call("sqrt", b)) ** (2 * q))


def _far_decay(b: Node, a: Node, share: int) -> Node:
    """(y^2/b)^((a - 2)/share), share 2, 4 or 8. Between 1 and 3, a - 2 is exact; elsewhere it is
    kept as a and a division."""
    size = absolute(_y)
    ratio = size / call("sqrt", b)
    if share == 8:
        root = ratio ** (a / 4) / call("sqrt", ratio)
    else:
        root = ratio ** (a / 2) / ratio
    close = size ** ((a - 2) * Fraction(2, share)) * b ** ((2 - a) / share)
    return where(b < 1, close, root * root if share == 2 else root)


def _growth() -> Node:
    """(1 + w)^q with the rounding of w = y^2/|a - 2| and of 1 + w carried along: a power
    multiplies each by its exponent."""
    a = Name("a")
    d = Local("d", a - 2)
    shift = Local("shift", d - a)
    d_rest = (a - (d - shift)) + (-2 - shift)
    b = Local("b", absolute(d))
    b_rest = Local("b_rest", call("sign", d) * d_rest)
    u = Local("u", _y * _y)
    w = Local("w", u / b)
    back = Local("back", w * b)
    u_rest = call("product_error", _y, _y)
    w_rest = Local("w_rest", ((u - back) - call("product_error", w, b) + (u_rest - w * b_rest)) / b)
    total = Local("total", 1 + w)
    lift = Local("lift", total - 1)
    total_rest = (1 - (total - lift)) + (w - lift)
    tilt = Local("tilt", _q * ((total_rest + w_rest) / total))
    powered = total**_q * (1 + where(absolute(tilt) < Fraction(1, 2), tilt, 0))
    # For small w, q log(1 + w) = q w + q (log(1 + w) - w): the first product is exact with its
    # error, the second is small.
    lead = Local("lead", _q * w)
    tail = polynomial(w, tuple(Fraction((-1) ** (k + 1), k + 2) for k in range(6)))
    bend = Local("bend", _q * (w * w * tail))
    z = Local("z", lead + bend)
    z_rest = (lead - z + bend) + (call("product_error", _q, w) + _q * w_rest / total)
    near = where(w < Fraction(1, 1024), _exp(z) * (1 + z_rest), powered)
    return patch(call("huge", _y) < w, _far_power(b, _q), near)


_near_two = Local("b", absolute(Name("a") - 2))
_near_w = Local("w", _y * _y / _near_two)
growth = define(
    Helper(
        "growth",
        ("y", "a", "q"),
        "(1 + y^2/b)^q with b = |a - 2|; what rounding takes from y^2/b is put back.",
        _growth(),
        lambda y, a, q: mp.exp(q * mp.log1p(y * y / abs(a - 2))),
        shortcut=(
            absolute(Name("a") - 2) <= 2,
            patch(
                call("huge", _y) < _near_w,
                _far_power(_near_two, _q),
                (1 + _near_w) ** _q,
            ),
        ),
    )
)
log_excess_square = define(
    Helper(
        "log_excess_square",
        ("y", "b"),
        "log(1 + w) - w/(1 + w) with w = y^2/b, also where y^2 overflows.",
        patch(_is_far, _far_log - 1, log_excess(_square)),
        lambda y, b: mp.log1p(y * y / b) - y * y / b / (1 + y * y / b),
    )
)


def _p_of_growth() -> Node:
    a = Name("a")
    b = Local("b", absolute(a - 2))
    w = Local("w", _y * _y / b)
    return patch(call("huge", _y) < w, _far_decay(b, a, 2), growth(_y, a, a / 2) / (1 + w))


power = define(
    Helper(
        "power",
        ("y", "a"),
        "P = (1 + y^2/b)^(a/2 - 1) with b = |a - 2|: the weight at scale 1.",
        _p_of_growth(),
        lambda y, a: mp.exp((a / 2 - 1) * mp.log1p(y * y / abs(a - 2))),
    )
)


def _root_of_power() -> Node:
    a = Name("a")
    b = Local("b", absolute(a - 2))
    w = Local("w", _y * _y / b)
    near = growth(_y, a, a / 4) / call("sqrt", 1 + w)
    return patch(call("huge", _y) < w, _far_decay(b, a, 4), near)


root_power = define(
    Helper(
        "root_power",
        ("y", "a"),
        "The square root of P, for products that P alone would push out of range.",
        _root_of_power(),
        lambda y, a: mp.exp((a / 4 - mp.mpf(1) / 2) * mp.log1p(y * y / abs(a - 2))),
    )
)


def _quarter_of_power() -> Node:
    a = Name("a")
    b = Local("b", absolute(a - 2))
    w = Local("w", _y * _y / b)
    near = growth(_y, a, a / 8) / call("sqrt", call("sqrt", 1 + w))
    return patch(call("huge", _y) < w, _far_decay(b, a, 8), near)


quarter_power = define(
    Helper(
        "quarter_power",
        ("y", "a"),
        "The fourth root of P, for steep powers whose square root may leave the range too.",
        _quarter_of_power(),
        lambda y, a: mp.exp((a / 8 - mp.mpf(1) / 4) * mp.log1p(y * y / abs(a - 2))),
    )
)
