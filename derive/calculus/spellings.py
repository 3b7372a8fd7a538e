"""Spellings of a formula that people prefer: tanh and sech, one power of a ratio, 1 - a.

Each is an identity; which one is shown is decided by their lengths (`presented`).
"""

from __future__ import annotations

from itertools import permutations

from sympy import (
    Abs,
    Add,
    Dummy,
    Expr,
    Mul,
    Poly,
    Pow,
    Symbol,
    collect,
    cosh,
    exp,
    expand,
    expand_mul,
    factor_terms,
    sech,
    sign,
    sinh,
    tanh,
)


def hyperbolic(e: Expr) -> list[Expr]:
    """With tanh and sech where sinh and cosh are their quotients."""
    forms = []
    for argument in {part.args[0] for part in e.atoms(cosh)}:
        t, c = Dummy("t", real=True), Dummy("c", positive=True)
        by_tanh = e.replace(sinh(argument), t * c).replace(cosh(argument), c)
        by_sech = expand(by_tanh).subs(t**2, 1 - c**-2)
        for form in (by_tanh, expand(by_sech), factor_terms(expand(by_sech))):
            back = form.replace(
                lambda p, c=c: p.is_Pow and p.base == c and p.exp.is_negative,
                lambda p, a=argument: sech(a) ** -p.exp,
            )
            forms.append(back.subs({t: tanh(argument), c: cosh(argument)}))
    return forms


def logistic(e: Expr) -> Expr:
    """exp(u)/(1 + exp(u)) as 1/(1 + exp(-u))."""

    def turned(product: Mul) -> Expr:
        for part in product.args:
            base, power = part.as_base_exp()
            if power.is_Integer and power < 0 and base.is_Add and len(base.args) == 2:
                one, other = base.args
                if one == 1 and isinstance(other, exp):
                    rest = product / part
                    over_it = rest * other**power
                    if not over_it.has(other) and over_it.count_ops() < rest.count_ops():
                        return over_it * Pow(1 + 1 / other, power)
        return product

    return e.replace(lambda part: part.is_Mul, turned)


def over_size(e: Expr) -> Expr:
    """sign(g)/g as 1/|g|, g sign(g) as |g|."""
    for part in e.atoms(sign):
        (inner,) = part.args
        e = e.subs(part / inner, 1 / Abs(inner)).subs(part * inner, Abs(inner))
    return e


def turned(e: Expr) -> Expr:
    """-(a - 1) as 1 - a, -a/(a - 1) as a/(1 - a)."""

    def turned(product: Mul) -> Expr:
        coefficient, rest = product.as_coeff_Mul()
        for part in Mul.make_args(rest) if coefficient.is_negative else ():
            base, power = part.as_base_exp()
            odd = power.is_Integer and power % 2 == 1
            if odd and base.is_Add and any(t.could_extract_minus_sign() for t in base.args):
                return -coefficient * (rest / part) * (-base) ** power
        return product

    return e.replace(lambda part: part.is_Mul, turned)


def collected(e: Expr, running: tuple[Symbol, ...]) -> Expr:
    """c^2 + 2 a x^2 - x^2 as c^2 + (2 a - 1) x^2."""

    def gathered_sum(part: Expr) -> Expr:
        for v in (*running, *sorted(part.free_symbols.difference(running), key=str)):
            if part.has(v) and all(t.as_independent(v)[1].is_Atom or
                                   t.as_independent(v)[1].as_base_exp()[0] == v
                                   for t in part.args):  # fmt: skip
                found = collect(part, v)
                if found != part and found.count_ops() <= part.count_ops():
                    return found
        return part

    return e.replace(lambda part: part.is_Add and len(part.args) <= 6, gathered_sum)


def squares_of_tanh(e: Expr) -> list[Expr]:
    """1 - tanh(u)^2 as sech(u)^2."""
    found = []
    for part in e.atoms(tanh):
        short = e.subs(part**2, 1 - sech(part.args[0]) ** 2)
        found += [short, expand_mul(short)] if short != e else []
        t, rest = Dummy("t"), expand(e)
        if not (rest.has(part**2) and rest.is_polynomial(part)):
            continue
        c = sech(part.args[0])
        powers = Poly(rest.subs(part, t), t).terms()
        whole = expand(Add(*(k * (1 - c**2) ** (n // 2) * part ** (n % 2) for (n,), k in powers)))
        found += [whole, factor_terms(whole)]
    return found


def one_power(e: Expr, x: Symbol) -> Expr:
    """(|x|/a)^(p - 1) |x| as a (|x|/a)^p, and |x|^p/a^p as (|x|/a)^p."""

    def joined(product: Mul) -> Expr:
        powers = [f for f in product.args if f.is_Pow and not f.exp.is_number]
        for power, below in permutations(powers, 2):
            left = expand(power.exp + below.exp)  # of a**(-p - 1) beside b**p
            if left.is_Integer and below.base.is_positive and below.exp.could_extract_minus_sign():
                ratio = (power.base / below.base) ** power.exp
                return _without(product, power, below) * ratio * below.base**left
        for power in powers:
            length = Abs(x) / power.base
            beside = [f for f in product.args if f in (x, Abs(x)) or _is_power_of(f, x)]
            if not length.has(x) and beside:
                count = sum(int(f.as_base_exp()[1]) for f in beside)
                odd = sum(int(f.as_base_exp()[1]) for f in beside if not f.has(Abs)) % 2
                rest = _without(product, power, *beside) * (sign(x) if odd else 1)
                return rest * length**count * power.base ** expand(power.exp + count)
        return product

    for _ in range(2):
        e = e.replace(lambda part: part.is_Mul, joined)
    return e


def _is_power_of(factor: Expr, x: Symbol) -> bool:
    base, exponent = factor.as_base_exp()
    return bool(base in (x, Abs(x)) and exponent.is_Integer)


def _without(product: Mul, *factors: Expr) -> Expr:
    return Mul(*(f for f in product.args if f not in factors))
