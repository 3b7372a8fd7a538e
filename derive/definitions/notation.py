"""Formulas as people type them: |x|, ^, 1 + s/b, x^2/2 if |x| <= c, otherwise …

The one notation of `derive show`, of docstrings and of messages. It never prints an infinity that
SymPy made of a division by 0, nor NaN: whoever has such a value says in words what happens there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, Symbol, default_sort_key

from derive.definitions.classes import Entry, Hit, Largest, Other, Total
from derive.definitions.order import divided, halved, joins_roots, over_roots, terms

_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
_FUNCTIONS: Mapping[Any, str] = {
    sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.asin: "asin",
    sympy.acos: "acos", sympy.atan: "atan", sympy.sinh: "sinh", sympy.cosh: "cosh",
    sympy.tanh: "tanh", sympy.coth: "coth", sympy.sech: "sech", sympy.csch: "csch",
    sympy.sign: "sign", sympy.erf: "erf", sympy.erfc: "erfc", sympy.gamma: "gamma",
    sympy.loggamma: "loggamma", sympy.Max: "max", sympy.Min: "min", sympy.besselk: "besselk",
    sympy.besseli: "besseli", sympy.polygamma: "polygamma", sympy.LambertW: "lambertw",
    Total: "sum", Largest: "max",
}  # fmt: skip
_RELATIONS: Mapping[Any, str] = {
    sympy.StrictLessThan: "<", sympy.LessThan: "<=", sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: ">=", sympy.Equality: "=", sympy.Unequality: "!=",
}  # fmt: skip
_WORDS: Mapping[Any, str] = {
    sympy.oo: "inf", -sympy.oo: "-inf", sympy.E: "e", sympy.pi: "pi",
    sympy.EulerGamma: "euler_gamma", sympy.zoo: "undefined", sympy.nan: "undefined",
}  # fmt: skip


def formula(expression: Any) -> str:
    """One line of text; conditions and sets of conditions too."""
    expression = sympy.sympify(expression, strict=True)
    if isinstance(expression, sympy.logic.boolalg.Boolean) and not expression.is_Symbol:
        return condition(expression)
    return _text(expression)[0]


def condition(relation: Any) -> str:
    """A condition as one says it: what is bounded stands on the left."""
    if relation == sympy.true:
        return "always"
    if relation == sympy.false:
        return "never"
    if isinstance(relation, sympy.And | sympy.Or):
        word = " and " if isinstance(relation, sympy.And) else " or "
        return word.join(condition(part) for part in sorted(relation.args, key=default_sort_key))
    if isinstance(relation, sympy.Not):
        return f"not ({condition(relation.args[0])})"
    if relation.func not in _RELATIONS:
        return str(relation)
    relation = oriented(relation)
    left, right = relation.args
    return f"{formula(left)} {_RELATIONS[relation.func]} {formula(right)}"


def oriented(relation: Any) -> Any:
    """A comparison with what is bounded on its left."""
    left, right = relation.args
    turned = left.is_number or (left.is_Symbol and (not right.is_Atom or _bounds(left, right)))
    return relation.reversed if turned else relation


def _bounds(left: Symbol, right: Expr) -> bool:
    """Whether the left one is the bound: a letter with a sign beside one without."""
    return right.is_Symbol and left.is_positive is not None and right.is_positive is None


def _text(e: Expr) -> tuple[str, int]:
    """The text of an expression and how tightly it holds together."""
    if e in _WORDS:
        return _WORDS[e], _SUM if e == -sympy.oo else _ATOM
    if isinstance(e, Symbol):
        return e.name, _ATOM
    if e.is_Integer or isinstance(e, sympy.Float):
        text = str(int(e)) if e.is_Integer or e == int(e) else str(e)
        return text, _SUM if e < 0 else _ATOM
    if isinstance(e, Add):
        shared = halved(e)
        if shared is not None:
            return f"({_sum(shared[0])})/{shared[1]}", _PRODUCT
        return _sum(e), _SUM
    if isinstance(e, sympy.exp):
        return f"exp({formula(e.args[0])})", _ATOM
    if isinstance(e, Mul | Rational) or (isinstance(e, Pow) and _is_below(e)):
        return _product(e)
    if isinstance(e, Pow):
        return _power(e.base, e.exp)
    if isinstance(e, sympy.Abs):
        return f"|{formula(e.args[0])}|", _ATOM
    if isinstance(e, sympy.Piecewise):
        return _cases(e), _SUM
    if isinstance(e, Hit | Entry):
        return _at_class(e), _ATOM
    arguments: Sequence[Expr] = e.args
    if isinstance(e, sympy.Max | sympy.Min):
        arguments = sorted(arguments, key=default_sort_key)
    name = _FUNCTIONS.get(e.func, e.func.__name__.lower())
    return f"{name}({', '.join(formula(a) for a in arguments)})", _ATOM


def _at_class(e: Expr) -> str:
    """z[t], [k = t], [k != t]; `k` is any class."""
    target = e.args[-1]
    if isinstance(e, Hit):
        return f"[{getattr(target, 'axis', 'k')} {'!=' if isinstance(e, Other) else '='} {target}]"
    return f"{_within(e.args[0], _ATOM)}[{target}]"


def _cases(e: sympy.Piecewise) -> str:
    parts = []
    for value, when in e.args:
        text = _within(value, _SUM) if isinstance(value, sympy.Piecewise) else formula(value)
        parts.append(f"{text} otherwise" if when == sympy.true else f"{text} if {condition(when)}")
    return ", ".join(parts)


def _within(e: Expr, least: int) -> str:
    """The text of a part, in brackets where it would fall apart (cases always would)."""
    text, tightness = _text(e)
    loose = tightness < least or isinstance(e, sympy.Piecewise)
    return f"({text})" if loose else text


def _sum(e: Expr) -> str:
    ordered = terms(e)
    text = ""
    for term in ordered:
        negative = term.could_extract_minus_sign() and not term.is_Add
        body = _within(-term if negative else term, _PRODUCT)
        if text:
            text += f" - {body}" if negative else f" + {body}"
        else:
            text = f"-{body}" if negative else body
    return text


def _is_below(e: Pow) -> bool:
    return bool(e.exp.is_Rational and e.exp < 0 and e.base != sympy.E)


def _product(e: Expr) -> tuple[str, int]:
    coefficient, rest = e.as_coeff_Mul()
    if not coefficient.is_Rational:
        coefficient, rest = sympy.S.One, e
    above, below = divided(rest)
    top, bottom = abs(coefficient).as_numer_denom()
    above, bottom, below = over_roots(top, above, bottom, below)
    above, below = _joined_roots(above), _joined_roots(below)
    upper = [*([top] if top != 1 or not above else []), *above]
    lower = [*([bottom] if bottom != 1 else []), *below]
    factors = [_within(f, _PRODUCT if f is upper[-1] and not lower else _POWER) for f in upper]
    text = "*".join(factors)
    if lower:
        under = [_within(f, _POWER) for f in lower]
        text += f"/{under[0]}" if len(under) == 1 else f"/({'*'.join(under)})"
    tight = _PRODUCT if lower or len(factors) > 1 else _text(upper[0])[1]
    return (f"-{text}", _SUM) if coefficient < 0 else (text, tight)


def _joined_roots(factors: list[Expr]) -> list[Expr]:
    """sqrt(2) sqrt(pi) as sqrt(2*pi)."""
    roots = [f for f in factors if joins_roots(f)]
    if len(roots) < 2:
        return factors
    inside = Mul(*(f.base for f in roots), evaluate=False)
    joined = Pow(inside, Rational(1, 2), evaluate=False)
    return [joined, *(f for f in factors if f not in roots)]


def _power(base: Expr, exponent: Expr) -> tuple[str, int]:
    if exponent == Rational(1, 2):
        return f"sqrt({formula(base)})", _ATOM
    return f"{_within(base, _ATOM)}^{_within(exponent, _ATOM)}", _POWER
