"""The density's part of a module: functions of the parameters alone, and how to draw from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import mpmath
import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus import Derivation
from derive.calculus.evaluate import NotReal
from derive.calculus.partition.form import PartitionForm, load
from derive.calculus.quadrature import normalizer
from derive.definitions.loss import Loss
from derive.numerics.evaluate import evaluate
from derive.numerics.forms import StableForm
from derive.numerics.lower import CannotLower, condition, lower
from derive.numerics.nodes import Call, Local, Name, Node, call, node, where
from derive.numerics.rules import half_step
from derive.program.divergence import divergence
from derive.program.folding import DIGITS, folded
from derive.program.members import match, match_student
from derive.program.sampling import Sampling, member, sampling

# Next to 0 a second derivative may need a polynomial: over [0, NEAR], with this many terms.
NEAR, TERMS = 0.25, 13


@dataclass(frozen=True)
class Norm:
    """The density of vectors through their norm.

    way: "closed" (value is the formula, in DIMENSION and the parameters), "student", or "radial"
        (quadrature in the logarithm of the norm).
    requirement: the parameters for which it exists in two dimensions or more; rule: in words.
    """

    way: str
    value: Node | None
    requirement: Node | None
    rule: str


@dataclass(frozen=True)
class DensityForm:
    """What a file needs beside the loss.

    functions: log_partition and its first and second derivatives (those that are not 0).
    divergence: of Kullback and Leibler between two densities of this loss, where it is closed.
    table: the numbers behind the operation `log_z`, where log Z has no closed form.
    requirement: the parameters for which the density exists, None for all; rule: it in words.
    """

    functions: Mapping[str, Node] = field(default_factory=dict)
    table: PartitionForm | None = None
    requirement: Node | None = None
    rule: str = ""
    sampling: Sampling | None = None
    norm: Norm | None = None
    divergence: Node | None = None


def density_forms(derivation: Derivation, stable: StableForm) -> DensityForm:
    """The functions of the parameters, from the closed form or from the stored numbers."""
    loss, density, drawn = derivation.loss, derivation.density, sampling(derivation)
    if density.exists in (None, sympy.false):
        return DensityForm(sampling=drawn)
    requirement, rule = None, ""
    if density.exists != sympy.true:
        requirement = condition(density.exists)
        rule = f"{_told(density.exists)} for a density: the integral diverges"
    if density.log_partition is not None:
        try:
            found = _closed(density.log_partition, loss)
        except CannotLower:
            return DensityForm()
        rest = (requirement, rule, drawn, norm(derivation, drawn))
        return DensityForm(found, None, *rest, divergence(loss))
    rest = (requirement, rule, drawn, norm(derivation, drawn))
    family = match(loss)
    if family is None or not isinstance(family.exponent, Symbol):
        functions = _of_length(loss) if requirement is None else {}
        if functions:
            return DensityForm(functions, None, *rest)
        fixed = member(derivation)
        if fixed is None or not isinstance(fixed.exponent, Symbol):
            return DensityForm()
        return DensityForm(_stored(fixed.exponent.name, fixed.length), load(), *rest)
    letters = family.letters
    assert letters.a is not None
    functions = _stored(letters.a, Name(letters.c))
    return DensityForm(functions, load(), *rest)


def norm(derivation: Derivation, drawn: Sampling | None) -> Norm | None:
    """How the residual's norm is normalized, for a loss whose length is known; None where the
    integral over vectors never exists."""
    loss, density = derivation.loss, derivation.density
    if density.norm in (None, sympy.false) or drawn is None:
        return None
    requirement, rule = None, ""
    if density.norm != sympy.true:
        requirement = condition(density.norm)
        rule = f"{_told(density.norm)} for vectors: the integral diverges"
    if density.log_partition_norm is not None:
        formula = sympy.expand(density.log_partition_norm).replace(
            lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.gamma),
            lambda e: sympy.loggamma(e.args[0].args[0]),
        )
        return Norm("closed", lower(folded(formula)), requirement, rule)
    way = "student" if match_student(loss) is not None else "radial"
    return Norm(way, None, requirement, rule)


def _told(relation: Expr) -> str:
    if isinstance(relation, sympy.GreaterThan) and isinstance(relation.lhs, Symbol):
        return f"{relation.lhs} must be >= {relation.rhs}"
    if isinstance(relation, sympy.StrictGreaterThan):
        return f"{relation.lhs} must be > {relation.rhs}"
    return f"the parameters must satisfy {relation}"


def _of_length(loss: Loss) -> dict[str, Node]:
    """log Z = log c + a number, for a loss of x/c alone: the number by quadrature, twice."""
    if len(loss.parameters) != 1 or not loss.parameters[0].is_positive:
        return {}
    x, c = loss.residual, loss.parameters[0]
    if sympy.simplify(loss.expression.subs(x, x * c)).has(c):
        return {}
    try:
        with mp.workdps(DIGITS):
            found = mp.log(normalizer(loss.expression, x, {c: mp.mpf(1)}))
        with mp.workdps(DIGITS + 15):
            again = mp.log(normalizer(loss.expression, x, {c: mp.mpf(1)}))
    except (NotReal, NotImplementedError, mpmath.libmp.NoConvergence):
        return {}
    if not abs(found - again) < mp.mpf(10) ** -25:
        return {}
    name = Name(c.name)
    return {
        "log_partition": call("log", name) + float(found),
        f"d_log_partition_{c}": 1 / name,
        f"d2_log_partition_{c}": -1 / name / name,
    }


def _stored(alpha: str, c: Node) -> dict[str, Node]:
    """log Z = log(c) + log_z(alpha)."""

    def log_z(order: int) -> Node:
        return Call("log_z", (Name(alpha), node(order)))

    found = {
        "log_partition": call("log", c) + log_z(0),
        f"d_log_partition_{alpha}": log_z(1),
        f"d2_log_partition_{alpha}": log_z(2),
    }
    if isinstance(c, Name):
        found |= {
            f"d_log_partition_{c.name}": 1 / c,
            f"d2_log_partition_{c.name}": -1 / c / c,
        }
    return found


def _closed(log_partition: Expr, loss: Loss) -> dict[str, Node]:
    """log Z and its derivatives, constants folded at high precision."""
    stepped = half_step(log_partition)
    if stepped is not None:
        log_partition = sympy.expand_log(stepped, force=True)
    found = {"log_partition": log_partition}
    for p in loss.parameters:
        first = _slope(log_partition, p)
        if first != 0:
            found[f"d_log_partition_{p}"] = first
    nodes = {name: lower(folded(e)) for name, e in found.items()}
    for i, p in enumerate(loss.parameters):
        first = found.get(f"d_log_partition_{p}", sympy.S.Zero)
        for q in loss.parameters[i:]:
            second = _bend(first, log_partition, q)
            if second is not None:
                name = f"d2_log_partition_{p}" if p == q else f"d2_log_partition_{p}_{q}"
                nodes[name] = second
    return nodes


def _slope(log_partition: Expr, p: Symbol) -> Expr:
    """The derivative with the terms of dZ cancelled before they meet Z."""
    total = sympy.S.Zero
    for term in sympy.Add.make_args(log_partition):
        if isinstance(term, sympy.log):
            z = term.args[0]
            total += _over(sympy.expand(sympy.diff(z, p)), z)
        else:
            total += sympy.diff(term, p)
    return total


def _over(numerator: Expr, denominator: Expr) -> Expr:
    """One fraction, exponentials left where they are: e^(-x) must not become 1/e^x."""
    letters = {e: sympy.Dummy() for e in (numerator + denominator).atoms(sympy.exp)}
    back = {letter: e for e, letter in letters.items()}
    ratio = sympy.together(numerator.xreplace(letters) / denominator.xreplace(letters))
    return ratio.xreplace(back)


def _bend(first: Expr, log_partition: Expr, q: Symbol) -> Node | None:
    """The second derivative; None where it is 0.

    Of log Z with a sum Z: f'' = f' (N'/N - f') for f' = N/Z, which squares nothing.
    """
    second = sympy.factor_terms(sympy.diff(first, q))
    if second == 0:
        return None
    logs = [t.args[0] for t in sympy.Add.make_args(log_partition) if isinstance(t, sympy.log)]
    sums = [z for z in logs if isinstance(z, sympy.Add) and z.has(q)]
    if len(sums) != 1:
        return lower(folded(second))
    n = sympy.expand(sympy.diff(sums[0], q))
    slope = Local("slope", lower(folded(first)))
    direct = slope * (lower(folded(sympy.expand(sympy.diff(n, q) / n))) - slope)
    return _mended(direct, second, q)


def _mended(direct: Node, exact: Expr, q: Symbol) -> Node:
    """A polynomial next to q = 0, where the direct form loses digits on its way to a limit."""
    value = sympy.lambdify(q, exact, "mpmath")
    small = 1e-8
    with mp.workdps(DIGITS + 20):
        got = evaluate(direct, {q.name: np.array([small])})[0]
        if abs(got / float(value(mp.mpf(small))) - 1) < 1e-13:
            return direct
        polynomial = mp.chebyfit(value, [0, NEAR], TERMS)
    coefficients = [float(c) for c in reversed(polynomial)]
    name = Name(q.name)
    return where(call("lt", name, NEAR), call("horner", name, *coefficients), direct)
