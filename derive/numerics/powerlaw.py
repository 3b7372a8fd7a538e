"""Barron's family k((x/c)^2; a) in stable form: at every exponent, and where the exponent is fixed.

Each quantity is a product of few well-conditioned factors (see `kernel`):

    d_x = y P/c,  d_c = -y^2 P/c,  weight = P/c^2,  d2_x = P (1 + S)/c^2,
    d2_x_c = -y P (2 + S)/c^2,
    d2_c = y^2 P (3 + S)/c^2,  d2_x_a = y P G/(2 c),  d2_a_c = -y^2 P G/(2 c),  y = x/c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from derive.numerics import kernel
from derive.numerics.helpers import (
    log1p_square,
    log_excess_square,
    power,
    quarter_power,
    root_power,
    saturation,
)
from derive.numerics.nodes import (
    Call,
    Local,
    Name,
    Node,
    Number,
    absolute,
    call,
    node,
    patch,
    where,
)


@dataclass(frozen=True)
class Factors:
    """The factors of every quantity at one exponent; None where a limit makes it needless."""

    value: Node
    power: Node
    saturating: Node
    excess: Node
    slope: Node | None
    bend: Node | None
    remedy: Callable[[int, int, Node], Node] | None  # y^k P/c^m where P alone leaves the range
    distance: Node | None  # b, where G is not 0 or infinite
    tail: Node  # exponent a of the tail: y^k P ~ y^(a - 2 + k)
    shifted: Callable[[int], Node] | None = None  # n + S where that is not the best form


def _u(y: Node) -> Node:
    return Local("u", y * y)


def _exp(value: Node) -> Node:
    return call("exp", value)


def general(y: Node, a: Node) -> Factors:
    return Factors(
        value=kernel.value(y, a),
        power=power(y, a),
        saturating=kernel.saturating(y, a),
        excess=kernel.excess(y, a),
        slope=kernel.slope(y, a),
        bend=kernel.bend(y, a),
        remedy=lambda k, m, c: where(
            absolute(a - 2) <= 4,
            _halves(root_power(y, a), y, c, k, m),
            _quarters(quarter_power(y, a), y, c, k, m),
        ),
        distance=kernel.distance(a),
        tail=a,
    )


def _root1p(y: Node, b: int) -> Node:
    u = _u(y)
    far = absolute(y) / call("sqrt", b)
    return Local("root", patch(call("huge", y) < u, far, call("sqrt", 1 + u / b)))


def _residual(y: Node) -> Node:
    """x of y = x/c: y may underflow to 0 where x is not 0."""
    return y.value.args[0] if isinstance(y, Local) and isinstance(y.value, Call) else y


def _shifted_at(y: Node, a: int, n: int) -> Node:
    """n + (a - 2) w/(1 + w) as one quotient."""
    w = _u(y) / (2 - a)
    total = Local("total", 1 + w)
    return patch(call("huge", y) < total, n + a - 2, (n + (n + a - 2) * w) / total)


def _at_two(y: Node) -> Factors:
    diverges = where(call("eq", _residual(y), 0), 0, inf)
    return Factors(
        value=y / 2 * y,
        power=node(1),
        saturating=node(0),
        excess=diverges,
        slope=diverges,
        bend=diverges,
        remedy=None,
        distance=None,
        tail=node(2),
    )


def _at_zero(y: Node) -> Factors:
    return Factors(
        value=log1p_square(y, 2),
        power=1 / (1 + _u(y) / 2),
        saturating=-2 * saturation(y, 2),
        excess=log_excess_square(y, 2),
        slope=kernel.slope_at_zero(y),
        bend=kernel.bend_at_zero(y),
        remedy=lambda k, m, c: _inverse(2, 2, y, c, k, m),
        distance=node(2),
        tail=node(0),
        shifted=lambda n: _shifted_at(y, 0, n),
    )


def _at_one(y: Node) -> Factors:
    root = _root1p(y, 1)
    return Factors(
        value=patch(call("eq", absolute(y), inf), inf, y / (root + 1) * y),
        power=1 / root,
        saturating=-saturation(y, 1),
        excess=log_excess_square(y, 1),
        slope=None,
        bend=None,
        remedy=lambda k, m, c: _inverse(1, 1, y, c, k, m),
        distance=None,
        tail=node(1),
        shifted=lambda n: _shifted_at(y, 1, n),
    )


def _at_minus_two(y: Node) -> Factors:
    w = Local("w", _u(y) / 4)
    total = Local("total", 1 + w)
    lift = Local("lift", total - 1)
    # The rounding of 1 + w would come in three times; it is taken out of 1/(1 + w).
    rest = where(total < call("huge", y), (1 - (total - lift)) + (w - lift), 0)
    plain = 1 / total
    share = Local("share", plain - plain * (rest * plain))
    return Factors(
        value=2 * saturation(y, 4),
        power=share * share,
        saturating=-4 * saturation(y, 4),
        excess=log_excess_square(y, 4),
        slope=None,
        bend=None,
        remedy=lambda k, m, c: _inverse(16, 4, y, c, k, m),
        distance=None,
        tail=node(-2),
        shifted=lambda n: patch(call("huge", y) < total, n - 4, (n + (n - 4) * w) * share),
    )


def _at_infinity(y: Node, sign: int) -> Factors:
    u = _u(y)
    # u may be infinite beside a power of 0; the power wins.
    bounded = call("min", u, call("huge", y))
    zero = node(0)
    signed = u if sign > 0 else -u
    growth = call("expm1", u / 2) if sign > 0 else -call("expm1", -u / 2)
    return Factors(
        value=growth,
        power=_exp(signed / 2),
        saturating=bounded if sign > 0 else -bounded,
        excess=zero,
        slope=zero,
        bend=zero,
        remedy=lambda k, m, c: _quarters(_exp(signed / 8), y, c, k, m),
        distance=None,
        tail=node(sign * inf),
    )


FIXED: dict[str, Callable[[Node], Factors]] = {
    "2": _at_two,
    "1": _at_one,
    "0": _at_zero,
    "-2": _at_minus_two,
    "oo": lambda y: _at_infinity(y, 1),
    "-oo": lambda y: _at_infinity(y, -1),
}


@dataclass(frozen=True)
class Letters:
    """The names of the family's variables in a loss."""

    x: str
    a: str | None
    c: str


def quantities(factors: Callable[[Node], Factors], letters: Letters) -> dict[str, Node]:
    """Every quantity of the family as nodes, given the factors at one exponent."""
    c = Name(letters.c)
    y = Local("y", Name(letters.x) / c)
    f = factors(y)
    a, cc, x = letters.a, letters.c, letters.x

    def product(k: int, powers_of_c: int, shift: int | None = None, excess: bool = False) -> Node:
        factor = f.excess / 2 if excess else None if shift is None else _shifted(f, shift)
        return _product(f, y, c, k, powers_of_c, factor, late=excess)

    found = {
        "loss": f.value,
        f"d_{x}": product(1, 1),
        f"d_{cc}": -product(2, 1),
        f"d2_{x}": product(0, 2, 1),
        f"d2_{x}_{cc}": -product(1, 2, 2),
        f"d2_{cc}": product(2, 2, 3),
        "weight": product(0, 2),
    }
    if a is not None and f.slope is not None and f.bend is not None:
        found |= {
            f"d_{a}": f.slope,
            f"d2_{x}_{a}": _with_excess(f, y, 1, product(1, 1), product(1, 1, excess=True)),
            f"d2_{a}": f.bend,
            f"d2_{a}_{cc}": -_with_excess(f, y, 2, product(2, 1), product(2, 1, excess=True)),
        }
    return found


def _with_excess(f: Factors, y: Node, k: int, slope: Node, usual: Node) -> Node:
    """slope G/2: at small w, where G = w^2/2 underflows before the product, factor by factor."""
    if f.power == node(1) and f.excess != node(0):
        x = _residual(y)
        return where(call("eq", x, 0), 0, call("sign", x) * inf if k == 1 else inf)
    if f.distance is None:
        return usual
    w = Local("w", _u(y) / f.distance)
    return patch(w < Fraction(1, 2**60), slope * w * w / 4, usual)


def _shifted(f: Factors, shift: int) -> Node:
    """shift + S."""
    return shift + f.saturating if f.shifted is None else f.shifted(shift)


def _product(f: Factors, y: Node, c: Node, k: int, m: int, factor: Node | None, late: bool) -> Node:
    """y^k P factor/c^m; where P alone leaves the range, by the regime's remedy, and at y = ±inf
    the limit. A factor that may vanish comes first (P may be infinite), one that may underflow
    late."""
    if factor == node(0):
        return node(0)
    p = Local("p", f.power)
    first = p if factor is None or late else p * factor
    one = (y * first if k else first) / c
    usual: Node = one * y if k == 2 else one
    if m == 2:
        usual = one * (y / c) if k == 2 else one / c
    if factor is not None and late:
        usual = usual * factor
    if f.power == node(1) or f.remedy is None:
        return usual
    mended = f.remedy(k, m, c)
    if factor is not None:
        mended = mended * factor
    huge = call("huge", y)
    extreme = call("or", p < 1 / huge, huge < p)
    endless = _endless(f, y, c, k, m, factor)
    return patch(call("eq", absolute(y), inf), endless, patch(extreme, mended, usual))


def _halves(q: Node, y: Node, c: Node, k: int, m: int) -> Node:
    """y^k q^2/c^m."""
    one = (y * q if k else q) / c
    other = y * q if k == 2 else q
    return one * (other / c) if m == 2 else one * other


def _quarters(r: Node, y: Node, c: Node, k: int, m: int) -> Node:
    """y^k r^4/c^m: what grows meets what decays early."""
    one = (y * r if k else r) / c * r
    other = y * r if k == 2 else r
    return one * (other / c * r if m == 2 else other * r)


def _inverse(top: int, power: int, y: Node, c: Node, k: int, m: int) -> Node:
    """y^k top/(|y|^power c^m), for power 1, 2 or 4."""
    size = absolute(y)
    if power == 1:
        if k == 2:
            return size / c / c if m == 2 else size / c
        lead = call("sign", y) / c if k == 1 else 1 / size / c
        return lead / c if m == 2 else lead
    root = 4 if power == 4 else 1
    if power == 2:
        if k == 0:
            return top / y / c * (1 / y / c)
        lead = top / y / c if k == 1 else node(top) / c
        return lead / c if m == 2 else lead
    half = root / y / c if k == 2 else root / y / c / y
    if k == 2:
        return half * half if m == 2 else half * (root / y)
    if k == 1:
        return half * (root / y / c if m == 2 else root / y)
    return half * half if m == 2 else half * (root / y / y)


def _endless(f: Factors, y: Node, c: Node, k: int, m: int, factor: Node | None) -> Node:
    """The limit at y = ±inf. |y|^k P tends to k or 1 where the powers balance, else to 0 or inf;
    a 0 wins over the logarithm in G."""
    order = f.tail - 2 + k
    limit: Node
    if isinstance(order, Number):
        limit = node(0 if order.value < 0 else inf if order.value > 0 else max(k, 1))
    else:
        limit = call("pow", inf, order) * max(k, 1)
    if limit == node(0):
        return limit
    if factor is not None:
        product = limit * factor
        limit = product if isinstance(limit, Number) else where(call("eq", limit, 0), 0, product)
    for _ in range(m):
        limit = limit / c
    return call("sign", y) * limit if k == 1 else limit
