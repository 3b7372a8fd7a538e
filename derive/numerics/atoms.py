"""The stable atoms as SymPy functions: what rules write and derivatives pass through.

Each atom knows its definition (for proofs), its derivatives in atoms (so that a derivative of a
stable form stays stable), and the helper that evaluates it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import (
    Dummy,
    Expr,
    Function,
    Max,
    Min,
    Piecewise,
    Rational,
    cosh,
    exp,
    gamma,
    log,
    loggamma,
    polygamma,
    sqrt,
    tanh,
)

from derive.numerics import differences, helpers
from derive.numerics.helpers import gammas
from derive.numerics.nodes import Node, call


def diff_of(definition: Callable[..., Expr], at: Sequence[Expr], k: int) -> Expr:
    """The slope of a definition in one argument."""
    names = [Dummy(real=True) for _ in at]
    return definition(*names).diff(names[k]).subs(dict(zip(names, at, strict=True)))


class Atom(Function):  # type: ignore[misc]
    """A function of the vocabulary; `definition` is what it means, `build` how it is evaluated."""

    @staticmethod
    def definition(*args: Expr) -> Expr:
        raise NotImplementedError

    @staticmethod
    def build(*args: Node) -> Node:
        raise NotImplementedError


def _atom(
    name: str,
    arity: int,
    definition: Callable[..., Expr],
    build: Callable[..., Node],
    slopes: Callable[..., tuple[Expr, ...]],
) -> type[Atom]:
    def fdiff(self: Atom, argindex: int = 1) -> Expr:
        return slopes(*self.args)[argindex - 1]

    return type(
        name,
        (Atom,),
        {
            "nargs": arity,
            "definition": staticmethod(definition),
            "build": staticmethod(build),
            "fdiff": fdiff,
            "_eval_is_extended_real": lambda self: True,
        },
    )


log1p = _atom(
    "log1p", 1, lambda z: log(1 + z), lambda z: call("log1p", z), lambda z: (1 / (1 + z),)
)
expm1 = _atom("expm1", 1, lambda z: exp(z) - 1, lambda z: call("expm1", z), lambda z: (exp(z),))
exprel2: type[Atom] = _atom(
    "exprel2", 1, lambda z: (exp(z) * (z**2 - 2 * z + 2) - 2) / z**3, helpers.exprel2,
    lambda z: ((exp(z) - 3 * exprel2(z)) / z,),
)  # fmt: skip
exprel1 = _atom(
    "exprel1", 1, lambda z: (exp(z) * (z - 1) + 1) / z**2, helpers.exprel1,
    lambda z: (exprel2(z),),
)  # fmt: skip
exprel = _atom("exprel", 1, lambda z: (exp(z) - 1) / z, helpers.exprel, lambda z: (exprel1(z),))
expm1_minus = _atom(
    "expm1_minus", 1, lambda z: exp(z) - 1 - z, helpers.expm1_minus, lambda z: (expm1(z),)
)
rel2_bend = _atom(
    "rel2_bend", 1, lambda z: (exp(z) * (z**2 - 4 * z + 6) - 2 * z - 6) / z**4, helpers.rel2_bend,
    lambda z: ((exp(z) * (z**3 - 6 * z**2 + 18 * z - 24) + 6 * z + 24) / z**5,),
)  # fmt: skip
rel2_slope = _atom(
    "rel2_slope", 1, lambda z: (exp(z) * (z - 2) + z + 2) / z**3, helpers.rel2_slope,
    lambda z: (rel2_bend(z),),
)  # fmt: skip
rel2 = _atom("rel2", 1, lambda z: (exp(z) - 1 - z) / z**2, helpers.rel2, lambda z: (rel2_slope(z),))
log1prel2: type[Atom] = _atom(
    "log1prel2", 1,
    lambda z: (log(1 + z) - z * (2 + 3 * z) / (2 * (1 + z) ** 2)) / z**3, helpers.log1prel2,
    lambda z: ((1 / (1 + z) ** 3 - 3 * log1prel2(z)) / z,),
)  # fmt: skip
log1prel1 = _atom(
    "log1prel1", 1, lambda z: (log(1 + z) - z / (1 + z)) / z**2, helpers.log1prel1,
    lambda z: (-2 * log1prel2(z),),
)  # fmt: skip
log1prel = _atom(
    "log1prel", 1, lambda z: log(1 + z) / z, helpers.log1prel, lambda z: (-log1prel1(z),)
)
log1p_minus = _atom(
    "log1p_minus", 1, lambda z: log(1 + z) - z, helpers.log1p_minus, lambda z: (-z / (1 + z),)
)
logcosh = _atom("logcosh", 1, lambda z: log(cosh(z)), helpers.logcosh, lambda z: (stable_tanh(z),))
stable_tanh: type[Atom] = _atom(
    "stable_tanh", 1, tanh, lambda z: call("tanh", z), lambda z: (1 / cosh(z) ** 2,)
)
logcosh_excess = _atom(
    "logcosh_excess", 1, lambda z: z * tanh(z) - log(cosh(z)), helpers.logcosh_excess,
    lambda z: (z / cosh(z) ** 2,),
)  # fmt: skip
softplus = _atom(
    "softplus", 1, lambda z: log(1 + exp(z)), helpers.softplus, lambda z: (sigmoid(z),)
)
sigmoid: type[Atom] = _atom(
    "sigmoid", 1, lambda z: 1 / (1 + exp(-z)), helpers.sigmoid,
    lambda z: (sigmoid(z) * sigmoid(-z),),
)  # fmt: skip
log_total = _atom(
    "log_total", 3, lambda a, b, d: log(exp(a) + exp(b)), helpers.log_total,
    lambda a, b, d: (sigmoid(-d), sigmoid(d), 0),
)  # fmt: skip
root_softplus: type[Atom] = _atom(
    "root_softplus", 1, lambda z: sqrt(log(1 + exp(z))), helpers.root_softplus,
    lambda z: (sigmoid(z) / root_softplus(z) / 2,),
)  # fmt: skip
root_sigmoid: type[Atom] = _atom(
    "root_sigmoid", 1, lambda z: 1 / sqrt(1 + exp(-z)), helpers.root_sigmoid,
    lambda z: (root_sigmoid(z) * sigmoid(-z) / 2,),
)  # fmt: skip
softplus_crossed = _atom(
    "softplus_crossed", 1,
    lambda z: exp(-z) * log(1 + exp(z)) - log(1 + exp(-z)), helpers.softplus_crossed,
    lambda z: (2 * sigmoid(-z) - exp(-z) * softplus(z),),
)  # fmt: skip
softplus_product: type[Atom] = _atom(
    "softplus_product", 1, lambda z: log(1 + exp(z)) * log(1 + exp(-z)), helpers.softplus_product,
    lambda z: (-sigmoid(z) * softplus_crossed(z),),
)  # fmt: skip
root_softplus_product: type[Atom] = _atom(
    "root_softplus_product", 1, lambda z: sqrt(log(1 + exp(z)) * log(1 + exp(-z))),
    lambda z: helpers.root_softplus(z) * helpers.root_softplus(-z),
    lambda z: (-sigmoid(z) * softplus_crossed(z) / root_softplus_product(z) / 2,),
)  # fmt: skip
softplus_step = _atom(
    "softplus_step", 2, lambda q, t: log(1 + exp(q + t)) - log(1 + exp(q)), helpers.softplus_step,
    lambda q, t: (-sigmoid(q + t) * sigmoid(-q) * expm1(-t), sigmoid(q + t)),
)  # fmt: skip
power1p: type[Atom] = _atom(
    "power1p", 2, lambda t, q: (1 + t) ** q, helpers.power1p,
    lambda t, q: (q * power1p(t, q - 1), power1p(t, q) * log1p(t)),
)  # fmt: skip
power1p_exp: type[Atom] = _atom(
    "power1p_exp", 2, lambda z, q: (1 + exp(z)) ** q, helpers.power1p_exp,
    lambda z, q: (q * sigmoid(z) * power1p_exp(z, q), softplus(z) * power1p_exp(z, q)),
)  # fmt: skip


class difference_plus(Atom):  # noqa: N801
    """A divided difference and a multiple of the power (1 + w)^p in it: argument, c, p, rates."""

    @staticmethod
    def definition(*args: Expr) -> Expr:
        argument, c, p, *rates = args
        return differences.spelled(argument, *rates) + c * exp(p * argument)

    def _eval_is_extended_real(self) -> bool:
        return True


log1p_square = _atom(
    "log1p_square", 1, lambda t: log(1 + t**2), helpers.log1p_square,
    lambda t: (2 * t / (1 + t**2),),
)  # fmt: skip


def _times(name: str, less: int, build: Callable[..., Node]) -> type[Atom]:
    """f e (1 + y^2/b)^(p - less)/(c d)."""

    def definition(f: Expr, e: Expr, c: Expr, d: Expr, y: Expr, b: Expr, p: Expr) -> Expr:
        return f * e * (1 + y**2 / b) ** (p - less) / c / d

    def slopes(f: Expr, e: Expr, c: Expr, d: Expr, y: Expr, b: Expr, p: Expr) -> tuple[Expr, ...]:
        made = globals()[name]
        whole = made(f, e, c, d, y, b, p)
        factors = made(1, e, c, d, y, b, p), made(f, 1, c, d, y, b, p), -whole / c, -whole / d
        inner = (p - less) * whole / (b + y**2)
        return *factors, 2 * y * inner, -(y**2) * inner / b, whole * log1p(y**2 / b)

    return _atom(name, 7, definition, build, slopes)


times_power1p = _times("times_power1p", 0, helpers.times_power1p)
times_power1p_less_one = _times("times_power1p_less_one", 1, helpers.times_power1p_less_one)


def _bend(f: Expr, y: Expr, b: Expr, p: Expr) -> Expr:
    """A slope of a slope in p of (1 - 1/p) ((1 + w)^p - 1) where w = y^2/b is c/(p - 1)."""
    z = log(1 + y**2 / b)
    u = p * z
    return f * (exp(u) * (z - 1 + exp(-z)) ** 2 - (exp(u) * (u**2 - 2 * u + 2) - 2) / p**3)


square_bend = _atom(
    "square_bend", 4, _bend, helpers.square_bend,
    lambda *at: tuple(diff_of(_bend, at, k) for k in range(4)),
)  # fmt: skip


def _mean(f: Expr, c: Expr, d: Expr, y: Expr, b: Expr) -> Expr:
    return f * (c + d * y**2 / b) / (1 + y**2 / b)


def _slopes_of_mean(f: Expr, c: Expr, d: Expr, y: Expr, b: Expr) -> tuple[Expr, ...]:
    step = y * f * (d - c) / (b + y**2) ** 2
    by_sides = weighted(1, c, d, y, b), weighted(f, 1, 0, y, b), weighted(f, 0, 1, y, b)
    return *by_sides, 2 * b * step, -y * step


weighted = _atom("weighted", 5, _mean, helpers.weighted, _slopes_of_mean)
half_weighted = _atom(
    "half_weighted", 5, lambda *args: _mean(*args) / 2, helpers.half_weighted,
    lambda *args: tuple(slope / 2 for slope in _slopes_of_mean(*args)),
)  # fmt: skip
boxcox_bend: type[Atom] = _atom(
    "boxcox_bend", 2,
    lambda t, p: ((1 + t) ** p * ((p * log(1 + t) - 2) * p * log(1 + t) + 2) - 2) / p**3,
    helpers.boxcox_bend,
    lambda t, p: (
        power1p(t, p - 1) * log1p(t) ** 2,
        (power1p(t, p) * log1p(t) ** 3 - 3 * boxcox_bend(t, p)) / p,
    ),
)  # fmt: skip
boxcox_slope = _atom(
    "boxcox_slope", 2,
    lambda t, p: ((1 + t) ** p * (p * log(1 + t) - 1) + 1) / p**2, helpers.boxcox_slope,
    lambda t, p: (power1p(t, p - 1) * log1p(t), boxcox_bend(t, p)),
)  # fmt: skip
boxcox1p = _atom(
    "boxcox1p", 2, lambda t, p: ((1 + t) ** p - 1) / p, helpers.boxcox1p,
    lambda t, p: (power1p(t, p - 1), boxcox_slope(t, p)),
)  # fmt: skip


class difference(Atom):  # noqa: N801  # a function of mathematics
    """L^n exp[r_0 L, …, r_n L], the divided difference of exp: see `differences`."""

    @staticmethod
    def definition(*args: Expr) -> Expr:
        return differences.spelled(*args)

    def fdiff(self, argindex: int = 1) -> Expr:
        argument, *rates = self.args
        if argindex > 1:
            return difference(argument, *rates, rates[argindex - 2])
        last = 0 if 0 in rates else rates[-1]
        if len(rates) == 1:
            return last * self
        rest = list(rates)
        rest.remove(last)
        return last * self + difference(argument, *rest)

    def _eval_is_extended_real(self) -> bool:
        return True


class difference_over(Atom):  # noqa: N801
    """A divided difference over its argument: of more than two rates, so that it is 0 at 0."""

    @staticmethod
    def definition(*args: Expr) -> Expr:
        return differences.spelled(*args) / args[0]

    def fdiff(self, argindex: int = 1) -> Expr:
        argument = self.args[0]
        slope = difference(*self.args).fdiff(argindex) / argument
        return slope - self / argument if argindex == 1 else slope

    def _eval_is_extended_real(self) -> bool:
        return True


class difference_alone(Atom):  # noqa: N801
    """exp[r_0 L, …, r_n L] without L^n: in range where L^n is not."""

    @staticmethod
    def definition(*args: Expr) -> Expr:
        return differences.spelled(*args) / args[0] ** (len(args) - 2)

    def fdiff(self, argindex: int = 1) -> Expr:
        argument, *rates = self.args
        power = argument ** (len(rates) - 1)
        slope = difference(*self.args).fdiff(argindex) / power
        return slope - (len(rates) - 1) * self / argument if argindex == 1 else slope

    def _eval_is_extended_real(self) -> bool:
        return True


root1p_square: type[Atom] = _atom(
    "root1p_square", 1, lambda t: (1 + t**2) ** Rational(1, 2), helpers.root1p_square,
    lambda t: (t / root1p_square(t),),
)  # fmt: skip
log_ratio = _atom(
    "log_ratio", 3, lambda a, b, d: log(a / b), helpers.log_ratio,
    lambda a, b, d: (1 / a, -1 / b, 0),
)  # fmt: skip
log_ratio_gap = _atom(
    "log_ratio_gap", 2, lambda a, b: 1 - log((1 + a) / (1 + b)), helpers.log_ratio_gap,
    lambda a, b: (-1 / (1 + a), 1 / (1 + b)),
)  # fmt: skip
times_log1p: type[Atom] = _atom(
    "times_log1p", 3, lambda f, a, b: f * log(1 + a / b), helpers.times_log1p,
    lambda f, a, b: (times_log1p(1, a, b), f / (a + b), -f * a / b / (a + b)),
)  # fmt: skip
hypot: type[Atom] = _atom(
    "hypot", 2, lambda x, d: sqrt(x**2 + d**2), helpers.hypot,
    lambda x, d: (x / hypot(x, d), d / hypot(x, d)),
)  # fmt: skip
hypot_log = _atom(
    "hypot_log", 2, lambda x, d: log(x**2 + d**2), helpers.hypot_log,
    lambda x, d: (2 * x / (x**2 + d**2), 2 * d / (x**2 + d**2)),
)  # fmt: skip


def _hypot_mean(x: Expr, b: Expr, c: Expr, d: Expr) -> Expr:
    return (c * b**2 + d * x**2) / (x**2 + b**2)


hypot_mean = _atom(
    "hypot_mean", 4, _hypot_mean, helpers.hypot_mean,
    lambda *at: tuple(diff_of(_hypot_mean, at, k) for k in range(4)),
)  # fmt: skip
ratio_log = _atom(
    "ratio_log", 2, lambda a, b: log(a / b), helpers.ratio_log, lambda a, b: (1 / a, -1 / b)
)
ratio_power: type[Atom] = _atom(
    "ratio_power", 3, lambda a, b, q: (a / b) ** q, helpers.ratio_power,
    lambda a, b, q: (
        q * ratio_power(a, b, q) / a,
        -q * ratio_power(a, b, q) / b,
        ratio_log(a, b) * ratio_power(a, b, q),
    ),
)  # fmt: skip


def _of_ratio(*at: Expr) -> Expr:
    f, e, c, d, t, b, q, root = at
    return f * e * (t / b) ** q / root**2 / c / d


times_ratio_power: type[Atom] = _atom(
    "times_ratio_power", 8, _of_ratio, helpers.times_ratio_power,
    lambda *at: tuple(diff_of(_of_ratio, at, k) for k in range(8)),
)  # fmt: skip
clip = _atom(
    "clip", 3, lambda x, low, high: Max(low, Min(x, high)),
    lambda x, low, high: call("min", call("max", x, low), high),
    lambda x, low, high: (Piecewise((1, (low < x) & (x < high)), (0, True)), 0, 0),
)  # fmt: skip
_HALF = Rational(1, 2)
gamma_gap2 = _atom(
    "gamma_gap2", 1,
    lambda z: polygamma(1, z + _HALF) - polygamma(1, z) + 1 / (2 * z**2), gammas.gamma_gap2,
    lambda z: (polygamma(2, z + _HALF) - polygamma(2, z) - 1 / z**3,),
)  # fmt: skip
gamma_gap1 = _atom(
    "gamma_gap1", 1, lambda z: polygamma(0, z + _HALF) - polygamma(0, z) - 1 / (2 * z),
    gammas.gamma_gap1, lambda z: (gamma_gap2(z),),
)  # fmt: skip
gamma_gap = _atom(
    "gamma_gap", 1, lambda z: log(gamma(z + _HALF)) - log(gamma(z)) - log(z) / 2,
    gammas.gamma_gap, lambda z: (gamma_gap1(z),),
)  # fmt: skip
digamma1p = _atom(
    "digamma1p", 1, lambda z: polygamma(0, 1 + z), gammas.digamma1p,
    lambda z: (polygamma(1, 1 + z),),
)  # fmt: skip
loggamma1p = _atom(
    "loggamma1p", 1, lambda z: loggamma(1 + z), gammas.loggamma1p, lambda z: (digamma1p(z),)
)

ATOMS: tuple[type[Atom], ...] = (
    log1p, expm1, exprel, exprel1, exprel2, expm1_minus, rel2, rel2_slope,
    rel2_bend, log1prel, log1prel1, log1prel2,
    log1p_minus, logcosh, logcosh_excess, stable_tanh, softplus, root_softplus, root_sigmoid,
    softplus_crossed, softplus_product, softplus_step, sigmoid, power1p,
    power1p_exp, root1p_square,
    boxcox1p, boxcox_slope, boxcox_bend,
    gamma_gap, gamma_gap1, gamma_gap2, digamma1p, loggamma1p,
)  # fmt: skip


def spelled_out(expression: Expr) -> Expr:
    """The expression with every atom replaced by its definition."""
    while expression.atoms(Atom):
        expression = expression.replace(
            lambda e: isinstance(e, Atom), lambda e: type(e).definition(*e.args)
        )
    return expression
