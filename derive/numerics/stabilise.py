"""From a derivation to a stable form: candidates are written by rules, and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, Piecewise, Symbol, oo

from derive.calculus.derivation import Derivation
from derive.calculus.derivatives import over_residual, partial, without_squared_signs
from derive.calculus.evaluate import evaluate
from derive.calculus.reading import readable
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.errors import Refuted
from derive.numerics import family, measure, student
from derive.numerics.fit import length_of, near_zero
from derive.numerics.forms import Reach, Regime, StableForm
from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Local, Name, Node, absolute, call, patch, where
from derive.numerics.powerlaw import quantities as power_law_quantities
from derive.numerics.rules import centred, rewrite, split_by_sign

# What a form has to reach on the everyday points before anything costlier is tried, in ULP
# beyond kappa.
TARGET = 4.0
POINTS = 160
MANY_POINTS = 320
_REACHES = (Fraction(1, 2), Fraction(1), Fraction(2), Fraction(4))

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Candidate:
    form: Node
    rules: tuple[str, ...]


def stabilise(derivation: Derivation, progress: Progress | None = None) -> StableForm:
    """Derivation -> StableForm.

    Raises BadInput where the vocabulary lacks a word, Refuted where a rewritten form would not
    equal the definition.
    """
    found = family.match(derivation.loss)
    if found is not None:
        return _power_law(derivation, found)
    letters = student.match(derivation.loss)
    if letters is not None:
        return _student(derivation, letters)
    return _general(derivation, progress)


def _power_law(derivation: Derivation, found: family.Match) -> StableForm:
    loss, letters = derivation.loss, found.letters
    regimes = []
    if letters.a is not None:
        for name, meaning, exponent, condition in family.conditions(letters.a):
            factors = family.factors(exponent)
            regimes.append(
                Regime(
                    name,
                    meaning,
                    condition,
                    _ordered(derivation, power_law_quantities(factors, letters)),
                )
            )
        general = family.general(letters.a)
        last = Regime(
            "general",
            "otherwise",
            None,
            _ordered(derivation, power_law_quantities(general, letters)),
        )
    else:
        fixed = power_law_quantities(family.factors(found.exponent), letters)
        last = Regime("general", "", None, _ordered(derivation, fixed))
    form = StableForm(
        loss, (*regimes, last), (), _diverging(derivation),
        "recognized as Barron's kernel; each quantity agrees with the raw derivative to 12 digits "
        "in exact rules and is measured against the definition",
    )  # fmt: skip
    return _with_reach(derivation, form, ("power-law kernel",))


def _student(derivation: Derivation, letters: student.Letters) -> StableForm:
    n = Name(letters.n)
    quadratic = _ordered(derivation, student.quadratic(letters))
    general = _ordered(derivation, student.quantities(letters))
    form = StableForm(
        derivation.loss,
        (
            Regime("quadratic", f"{n.name} = inf", call("eq", n, np.inf), quadratic),
            Regime("general", "otherwise", None, general),
        ),
        (),
        _diverging(derivation),
        "recognized as Student's kernel, and measured against the definition",
    )
    return _with_reach(derivation, form, ("Student's kernel",))


def _ordered(derivation: Derivation, forms: Mapping[str, Node]) -> dict[str, Node]:
    return {name: forms[name] for name in derivation.quantities}


def _diverging(derivation: Derivation) -> dict[str, tuple[float, ...]]:
    found: dict[str, set[float]] = {}
    for limit in derivation.limits:
        name = limit.variable.name
        if limit.quantity == f"d_{name}" and limit.value in (oo, -oo) and limit.point.is_finite:
            found.setdefault(name, set()).add(float(limit.point))
    return {name: tuple(sorted(points)) for name, points in sorted(found.items())}


def _special(derivation: Derivation) -> dict[Symbol, tuple[Expr, ...]]:
    points: dict[Symbol, list[Expr]] = {}
    for limit in derivation.limits:
        points.setdefault(limit.variable, []).append(limit.point)
    return {v: tuple(dict.fromkeys(p)) for v, p in points.items()}


def _with_reach(derivation: Derivation, form: StableForm, rules: tuple[str, ...]) -> StableForm:
    sample = measure.everyday_points(derivation.loss, POINTS, _special(derivation))
    reach = []
    for name in form.names:
        stick = _yardstick(derivation, name, sample)
        reach.append(_reach(derivation, name, stick, form.regimes[-1].quantities[name], rules))
    _refuse_wrong(derivation, reach)
    return StableForm(form.loss, form.regimes, tuple(reach), form.diverging, form.proof)


def _refuse_wrong(derivation: Derivation, reach: Sequence[Reach]) -> None:
    for row in reach:
        if row.rules and not row.worst < 1e10 and row.worst > 1e3 * max(row.direct, 1.0):
            raise Refuted(
                f"{derivation.loss.name}: the stable form of {row.quantity} does not equal the "
                f"definition at {dict(row.at)}; this is a mistake in a rule, please report it"
            )


def _floor(
    derivation: Derivation, name: str, sample: measure.Sample, exact: Sequence[Any]
) -> list[Any] | None:
    """For second derivatives, what their terms amount to: f_u/v and f_v/u. For the slope in a
    positive shape parameter p: x f_x/p."""
    loss = derivation.loss
    floors: list[Any] = [None if value is None else abs(value) for value in exact]
    shape = next((p for p in loss.special if p.is_extended_positive and name == f"d_{p}"), None)
    if shape is not None:
        slopes = measure.reference(loss, derivation.quantities["d_x"] / shape, sample)
        for i, slope in enumerate(slopes):
            if slope is not None and floors[i] is not None:
                floors[i] = max(floors[i], abs(slope * sample.columns[loss.residual.name][i]))
        return floors
    if not name.startswith("d2_"):
        return None
    u, v = _variables(loss, name)
    for first, second in {(u, v), (v, u)}:
        if not (second.is_positive or second == loss.residual):
            continue
        slopes = measure.reference(loss, derivation.quantities[f"d_{first.name}"], sample)
        column = sample.columns[second.name]
        for i, slope in enumerate(slopes):
            if slope is not None and floors[i] is not None and column[i] != 0:
                floors[i] = max(floors[i], abs(slope / mp.mpf(float(column[i]))))
    return floors


def _variables(loss: Loss, name: str) -> tuple[Symbol, Symbol]:
    for v, w in combinations_with_replacement(loss.variables, 2):
        if name in (f"d2_{v.name}_{w.name}", f"d2_{v.name}" if v == w else ""):
            return v, w
    raise KeyError(name)


@dataclass(frozen=True)
class _Yardstick:
    """What a quantity's forms are measured against: points, exact values, kappa and floors."""

    sample: measure.Sample
    exact: Sequence[Any]
    kappa: np.ndarray
    floor: Sequence[Any] | None
    direct: float

    def errors(self, got: np.ndarray) -> np.ndarray:
        excess = measure.ulps(got, self.exact, self.floor) - self.kappa
        return np.asarray(np.maximum(excess, 0.0))


def _yardstick(derivation: Derivation, name: str, sample: measure.Sample) -> _Yardstick:
    raw = derivation.quantities[name]
    exact = measure.reference(derivation.loss, raw, sample)
    kappa = measure.conditioning(derivation.loss, raw, sample, exact)
    floor = _floor(derivation, name, sample, exact)
    stick = _Yardstick(sample, exact, kappa, floor, 0.0)
    direct = float(np.max(stick.errors(_direct(derivation, name, sample))))
    return replace(stick, direct=direct)


def _reach(
    derivation: Derivation, name: str, stick: _Yardstick, form: Node, rules: tuple[str, ...]
) -> Reach:
    errors = stick.errors(measure.evaluate_nodes(form, stick.sample))
    worst = int(np.argmax(errors))
    columns = stick.sample.columns
    at = {v.name: float(columns[v.name][worst]) for v in derivation.loss.variables}
    count = sum(value is not None for value in stick.exact)
    return Reach(name, float(errors[worst]), stick.direct, count, at, rules)


def _direct(derivation: Derivation, name: str, sample: measure.Sample) -> np.ndarray:
    try:
        return measure.evaluate_nodes(lower(derivation.quantities[name]), sample)
    except CannotLower:
        return np.full(len(sample), np.nan)


def _general(derivation: Derivation, progress: Progress | None) -> StableForm:
    loss = derivation.loss
    sample = measure.everyday_points(loss, MANY_POINTS, _special(derivation))
    chosen: dict[str, Node] = {}
    reach: list[Reach] = []
    base, base_rules = rewrite(loss.expression)
    names = tuple(derivation.quantities)
    for done, name in enumerate(names):
        if progress is not None:
            progress(f"{loss.name}: {name}", done, len(names))
        slope = chosen.get(f"d_{loss.residual.name}") if name == "weight" else None
        stick = _yardstick(derivation, name, sample)
        form, row = _best(derivation, name, base, base_rules, stick, slope)
        chosen[name] = _at_infinity(derivation, name, _at_zero(derivation, name, form))
        reach.append(row)
    _refuse_wrong(derivation, reach)
    regimes = (*_removable(derivation, chosen), Regime("general", "otherwise", None, chosen))
    return StableForm(
        loss, regimes, tuple(reach), _diverging(derivation),
        "each rule is an identity; each form agrees with the raw definition at the points that "
        "chose it",
    )  # fmt: skip


def _candidates(
    derivation: Derivation, name: str, base: Expr, base_rules: tuple[str, ...]
) -> list[_Candidate]:
    """From the plainest to the most rewritten; every one is equal to the definition."""
    raw = derivation.quantities[name]
    expressions: list[tuple[Expr, tuple[str, ...]]] = [(_factored(raw), ()), (raw, ())]
    if not raw.has(Piecewise):
        derived = _from_base(derivation.loss, name, base)
        for candidate in (readable(derived), derived, readable(raw)):
            again, used = rewrite(candidate)
            expressions.append((again, tuple(dict.fromkeys((*base_rules, *used)))))
            shorter = readable(again)
            if shorter != again:
                expressions.append((shorter, expressions[-1][1]))
    expressions.append(rewrite(readable(raw)))
    for expression, used in tuple(expressions):
        for rule, change in (("split by sign", split_by_sign), ("centred sigmoid", centred)):
            changed = change(expression, derivation.loss.residual)
            if changed is not None:
                expressions.append((changed, (*used, rule)))
    found: dict[Expr, tuple[str, ...]] = {}
    for expression, used in expressions:
        if not expression.has(sympy.nan, sympy.zoo):
            found.setdefault(expression, used)
    forms = []
    for expression, used in found.items():
        try:
            forms.append(_Candidate(lower(expression), used))
        except CannotLower as trouble:
            last = trouble
    if not forms:
        from derive.errors import BadInput

        raise BadInput(f"{derivation.loss.name}: {name}: {last}; leave that function out")
    return forms


def _factored(expression: Expr) -> Expr:
    """Common factors taken out, in every branch: sums of large products may be inf - inf."""
    if isinstance(expression, Piecewise):
        return Piecewise(*((sympy.factor_terms(e), c) for e, c in expression.args))
    return sympy.factor_terms(expression)


def _from_base(loss: Loss, name: str, base: Expr) -> Expr:
    if name == "loss":
        return base
    if name == "weight":
        return over_residual(partial(base, loss.residual), loss.residual)
    if name.startswith("d_"):
        return partial(base, next(v for v in loss.variables if name == f"d_{v.name}"))
    v, w = _variables(loss, name)
    return without_squared_signs(partial(partial(base, v), w))


def _best(
    derivation: Derivation,
    name: str,
    base: Expr,
    base_rules: tuple[str, ...],
    stick: _Yardstick,
    slope: Node | None,
) -> tuple[Node, Reach]:
    candidates = _candidates(derivation, name, base, base_rules)
    if slope is not None:
        candidates.append(_Candidate(slope / Name(derivation.loss.residual.name), ("d_x over x",)))
    rows: list[tuple[Node, Reach, int]] = []
    raw = derivation.quantities[name]
    wide = measure.wide_points(derivation.loss)
    for candidate in candidates:
        row = _reach(derivation, name, stick, candidate.form, candidate.rules)
        failures = measure.failures(derivation.loss, raw, candidate.form, wide)
        rows.append((candidate.form, row, failures))
        if row.worst <= TARGET and not failures:
            return candidate.form, row
    good = [r for r in rows if r[1].worst <= TARGET]
    if good:
        form, row, _ = min(good, key=lambda r: r[2])
        return form, row
    form, row, _ = min(rows, key=lambda r: r[1].worst)
    patched = _near_zero(derivation, name, form, row, stick)
    return patched or (form, row)


def _near_zero(
    derivation: Derivation,
    name: str,
    form: Node,
    row: Reach,
    stick: _Yardstick,
) -> tuple[Node, Reach] | None:
    """The form with a polynomial around x = 0, at the radius that leaves the least error."""
    loss = derivation.loss
    if length_of(loss) is None or derivation.quantities[name].has(Piecewise):
        return None
    orders = {"loss": 0, "weight": 2}.get(name, 2 if name.startswith("d2_") else 1)
    x = Name(loss.residual.name)
    z: Node = x if not loss.parameters else Local("z", x / Name(loss.parameters[0].name))
    best: tuple[Node, Reach] | None = None
    for reach in _REACHES:
        near = near_zero(loss, derivation.quantities[name], orders, reach)
        if near is None:
            break
        both = where(absolute(z) < reach, near, form)
        rules = (*row.rules, "polynomial at x = 0")
        found = _reach(derivation, name, stick, both, rules)
        if found.worst < min(row.worst, best[1].worst if best else np.inf):
            best = (both, found)
        if found.worst <= TARGET:
            break
    return best


def _at_infinity(derivation: Derivation, name: str, form: Node) -> Node:
    """Where the form is no number at x = ±inf, its limit there."""
    loss = derivation.loss
    sample = measure.infinite_points(loss)
    got = measure.evaluate_nodes(form, sample)
    limits = [_limit_at(loss, derivation.quantities[name], sample, i) for i in range(len(sample))]
    wrong = [
        bool(np.isnan(g))
        if limit is None
        else not (g == limit or abs(g - limit) <= 1e-9 * abs(limit))
        for g, limit in zip(got, limits, strict=True)
    ]
    if not any(wrong):
        return form
    x = Name(loss.residual.name)
    endless = call("eq", absolute(x), float("inf"))
    if all(limit == 0 for limit in limits):
        return patch(endless, 0, form)
    return patch(endless, call("far_limit", Name(name)), form)


def _at_zero(derivation: Derivation, name: str, form: Node) -> Node:
    """Where the form is no number at x = 0, its continuation."""
    loss = derivation.loss
    inner = measure.infinite_points(loss)
    columns = {**inner.columns, loss.residual.name: np.zeros(len(inner))}
    got = measure.evaluate_nodes(form, measure.Sample(columns))
    if not np.any(np.isnan(got)):
        return form
    value = derivation.weight_at_zero if name == "weight" else sympy.S.Zero
    if value.has(sympy.nan, sympy.zoo):
        return form
    return patch(call("eq", Name(loss.residual.name), 0), lower(value), form)


def _limit_at(loss: Loss, expression: Expr, sample: measure.Sample, index: int) -> float | None:
    """The limit at x = ±inf by the values at two far points, or None where they do not tell."""
    at = sample.point(loss, index)
    direction = mp.sign(at[loss.residual])
    values = []
    with mp.workdps(60):
        for power in (40, 80, 160):
            try:
                values.append(
                    evaluate(expression, {**at, loss.residual: direction * mp.mpf(10) ** power})
                )
            except (ArithmeticError, ValueError, NotImplementedError):
                return None
    first, second, third = (abs(v) for v in values)
    if third == 0 or (third < second * mp.mpf(10) ** -10 and second < first * mp.mpf(10) ** -10):
        return 0.0
    if third > second * mp.mpf("1.5") and second > first * mp.mpf("1.5"):
        return float(mp.sign(values[2])) * float("inf")
    if abs(third - second) < third * mp.mpf(10) ** -30:
        return float(values[2])
    return None


def _removable(derivation: Derivation, chosen: Mapping[str, Node]) -> list[Regime]:
    """Parameter values at which a form is no number although the limit exists."""
    loss = derivation.loss
    regimes: list[Regime] = []
    for variable, points in _special(derivation).items():
        for point in points:
            wanted = _limits(derivation, variable, point)
            if "loss" not in wanted:
                continue
            if all(_is_number(loss, variable, point, form) for form in chosen.values()):
                continue
            condition = call(
                "eq", Name(variable.name), float(point) if not point.is_finite else lower(point)
            )
            forms = {
                name: lower(rewrite(readable(wanted[name]))[0]) if name in wanted else form
                for name, form in chosen.items()
            }
            regimes.append(
                Regime(
                    f"{variable.name}_{len(regimes)}",
                    f"{variable.name} = {point}",
                    condition,
                    forms,
                )
            )
    return regimes


def _limits(derivation: Derivation, variable: Symbol, point: Expr) -> dict[str, Expr]:
    return {
        limit.quantity: limit.value
        for limit in derivation.limits
        if limit.variable == variable and limit.point == point and limit.value is not sympy.nan
    }


def _is_number(loss: Loss, variable: Symbol, point: Expr, form: Node) -> bool:
    at = generic_points(loss, 3, skip=1)
    columns = {
        v.name: np.array([float(p[v]) if v != variable else float(point) for p in at])
        for v in loss.variables
    }
    return bool(np.all(np.isfinite(measure.evaluate_nodes(form, measure.Sample(columns)))))
