"""From SymPy to nodes: the order of evaluation is chosen here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache, partial

import sympy
from sympy import Expr

from derive.calculus.reading import KEPT
from derive.numerics import atoms
from derive.numerics.atoms import Atom
from derive.numerics.differences import NoPattern, pattern
from derive.numerics.helpers.angles import less_pi
from derive.numerics.helpers.differences import Growth, alone, of_exponential, of_logarithm, over
from derive.numerics.helpers.powers import log1p_over, power1p_square
from derive.numerics.nodes import Local, Name, Node, Number, call, node, where
from derive.numerics.rules import rewrite

_FUNCTIONS: dict[type, str] = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan",
    sympy.asin: "asin", sympy.acos: "acos", sympy.atan: "atan", sympy.sinh: "sinh",
    sympy.cosh: "cosh", sympy.tanh: "tanh", sympy.erf: "erf", sympy.erfc: "erfc",
    sympy.gamma: "gamma", sympy.loggamma: "loggamma", sympy.Abs: "abs", sympy.sign: "sign",
}  # fmt: skip
_RELATIONS: dict[type, Callable[[Node, Node], Node]] = {
    sympy.StrictLessThan: lambda a, b: call("lt", a, b),
    sympy.LessThan: lambda a, b: call("le", a, b),
    sympy.StrictGreaterThan: lambda a, b: call("lt", b, a),
    sympy.GreaterThan: lambda a, b: call("le", b, a),
    sympy.Equality: lambda a, b: call("eq", a, b),
    sympy.Unequality: lambda a, b: call("ne", a, b),
}


# Whole powers up to this one are products.
_CHAIN = 3
_PAIR = 2


class CannotLower(ValueError):
    """The vocabulary has no word for a function of the expression."""


def lower(expression: Expr) -> Node:
    """The expression as nodes. Raises CannotLower for a function outside the vocabulary."""
    if isinstance(expression, sympy.Symbol):
        definition = getattr(expression, "definition", None)
        return (
            Name(expression.name)
            if definition is None
            else Local(expression.name, lower(rewrite(definition)[0]))
        )
    if expression.is_Rational:
        return node(Fraction(int(expression.p), int(expression.q)))
    if expression in (sympy.oo, -sympy.oo):
        return node(float(expression))
    if expression.is_number and not expression.has(sympy.Symbol) and expression.is_Atom:
        return node(float(expression.evalf(30)))
    if expression.is_Add:
        return summed(expression)
    if expression.is_Mul:
        return _of_square(expression) or _product(expression)
    if expression.is_Pow:
        return _power(*expression.as_base_exp())
    if isinstance(expression, sympy.Piecewise):
        return _branches(expression)
    if isinstance(expression, sympy.Max | sympy.Min):
        op = "max" if isinstance(expression, sympy.Max) else "min"
        numbers_last = sorted(expression.args, key=lambda a: (a.is_number, a.sort_key()))
        first, *rest = map(lower, numbers_last)
        for other in rest:
            first = call(op, first, other)
        return first
    if isinstance(expression, atoms.power1p):
        return _growth(*expression.args)
    if isinstance(expression, atoms.difference):
        return _difference(*expression.args)
    if isinstance(expression, atoms.difference_over):
        return over(lower(expression.args[0]), pattern(expression.args[1:])[1])
    if isinstance(expression, atoms.difference_alone):
        return alone(lower(expression.args[0]), pattern(expression.args[1:])[1])
    if isinstance(expression, atoms.difference_plus):
        argument, c, _, *rates = expression.args
        return _difference(argument, *rates, more=lower(c))
    if isinstance(expression, atoms.log1p_square):
        y, b = _square(expression.args[0])
        if not isinstance(b, Number):
            return log1p_over(y, b)
    if isinstance(expression, Atom):
        return type(expression).build(*(lower(a) for a in expression.args))
    if isinstance(expression, sympy.polygamma) and expression.args[0] in (0, 1):
        name = "digamma" if expression.args[0] == 0 else "trigamma"
        return call(name, lower(expression.args[1]))
    name = _FUNCTIONS.get(type(expression), "")
    if not name:
        raise CannotLower(f"no stable evaluation of {expression.func.__name__} is known")
    return call(name, *(lower(a) for a in expression.args))


def _of_square(product: Expr) -> Node | None:
    """What multiplies a difference of log(1 + t^2) goes with it: the power may leave the range."""
    kinds = (atoms.difference, atoms.difference_plus)
    found = [e for e in product.args if isinstance(e, kinds)]
    if len(found) != 1 or not isinstance(found[0].args[0], atoms.log1p_square):
        return None
    argument, *rates = found[0].args
    more, rates = (rates[0], rates[2:]) if isinstance(found[0], kinds[1]) else (None, rates)
    front = lower(product / found[0])
    try:
        return _difference(
            argument, *rates, more=None if more is None else lower(more), front=front
        )
    except CannotLower:
        return None


def _difference(
    argument: Expr, *rates: Expr, more: Node | None = None, front: Node | None = None
) -> Node:
    """A divided difference of exp, by the kind of its argument."""
    try:
        if isinstance(argument, atoms.log_ratio) and more is None:
            return _difference_of_ratio(argument, rates)
        p, found = pattern(rates)
        if not isinstance(argument, atoms.log1p | atoms.log1p_square):
            return of_exponential(lower(argument), found)
        inner, exponent = lower(argument.args[0]), lower(p)
        square = None
        if isinstance(argument, atoms.log1p):
            power, total = atoms.power1p.build(inner, exponent), 1 + inner
        else:
            square = _square(argument.args[0])
            power, total = power1p_square(*square, exponent), 1 + inner * inner
        log = Local("L", lower(argument))
        growth = Growth(log, exponent, Local("g", power), total, square, front)
        return of_logarithm(growth, found, more)
    except NoPattern:
        raise CannotLower(f"no stable evaluation of rates {rates} is known") from None


def _difference_of_ratio(argument: Expr, rates: Sequence[Expr]) -> Node:
    """By the ratio or its inverse, whichever is above 1, and with powers of it: exponentials of the
    logarithm lose digits far from 1. D(L; r) = (-1)^n D(-L; -r) for n + 1 rates."""
    above, below, gap = argument.args
    up = _above_one(atoms.log_ratio(above, below, gap), rates)
    down = _above_one(atoms.log_ratio(below, above, -gap), [-r for r in rates])
    return where(lower(above) < lower(below), down if len(rates) % 2 else -down, up)


def _above_one(argument: Expr, rates: Sequence[Expr]) -> Node:
    p, found = pattern(rates)
    total = Local("ratio", lower(argument.args[0]) / lower(argument.args[1]))
    log, exponent = Local("L", lower(argument)), lower(p)
    return of_logarithm(Growth(log, exponent, call("pow", total, exponent), total), found)


def _square(size: Expr) -> tuple[Node, Node]:
    """y and b of |y|/sqrt(b)."""
    definition = getattr(size, "definition", size)
    for factor in sympy.Mul.make_args(definition):
        divisor = (factor / definition) ** 2
        if isinstance(factor, sympy.Abs) and not divisor.has(factor):
            return lower(factor.args[0]), lower(divisor)
    return lower(size), node(1)


def condition(relation: Expr) -> Node:
    if relation in (sympy.true, sympy.false):
        return call("le", 0, 0) if relation == sympy.true else call("lt", 0, 0)
    if isinstance(relation, sympy.And | sympy.Or):
        op = "and" if isinstance(relation, sympy.And) else "or"
        first, *rest = (condition(a) for a in sorted(relation.args, key=sympy.default_sort_key))
        for other in rest:
            first = call(op, first, other)
        return first
    if isinstance(relation, sympy.Not):
        inner = relation.args[0]
        if isinstance(inner, sympy.core.relational.Relational):
            return condition(inner.negated)
        return condition(sympy.to_nnf(relation, simplify=False))
    build = _RELATIONS.get(type(relation))
    if build is None:
        raise CannotLower(f"a condition of the form {relation} is not known")
    return build(*(_beside_pi(relation) or (lower(relation.lhs), lower(relation.rhs))))


def _beside_pi(relation: Expr) -> tuple[Node, Node] | None:
    """The sides of |x| <= pi c, or of |x/c| <= pi, as |x| - pi c and 0."""
    for size, bound in (relation.args, relation.args[::-1]):
        v = size.args[0] if isinstance(size, sympy.Abs) else None
        above, below = sympy.fraction(getattr(v, "definition", v) or sympy.nan)
        c = bound / sympy.pi * below
        if above.is_Symbol and c.is_Symbol and c.is_positive:
            gap = less_pi(call("abs", lower(above)), lower(c))
            return (gap, node(0)) if size == relation.lhs else (node(0), gap)
    return None


def _branches(expression: sympy.Piecewise) -> Node:
    *firsts, last = expression.args
    result = lower(last[0])
    for value, relation in reversed(firsts):
        result = where(condition(relation), lower(value), result)
    return result


def summed(expression: Expr, written: Callable[[Expr], Node] = lower) -> Node:
    """written: how each term is."""
    first, *rest = _terms(expression)
    total = written(first[0])
    for term, is_negative in rest:
        total = total - written(term) if is_negative else total + written(term)
    return total


def reordered(expression: Expr) -> Iterator[Node]:
    """A sum with the first, or the second, factor of each product of three or more at the end."""

    def written(term: Expr, place: int) -> Node:
        factors = list(term.as_ordered_factors())
        if len(factors) <= _PAIR:
            return lower(term)
        last = factors.pop(place)
        return lower(sympy.Mul(*factors)) * lower(last)

    if any(len(sympy.Mul.make_args(term)) > _PAIR for term, _ in _terms(expression)):
        for place in range(_PAIR):
            with suppress(CannotLower):
                yield summed(expression, partial(written, place=place))


@lru_cache(maxsize=KEPT)
def _terms(expression: Expr) -> tuple[tuple[Expr, bool], ...]:
    """The terms of a sum, the first as it is, the others by their size, and whether each is taken
    away: plain terms before functions (they may meet exactly), positive ones before negative."""
    terms = sorted(
        expression.as_ordered_terms(),
        key=lambda t: (bool(t.atoms(sympy.Function)), t.could_extract_minus_sign()),
    )
    if terms[0].could_extract_minus_sign():
        positive = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
        if not terms[0].is_number:
            terms.remove(positive)
            terms.insert(0, positive)
    signs = [(t, t.could_extract_minus_sign()) for t in terms[1:]]
    return ((terms[0], False), *((-t if minus else t, minus) for t, minus in signs))


def _product(expression: Expr) -> Node:
    """Numerators and denominators in turn: no partial product leaves the range needlessly."""
    coefficient, found = _factors(expression)
    above: list[Node] = []
    below: list[Node] = []
    if coefficient < 0:
        return -lower(-expression)
    ratios, factors = _high_ratios(list(found))
    above += ratios
    for base, exponent in factors:
        factor = base**exponent
        if exponent.is_Rational and exponent < 0:
            below.extend(_repeated(base, -exponent))
        elif factor.func == sympy.exp and factor.args[0].could_extract_minus_sign():
            above.append(lower(factor))
        else:
            above.extend(_repeated(base, exponent))
    if coefficient.is_Rational:
        if coefficient.p != 1:
            above.append(node(int(coefficient.p)))
        if coefficient.q != 1:
            below.append(node(int(coefficient.q)))
    else:
        above.append(lower(coefficient))
    # Every factor meets its divisors first: x/c/c*(x/c) stays in range where x*x/c/c/c does not.
    if not above:
        above = [node(1)]
    ratios = [_divided(factor, below[place :: len(above)]) for place, factor in enumerate(above)]
    total = ratios.pop(0)
    for ratio in ratios:
        total = total * ratio
    return total


@lru_cache(maxsize=KEPT)
def _factors(product: Expr) -> tuple[Expr, tuple[tuple[Expr, Expr], ...]]:
    """The number, and the other factors as powers."""
    coefficient, rest = product.as_coeff_Mul()
    return coefficient, tuple(factor.as_base_exp() for factor in rest.as_ordered_factors())


def _high_ratios(
    factors: list[tuple[Expr, Expr]],
) -> tuple[list[Node], list[tuple[Expr, Expr]]]:
    """x^6/c^6 as (x/c)^6, where each power alone may leave the range; and the other factors."""
    found: list[Node] = []
    high = [f for f in factors if f[1].is_Integer and f[1] > _CHAIN and f[0] != sympy.E]
    low = [f for f in factors if f[1].is_Integer and f[1] < -_CHAIN and f[0] != sympy.E]
    for up, down in zip(high, low, strict=False):
        n = int(min(up[1], -down[1]))
        found.append(_whole_power(lower(up[0]) / lower(down[0]), n))
        factors = [f for f in factors if f not in (up, down)]
        factors += [(b, e) for b, e in ((up[0], up[1] - n), (down[0], down[1] + n)) if e != 0]
    return found, factors


def _whole_power(value: Node, exponent: int) -> Node:
    """By squaring."""
    if exponent <= 2:
        return value * value if exponent == 2 else value
    half = _whole_power(value, exponent // 2)
    return half * half * value if exponent % 2 else half * half


def _divided(factor: Node, divisors: list[Node]) -> Node:
    for divisor in divisors:
        factor = factor / divisor
    return factor


def _repeated(base: Expr, exponent: Expr) -> list[Node]:
    """A small whole power as repeated factors; anything else as one."""
    if exponent.is_Integer and 1 <= exponent <= _CHAIN:
        return [lower(base)] * int(exponent)
    return [_power(base, exponent)]


def _growth(t: Expr, exponent: Expr) -> Node:
    """(1 + t)^(q + n) as (1 + t)^q (1 + t)^n: a rounded q + n would cost |log(1 + t)| ULP."""
    whole, rest = exponent.as_coeff_Add()
    if whole == 0 or not whole.is_Integer or rest == 0:
        return atoms.power1p.build(lower(t), lower(exponent))
    total = atoms.power1p.build(lower(t), lower(rest))
    base = 1 + lower(t)
    for _ in range(abs(int(whole))):
        total = total * base if whole > 0 else total / base
    return total


def _power(base: Expr, exponent: Expr) -> Node:
    if base == sympy.E:
        return call("exp", lower(exponent))
    value = lower(base)
    whole, rest = exponent.as_coeff_Add()
    if rest != 0 and whole.is_Integer and whole != 0 and abs(whole) <= 4:
        total = _power(base, rest)
        for _ in range(abs(int(whole))):
            total = total * value if whole > 0 else total / value
        return total
    if exponent == sympy.Rational(1, 2):
        return call("sqrt", value)
    if exponent.is_Integer:
        if exponent < 0:
            return 1 / _power(base, -exponent)
        if exponent <= 4:
            total = value
            for _ in range(int(exponent) - 1):
                total = total * value
            return total
    if exponent.is_Rational and exponent < 0 and exponent.q == 2:
        return 1 / _power(base, -exponent)
    if exponent == sympy.Rational(3, 2):
        return value * call("sqrt", value)
    return call("pow", value, lower(exponent))
