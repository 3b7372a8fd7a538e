"""What follows from a loss over classes: gradients by two rules, confirmed class by class.

d total(f)/d z[j] is f'(z[j]), and what the closed parts of f add; d z[t]/d z[j] is [j = t].
A gradient is one number a class, like z, and so needs no index of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import mpmath
import sympy
from sympy import Expr, Symbol, exp

from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.reading import cancelled
from derive.definitions.classes import (
    COUNT,
    Entry,
    Hit,
    Largest,
    Share,
    Softmax,
    Total,
    at_target,
    entry_letter,
    opened,
    over,
    varies,
    with_probabilities,
    written_out,
)
from derive.definitions.loss import Along, Loss
from derive.definitions.notation import formula
from derive.errors import Refuted

COUNTS = (2, 3, 4, 5)
"""How many classes a derivative is confirmed at."""
_DIGITS, _STEP, _CLOSE = 70, mpmath.mpf(10) ** -25, mpmath.mpf(10) ** -18


def gradient(expression: Expr, z: Symbol) -> Expr:
    """d expression/d z[k] for each class k; expression is one number."""
    parts, flat = opened(expression)
    return sympy.Add(*(flat.diff(c).subs(parts) * _of(part, z) for c, part in parts.items()))


def _of(part: Expr, z: Symbol) -> Expr:
    if isinstance(part, Entry):
        return Hit(part.args[1]) if part.args[0] == z else sympy.S.Zero
    parts, flat = opened(part.args[0])
    share = Share(part.args[0]) if isinstance(part, Largest) else sympy.S.One
    found = share * plain_kinks(flat.diff(z)).subs(parts)
    for c, inner in parts.items():
        found += summed(share * plain_kinks(flat.diff(c)).subs(parts)) * _of(inner, z)
    return found


def plain_kinks(e: Expr) -> Expr:
    """Steps with 1/2 in the middle, the middle of the subdifferential; no impulses.

    What is multiplied with a step stands in its cases, so that nobody asks for 0^-1 or log(0).
    """
    e = e.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    return e.replace(sympy.Mul, _in_cases).replace(
        sympy.Heaviside, lambda u, *_: _step(u, sympy.S.One)
    )


def _in_cases(*factors: Expr) -> Expr:
    for f in factors:
        rest = [g for g in factors if g is not f]
        if isinstance(f, sympy.Heaviside):
            return _step(f.args[0], _in_cases(*rest))
        clipped = f.args[0] if isinstance(f, sympy.log) else None
        if isinstance(clipped, sympy.Max) and 0 in clipped.args:
            above = sympy.Max(*(a for a in clipped.args if a != 0))
            return sympy.Piecewise((sympy.log(above) * sympy.Mul(*rest), above > 0), (0, True))
    return sympy.Mul(*factors)


def _step(u: Expr, value: Any) -> Expr:
    """A value where u > 0; half of what it tends to where u = 0."""
    value = sympy.powsimp(value)
    clipped = sympy.Max(0, u)
    at_0 = value.replace(
        lambda p: p.is_Pow and p.base == clipped,
        lambda p: sympy.Piecewise((1, sympy.Eq(p.exp, 0)), (0, True)),
    ) / 2  # fmt: skip
    cases = (value.subs(clipped, u), u > 0), (at_0.subs(clipped, 0), sympy.Eq(u, 0)), (0, True)
    return sympy.Piecewise(*cases)


def summed(e: Expr) -> Expr:
    """The total of an expression: term by term, what is one number before it, hits taken out."""
    terms = []
    for term in sympy.Add.make_args(sympy.expand_mul(e)):
        factors = sympy.Mul.make_args(term)
        outside = sympy.Mul(*(f for f in factors if not varies(f)))
        inside = [f for f in factors if varies(f)]
        hits = [f for f in inside if type(f) is Hit]
        if hits:
            rest = sympy.Mul(*(f for f in inside if not isinstance(f, Hit)))
            terms.append(outside * at_target(rest, hits[0].args[0]))
        else:
            terms.append(outside * (Total(sympy.Mul(*inside)) if inside else COUNT))
    return sympy.Add(*terms)


def readable(e: Expr) -> Expr:
    """With softmax by its name, and what is one number taken out of totals."""
    powers = {p.args[0].args[0] for p in e.atoms(Total) if isinstance(p.args[0], exp)}
    targets = {h.args[-1] for h in e.atoms(Entry, Hit)}
    for place, f in enumerate(sorted(powers, key=sympy.default_sort_key)):
        s, total = Along(f"_s{place}", "probability"), sympy.Dummy("S", positive=True)
        e = e.subs(Total(exp(f)), total)
        for t in sorted(targets, key=str):
            e = e.subs(exp(at_target(f, t)), Entry(s, t) * total)
        e = _shortest(taken_out(e.subs(exp(f), s * total)))
        # A total to a power may have come to light inside another one.
        e = _shortest(e.replace(Total, _by_factors)).subs({total: Total(exp(f)), s: Softmax(f)})
    return _one_sign(min((e, cancelled(e)), key=_length))


def _one_sign(e: Expr) -> Expr:
    """(1 - s)^gamma/(s - 1) as -(1 - s)^(gamma - 1): one sign for a base and its opposite."""
    for base in sorted((p.base for p in e.atoms(sympy.Pow) if p.base.is_Add), key=str):
        if base.args[0] == 1 and e.has(-base):
            whole = sympy.Dummy("base", positive=True)
            joined = sympy.powsimp(e.xreplace({base: whole, -base: -whole}))
            e = joined.replace(lambda p: p.is_Mul and p.args[0] == -1, _into_sum)
            e = e.xreplace({whole: base})
    return e


def _into_sum(*factors: Expr) -> Expr:
    """-(a - b) c as (b - a) c."""
    for f in factors:
        if f.is_Add and f.args[0].could_extract_minus_sign():
            return sympy.Mul(*(-g if g is f else g for g in factors if g != -1))
    return sympy.Mul(*factors)


def _by_factors(inside: Expr) -> Expr:
    """The total of an expression, the factors that are one number before it; sums stay sums."""
    terms = []
    for term in sympy.Add.make_args(inside):
        factors = sympy.Mul.make_args(sympy.factor_terms(term))
        terms.append(
            [sympy.Mul(*(f for f in factors if varies(f) == kind)) for kind in (False, True)]
        )
    if len({outside for outside, _ in terms}) != 1:
        return Total(inside)
    return terms[0][0] * Total(sympy.Add(*(rest for _, rest in terms)))


def _shortest(e: Expr) -> Expr:
    ways = (sympy.expand(e), sympy.factor_terms(e), sympy.factor_terms(sympy.powsimp(e)))
    return min((sympy.powsimp(w) for w in ways), key=_length)


def _length(e: Expr) -> tuple[int, str]:
    return int(e.count_ops()), str(e)


def taken_out(e: Expr) -> Expr:
    """What is one number, before the totals that it stands in."""

    def outside(inside: Expr) -> Expr:
        found: dict[Expr, Expr] = {}
        for term in sympy.Add.make_args(sympy.expand_mul(inside)):
            closed = sympy.Mul(*(f for f in sympy.Mul.make_args(term) if not varies(f)))
            sign, closed = closed.as_coeff_Mul()
            found[closed] = found.get(closed, sympy.S.Zero) + sign * term / (sign * closed)
        if len(found) == 1 and sympy.S.One in found:
            return Total(inside)
        return sympy.Add(*(c * Total(rest) for c, rest in found.items()))

    return e.replace(Total, outside)


@dataclass(frozen=True, repr=False)
class ClasswiseDerivation:
    """A loss over classes and what follows. quantities: name -> expression, over all classes at
    once; pretty: the same to be read. v: the vector of the product with the Hessian.
    probabilities: the same loss for a target that gives each class a probability, where there is
    one. facts: what was found about it, in words."""

    loss: Loss
    v: Along
    quantities: Mapping[str, Expr]
    probabilities: ClasswiseDerivation | None
    facts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Derivation of {self.loss.name}: {', '.join(self.quantities)}>"

    @cached_property
    def pretty(self) -> Mapping[str, Expr]:
        return MappingProxyType({n: readable(e) for n, e in self.quantities.items()})


def derive_classwise(loss: Loss) -> ClasswiseDerivation:
    """Every quantity of the loss; each is confirmed by differences of the definition itself."""
    z, expression = loss.residual, loss.expression
    taken = {s.name for s in loss.variables}
    v = Along(next(n for n in ("v", "u", "w", "direction") if n not in taken), "real", z.axis)
    slope = gradient(expression, z)
    found = {"loss": expression, f"d_{z.name}": slope}
    if isinstance(loss.target, Along) and loss.target.sort != "index":
        found[f"d_{loss.target.name}"] = gradient(expression, loss.target)
    for p in loss.parameters:
        found[f"d_{p.name}"] = _in_parameter(expression, p)
    found["hessian_product"] = gradient(summed(v * slope), z)
    soft = with_probabilities(loss)
    inner = derive_classwise(soft) if soft is not None else None
    derivation = ClasswiseDerivation(loss, v, MappingProxyType(found), inner)
    _confirm(derivation)
    return replace(derivation, facts=tuple(_facts(derivation)))


def _in_parameter(e: Expr, p: Symbol) -> Expr:
    parts, flat = opened(e)
    found = plain_kinks(flat.diff(p)).subs(parts)
    for c, part in parts.items():
        if part.has(p):
            share = Share(part.args[0]) if isinstance(part, Largest) else sympy.S.One
            found += flat.diff(c).subs(parts) * summed(share * _in_parameter(part.args[0], p))
    return found


def points(loss: Loss, v: Along, count: int) -> Iterator[tuple[int, dict[Symbol, Any]]]:
    """Targets and plain values of every entry and parameter, inside their domains."""
    for place in range(2):
        values: dict[Symbol, Any] = {}
        number = 3 * place + 1
        for symbol in (*loss.variables, v):
            if not isinstance(symbol, Along):
                low = loss.domain(symbol).inf
                values[symbol] = (low if low.is_finite else 0) + mpmath.mpf(7 - 3 * place) / 10
                continue
            row = []
            for _ in range(count):
                number += 1
                row.append(mpmath.mpf(number * number * 37 % 101 + 7) / 53)
            if symbol.sort == "probability":
                row = [r / sum(row) for r in row]
            values |= {entry_letter(symbol, k): r for k, r in enumerate(row)}
        yield (count - 1) * place, values


def _confirm(derivation: ClasswiseDerivation) -> None:
    """Every derivative against differences of the definition, at high precision."""
    loss, v = derivation.loss, derivation.v
    with mpmath.workdps(_DIGITS):
        for count in COUNTS:
            for target, values in points(loss, v, count):
                raw = over(loss, count, target).loss
                for name, expression in derivation.quantities.items():
                    at = written_out(expression, count, target)
                    for k in range(count if varies(expression) else 1):
                        wanted = _difference(name, derivation, raw, values, count, k)
                        got = evaluate(at(k), values)
                        if abs(got - wanted) > _CLOSE * (1 + abs(wanted)):
                            raise Refuted(
                                f"{loss.name}: {name} as derived is {mpmath.nstr(got, 12)}, by "
                                f"differences {mpmath.nstr(wanted, 12)}, over {count} classes; "
                                "please report it"
                            )


def _difference(
    name: str,
    derivation: ClasswiseDerivation,
    raw: Expr,
    values: dict[Symbol, Any],
    count: int,
    k: int,
) -> Any:
    """The quantity from values of the definition alone."""
    loss, h = derivation.loss, _STEP
    z = entry_letter(loss.residual, k)

    def moved(by: Mapping[Symbol, Any]) -> Any:
        return evaluate(raw, {**values, **{s: values[s] + d for s, d in by.items()}})

    if name == "loss":
        return moved({})
    if name != "hessian_product":
        symbol = next(s for s in loss.variables if name == f"d_{s.name}")
        symbol = entry_letter(symbol, k) if isinstance(symbol, Along) else symbol
        return (moved({symbol: h}) - moved({symbol: -h})) / (2 * h)
    row = [entry_letter(loss.residual, i) for i in range(count)]
    along = [values[entry_letter(derivation.v, i)] for i in range(count)]

    def slope(sign: int) -> Any:
        by = {s: sign * h * d for s, d in zip(row, along, strict=True)}
        up, down = ({**by, z: by[z] + e} for e in (h, -h))
        return (moved(up) - moved(down)) / (2 * h)

    return (slope(1) - slope(-1)) / (2 * h)


def on_the_simplex(derivation: ClasswiseDerivation) -> list[str]:
    """What quantities are where the entries of each probability sum to 1, if that is simpler."""
    found = []
    for name, e in derivation.pretty.items():
        sums = {
            Total(v): 1
            for v in derivation.loss.variables
            if getattr(v, "sort", "") == "probability"
        }
        simpler = e.subs(sums)
        if name != "loss" and simpler != e:
            where = " and ".join(f"{formula(s)} = 1" for s in sums if e.has(s))
            found.append(f"{name} = {formula(readable(simpler))} where {where}")
    return found


def _facts(derivation: ClasswiseDerivation) -> Iterator[str]:
    """Shift invariance, and the sum of a probability's entries."""
    z = derivation.loss.residual
    if z.sort == "real" and _sums_to_zero(derivation):
        yield f"loss({z.name} + c) = loss({z.name}): the entries of d_{z.name} sum to 0"


def _sums_to_zero(derivation: ClasswiseDerivation) -> bool:
    loss = derivation.loss
    with mpmath.workdps(_DIGITS):
        for target, values in points(loss, derivation.v, 3):
            at = written_out(derivation.quantities[f"d_{loss.residual.name}"], 3, target)
            try:
                if abs(sum(evaluate(at(k), values) for k in range(3))) > _CLOSE:
                    return False
            except NotReal:
                return False
    return True
