"""Rewrite rules: what loses digits on the left, the stable atom that keeps them on the right.

A rule is data: its two sides as formulas (proved in the tests and again at every use, at high
precision) and the function that finds the left side in a SymPy tree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import (
    Add,
    Expr,
    Mul,
    Pow,
    Rational,
    S,
    Symbol,
    cos,
    cosh,
    exp,
    gamma,
    log,
    loggamma,
    polygamma,
    sin,
    sinh,
    sqrt,
    tanh,
)

from derive.calculus.reading import KEPT
from derive.numerics import atoms
from derive.numerics.apart import differ

_LONGEST = 6  # a power that is written out

_b = Symbol("b", positive=True)
_g, _a, _p = Symbol("g", positive=True), Symbol("a", positive=True), Symbol("p", positive=True)


@dataclass(frozen=True)
class Rule:
    """`left` = `right`; `apply` returns the rewritten node or None."""

    name: str
    left: Expr
    right: Expr
    apply: Callable[[Expr], Expr | None]


def _terms_with(expression: Expr, wanted: Callable[[Expr], bool]) -> Iterator[tuple[Expr, Expr]]:
    """(c, F) for every term c F of a sum whose factor F is wanted."""
    if expression.is_Add:
        for term in expression.args:
            for factor in Mul.make_args(term):
                if wanted(factor):
                    yield term / factor, factor


@lru_cache(maxsize=KEPT)
def _are_equal(a: Expr, b: Expr) -> bool:
    return bool(a == b or (not differ(a, b) and sympy.expand(a - b) == 0))


def _with_partner(expression: Expr, c: Expr, factor: Expr, partner: Expr, new: Expr) -> Expr | None:
    """Replace c F + partner in a sum by `new`, if the partner stands there."""
    terms = list(expression.args)
    if c * factor not in terms:
        return None
    terms.remove(c * factor)
    for term in terms:
        if _are_equal(term, partner):
            terms.remove(term)
            return Add(*terms, new)
    return None


def _pair(
    wanted: Callable[[Expr], bool],
    partner: Callable[[Expr, Expr], Expr],
    new: Callable[[Expr, Expr], Expr],
) -> Callable[[Expr], Expr | None]:
    def apply(expression: Expr) -> Expr | None:
        for c, factor in _terms_with(expression, wanted):
            found = _with_partner(expression, c, factor, partner(c, factor), new(c, factor))
            if found is not None:
                return found
        return None

    return apply


def _is(kind: type) -> Callable[[Expr], bool]:
    return lambda e: isinstance(e, kind)


def _log1p(e: Expr) -> Expr | None:
    if isinstance(e, log) and e.args[0].is_Add and S.One in e.args[0].args:
        return atoms.log1p(e.args[0] - 1)
    return None


def _log_mixture(e: Expr) -> Expr | None:
    """log of a mean of exp(g) and 1, which is near 0 where g is."""
    if not (isinstance(e, log) and e.args[0].is_Add):
        return None
    mean = sympy.expand_mul(e.args[0])
    found = mean.atoms(exp)
    if len(found) != 1:
        return None
    (grown,) = found
    share = mean.coeff(grown)
    if share == 0 or sympy.expand_mul(mean + share - share * grown) != 1:
        return None
    return atoms.log1p(sympy.factor(share) * atoms.expm1(grown.args[0]))


def _log_total(e: Expr) -> Expr | None:
    """log of a sum of two exponentials, either of which may leave every range."""
    if not (isinstance(e, log) and e.args[0].is_Add and len(e.args[0].args) == 2):
        return None
    terms = [t.as_independent(exp, as_Add=False) for t in e.args[0].args]
    if any(c.is_negative or not isinstance(g, exp) for c, g in terms):
        return None
    (a, f), (b, g) = ((c, g.args[0]) for c, g in terms)
    apart = sympy.factor(g - f) + log(b / a)
    return atoms.log_total(log(a) + f, log(b) + g, apart)


def _softplus(e: Expr) -> Expr | None:
    if isinstance(e, atoms.log1p) and isinstance(e.args[0], exp):
        return atoms.softplus(e.args[0].args[0])
    return None


def _logcosh(e: Expr) -> Expr | None:
    if isinstance(e, log) and isinstance(e.args[0], cosh):
        return atoms.logcosh(e.args[0].args[0])
    return None


def _tanh(e: Expr) -> Expr | None:
    """sinh(g)/cosh(g), inside any product: both overflow where their quotient is 1."""
    if not e.is_Mul:
        return None
    for factor in e.args:
        base, exponent = factor.as_base_exp()
        if isinstance(base, cosh) and exponent.is_Integer and exponent < 0:
            g = base.args[0]
            for other in e.args:
                above, power = other.as_base_exp()
                if above == sinh(g) and power.is_Integer and power > 0:
                    n = min(-exponent, power)
                    return e / (sinh(g) / cosh(g)) ** n * atoms.stable_tanh(g) ** n
    return None


def _is_tanh_squared(e: Expr) -> bool:
    return e.is_Pow and e.exp == 2 and isinstance(e.base, tanh | atoms.stable_tanh)


def _sigmoid(e: Expr) -> Expr | None:
    """exp(g)/(1 + exp(g)) and 1/(1 + exp(g)), inside any product."""
    if not (e.is_Mul or e.is_Pow):
        return None
    factors = list(Mul.make_args(e))
    for factor in factors:
        base, exponent = factor.as_base_exp()
        if exponent == -1 and base.is_Add and len(base.args) == 2 and S.One in base.args:
            other = base - 1
            if isinstance(other, exp):
                rest = Mul(*(f for f in factors if f is not factor))
                if rest.is_Mul and other in rest.args:
                    return rest / other * atoms.sigmoid(other.args[0])
                if rest == other:
                    return atoms.sigmoid(other.args[0])
                return rest * atoms.sigmoid(-other.args[0])
    return None


def _reflected_sigmoid(e: Expr) -> Expr | None:
    """exp(-g) sigmoid(g) = sigmoid(-g), inside any product."""
    if not e.is_Mul:
        return None
    for factor in e.args:
        if isinstance(factor, atoms.sigmoid) and exp(-factor.args[0]) in e.args:
            g = factor.args[0]
            return e / factor / exp(-g) * atoms.sigmoid(-g)
    return None


def _is_power(e: Expr) -> bool:
    return (
        isinstance(e, Pow)
        and e.base != S.Exp1
        and e.base.is_positive is not False
        and not (e.exp.is_Integer and e.exp > 0)
        and (e.base.is_Add or bool(e.exp.free_symbols))
    )


def _power_minus_one(c: Expr, power: Expr) -> Expr:
    base, p = power.base, power.exp
    t = base - 1
    if p == Rational(1, 2):
        return c * t / (sqrt(base) + 1)
    if p == -1:
        return -c * t / base
    return c * p * atoms.boxcox1p(t, p)


def _is_whole_power(e: Expr) -> bool:
    """(1 - t)^n, n > 2: a square less 1 is factored anyway."""
    base, n = e.as_base_exp()
    return bool(n.is_Integer and 3 <= n <= _LONGEST and base.is_Add and S.One in base.args)


def _whole_power_minus_one(c: Expr, power: Expr) -> Expr:
    q, n = power.as_base_exp()
    total: Expr = S.One
    for _ in range(int(n) - 1):
        total = 1 + q * total
    return c * (q - 1) * total


def _sqrt_difference(e: Expr) -> Expr | None:
    """c sqrt(A) - d = (c^2 A - d^2)/(c sqrt(A) + d) where c^2 A - d^2 is shorter than A."""
    for c, factor in _terms_with(e, lambda f: isinstance(f, Pow) and f.exp == Rational(1, 2)):
        rest = -(e - c * factor)
        if rest.is_positive and c.is_positive:
            top = sympy.expand(c**2 * factor.base - rest**2)
            if top.count_ops() < sympy.expand(c**2 * factor.base).count_ops():
                return top / (c * factor + rest)
    return None


def _step(kind: type, new: Callable[[Expr, Expr], Expr]) -> Callable[[Expr], Expr | None]:
    """c f(A) - c f(B) in a sum, where A - B is shorter than A: c new(B, A - B)."""

    def apply(e: Expr) -> Expr | None:
        found = list(_terms_with(e, _is(kind)))
        for (c, upper), (d, lower) in itertools.permutations(found, 2):
            step = sympy.expand(upper.args[0] - lower.args[0])
            if c + d != 0 or step.could_extract_minus_sign():
                continue
            if step.count_ops() < upper.args[0].count_ops():
                return e - c * upper - d * lower + c * new(lower.args[0], step)
        return None

    return apply


def _crossed(e: Expr) -> Expr | None:
    """c sigmoid(-g) softplus(g) - c sigmoid(g) softplus(-g) in a sum."""
    found = [
        (c, term, factor.args[0])
        for term, factor in ((c * f, f) for c, f in _terms_with(e, _is(atoms.softplus)))
        for c in [term / factor / atoms.sigmoid(-factor.args[0])]
        if atoms.sigmoid(-factor.args[0]) in Mul.make_args(term)
    ]
    for (c, one, g), (d, other, h) in itertools.combinations(found, 2):
        if g == -h and sympy.expand(c + d) == 0:
            # the factor that all terms may have: it is not to count where they cancel
            return sympy.factor_terms(
                e - one - other + c * atoms.sigmoid(g) * atoms.softplus_crossed(g)
            )
    return None


def _mirrored(e: Expr) -> Expr | None:
    """softplus(g) softplus(-g), inside any product."""
    if not e.is_Mul:
        return None
    found = [f for f in e.args if isinstance(f, atoms.softplus)]
    for one, other in itertools.combinations(found, 2):
        if one.args[0] == -other.args[0]:
            return e / one / other * atoms.softplus_product(one.args[0])
    return None


def _log_ratio_gap(e: Expr) -> Expr | None:
    """c log_ratio(1 + a, 1 + b, …) - c in a sum, or + c."""
    for c, factor in _terms_with(e, _is(atoms.log_ratio)):
        above, below = (a - 1 for a in factor.args[:2])
        if all(a.is_Symbol for a in (above, below)):
            for partner, new in ((-c, (above, below)), (c, (below, above))):
                gap = partner * atoms.log_ratio_gap(*new)
                found = _with_partner(e, c, factor, partner, gap)
                if found is not None:
                    return found
    return None


# The atom f, the atom f(g)/g^n, and n.
_RATIOS: dict[type, tuple[Callable[[Expr], Expr], int]] = {
    atoms.log1p: (lambda g: atoms.log1prel(g), 1),
    atoms.expm1: (lambda g: atoms.exprel(g), 1),
    atoms.expm1_minus: (lambda g: atoms.rel2(g), 2),
}


def _vanishing_denominator(e: Expr) -> Expr | None:
    """log1p(a h)/a = h log1prel(a h), likewise expm1, where a may be 0."""
    if not e.is_Mul:
        return None
    for factor in e.args:
        build, power = _RATIOS.get(type(factor), (None, 1))
        if build is None:
            continue
        argument = factor.args[0]
        for bottom in e.args:
            base, exponent = bottom.as_base_exp()
            if not (exponent.is_Integer and exponent <= -power):
                continue
            if base.is_nonzero or base.is_positive:
                continue
            h = sympy.cancel(argument / base)
            if h.has(base) or (not sympy.denom(h).is_nonzero and sympy.denom(h) != 1):
                continue
            return e / factor * base**power * h**power * build(argument)
    return None


def half_step(e: Expr) -> Expr | None:
    """c log(gamma(a + 1/2)) - c log(gamma(a)) in a sum, as half a step of log gamma."""
    for c, factor in _terms_with(e, _is(log)):
        inner = factor.args[0]
        if isinstance(inner, gamma):
            a = sympy.expand(inner.args[0] - Rational(1, 2))
            above, below = sympy.fraction(sympy.together(a))
            whole = sympy.expand(above) / sympy.factor(below)  # whose logarithm may cancel others
            new = c * (atoms.gamma_gap(whole) + log(whole) / 2)
            found = _with_partner(e, c, factor, -c * log(gamma(a)), new)
            if found is not None:
                return found
    return None


def of_one_more(e: Expr) -> Expr | None:
    """log gamma(1 + g) and digamma(1 + g) by g, whose digits the sum would round."""
    if isinstance(e, log) and isinstance(e.args[0], gamma):
        atom, inner = atoms.loggamma1p, e.args[0].args[0]
    elif isinstance(e, loggamma):
        atom, inner = atoms.loggamma1p, e.args[0]
    elif isinstance(e, polygamma) and e.args[0] == 0:
        atom, inner = atoms.digamma1p, e.args[1]
    else:
        return None
    g = inner - 1
    return atom(g) if inner.is_Add and S.One in inner.args and g.is_positive else None


RULES: tuple[Rule, ...] = (
    Rule("log1p", log(1 + _g), atoms.log1p(_g), _log1p),
    Rule(
        "logarithm of a mixture",
        log(_b + (1 - _b) * exp(-_g)),
        atoms.log1p((1 - _b) * atoms.expm1(-_g)),
        _log_mixture,
    ),
    Rule(
        "logarithm of a sum of exponentials",
        log(_a * exp(_g) + _b * exp(_p)),
        atoms.log_total(log(_a) + _g, log(_b) + _p, _p - _g + log(_b / _a)),
        _log_total,
    ),
    Rule("softplus", log(1 + exp(_g)), atoms.softplus(_g), _softplus),
    Rule("logcosh", log(cosh(_g)), atoms.logcosh(_g), _logcosh),
    Rule("sigmoid", exp(_g) / (1 + exp(_g)), atoms.sigmoid(_g), _sigmoid),
    Rule("hyperbolic tangent", sinh(_g) / cosh(_g), atoms.stable_tanh(_g), _tanh),
    Rule(
        "one less tanh squared",
        _a - _a * tanh(_g) ** 2,
        _a / cosh(_g) ** 2,
        _pair(_is_tanh_squared, lambda c, f: -c, lambda c, f: -c / cosh(f.base.args[0]) ** 2),
    ),
    Rule("reflected sigmoid", exp(-_g) * atoms.sigmoid(_g), atoms.sigmoid(-_g), _reflected_sigmoid),
    Rule(
        "expm1",
        _a * exp(_g) - _a,
        _a * atoms.expm1(_g),
        _pair(_is(exp), lambda c, f: -c, lambda c, f: c * atoms.expm1(f.args[0])),
    ),
    Rule(
        "expm1 minus its argument",
        _a * atoms.expm1(_g) - _a * _g,
        _a * atoms.expm1_minus(_g),
        _pair(
            _is(atoms.expm1),
            lambda c, f: -c * f.args[0],
            lambda c, f: c * atoms.expm1_minus(f.args[0]),
        ),
    ),
    Rule(
        "log1p minus its argument",
        _a * atoms.log1p(_g) - _a * _g,
        _a * atoms.log1p_minus(_g),
        _pair(
            _is(atoms.log1p),
            lambda c, f: -c * f.args[0],
            lambda c, f: c * atoms.log1p_minus(f.args[0]),
        ),
    ),
    Rule(
        "softplus less its value at 0",
        _a * atoms.softplus(_g) - _a * log(2),
        _a * _g / 2 + _a * atoms.logcosh(_g / 2),
        _pair(
            _is(atoms.softplus),
            lambda c, f: -c * log(2),
            lambda c, f: c * f.args[0] / 2 + c * atoms.logcosh(f.args[0] / 2),
        ),
    ),
    Rule(
        "logcosh less its slope",
        _a * atoms.logcosh(_g) - _a * _g * atoms.stable_tanh(_g),
        -_a * atoms.logcosh_excess(_g),
        _pair(
            _is(atoms.logcosh),
            lambda c, f: -c * f.args[0] * atoms.stable_tanh(f.args[0]),
            lambda c, f: -c * atoms.logcosh_excess(f.args[0]),
        ),
    ),
    Rule(
        "power minus one",
        _a * (1 + _g) ** _p - _a,
        _a * _p * atoms.boxcox1p(_g, _p),
        _pair(_is_power, lambda c, f: -c, _power_minus_one),
    ),
    Rule(
        "whole power minus one",
        _a * (1 + _g) ** 3 - _a,
        _a * _g * (1 + (1 + _g) * (2 + _g)),
        _pair(_is_whole_power, lambda c, f: -c, _whole_power_minus_one),
    ),
    Rule(
        "difference of square roots",
        sqrt(_g**2 + _a**2) - _a,
        _g**2 / (sqrt(_g**2 + _a**2) + _a),
        _sqrt_difference,
    ),
    Rule(
        "cosine minus one",
        _a * cos(_g) - _a,
        -2 * _a * sin(_g / 2) ** 2,
        _pair(_is(cos), lambda c, f: -c, lambda c, f: -2 * c * sin(f.args[0] / 2) ** 2),
    ),
    Rule(
        "hyperbolic cosine minus one",
        _a * cosh(_g) - _a,
        2 * _a * sinh(_g / 2) ** 2,
        _pair(_is(cosh), lambda c, f: -c, lambda c, f: 2 * c * sinh(f.args[0] / 2) ** 2),
    ),
    Rule(
        "step of softplus",
        _a * atoms.softplus(_b + _g) - _a * atoms.softplus(_b),
        _a * atoms.softplus_step(_b, _g),
        _step(atoms.softplus, atoms.softplus_step),
    ),
    Rule(
        "step of the sigmoid",
        _a * atoms.sigmoid(_b + _g) - _a * atoms.sigmoid(_b),
        -_a * atoms.sigmoid(_b + _g) * atoms.sigmoid(-_b) * atoms.expm1(-_g),
        _step(
            atoms.sigmoid,
            lambda q, t: -atoms.sigmoid(q + t) * atoms.sigmoid(-q) * atoms.expm1(-t),
        ),
    ),
    Rule(
        "sigmoids and softplus crossed",
        _a * atoms.sigmoid(-_g) * atoms.softplus(_g) - _a * atoms.sigmoid(_g) * atoms.softplus(-_g),
        _a * atoms.sigmoid(_g) * atoms.softplus_crossed(_g),
        _crossed,
    ),
    Rule(
        "softplus and its mirror image",
        _a * atoms.softplus(_g) * atoms.softplus(-_g),
        _a * atoms.softplus_product(_g),
        _mirrored,
    ),
    Rule(
        "one less the logarithm of a ratio",
        _a * atoms.log_ratio(1 + _g, 1 + _b, _g - _b) - _a,
        -_a * atoms.log_ratio_gap(_g, _b),
        _log_ratio_gap,
    ),
    Rule(
        "vanishing denominator",
        atoms.log1p(_a * _g) / _a,
        _g * atoms.log1prel(_a * _g),
        _vanishing_denominator,
    ),
    Rule(
        "half a step of log gamma",
        log(gamma(_g + Rational(1, 2))) - log(gamma(_g)),
        atoms.gamma_gap(_g) + log(_g) / 2,
        half_step,
    ),
    Rule(
        "log gamma of one more",
        loggamma(1 + _g),
        atoms.loggamma1p(_g),
        of_one_more,
    ),
)


def rewrite(expression: Expr) -> tuple[Expr, tuple[str, ...]]:
    """The expression with every rule applied from the leaves up, and the rules that were used."""
    if not expression.args or isinstance(expression, sympy.core.relational.Relational):
        return expression, ()
    return _rewritten(expression)


@lru_cache(maxsize=KEPT)
def _rewritten(e: Expr) -> tuple[Expr, tuple[str, ...]]:
    parts = [rewrite(a) for a in e.args]
    used = [name for _, names in parts for name in names]
    same = all(a is b for (a, _), b in zip(parts, e.args, strict=True))
    new = e if same else e.func(*(a for a, _ in parts))
    for _ in range(8):
        for rule in RULES:
            found = rule.apply(new)
            if found is not None and found != new:
                used.append(rule.name)
                new = found
                break
        else:
            break
    return new, tuple(dict.fromkeys(used))
