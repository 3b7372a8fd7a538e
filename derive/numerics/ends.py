"""Forms for the ends of the range: leading terms beyond a bound, and the values at the ends."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import sympy
from sympy import Abs, Expr, S, Symbol, oo

from derive.calculus.limits import at_point
from derive.calculus.reading import readable
from derive.calculus.regimes import closed_ends
from derive.calculus.samples import generic_points
from derive.calculus.special_points import roots_in
from derive.definitions.labels import at_label, labels
from derive.definitions.loss import Let, Loss, let
from derive.errors import Undecided
from derive.numerics.candidates import Candidate
from derive.numerics.errors import LEAST, ErrorModel, ends, largest, size
from derive.numerics.helpers.helper import bounded
from derive.numerics.leading import SIZE, Leading, leading_terms
from derive.numerics.lower import CannotLower, condition, lower
from derive.numerics.nodes import Call, Local, Name, Node, absolute, call, node, walk, where
from derive.numerics.pieces import EDGES
from derive.numerics.products import HALVES, PAIRED, WHOLE, Ranges, ordered
from derive.numerics.rules import rewrite
from derive.numerics.units import Unit, degree

_RULE = "leading term"
_LONG = 150  # operations, beyond which a limit takes longer than anybody waits
_LONGEST_TEST = 40  # operations of a test that is read at every call
_NO_DIGITS = 2.0**16  # ULP; for the smallest x a rounding counts many
_NEAR = 2.0**-60  # |x|/length, below which a limit at 0 may stand for the value
_GONE = 2.0**11  # exp of less is 0 beside factors of any size
_LONGEST = 6  # a higher power is taken by squaring


@dataclass(frozen=True)
class EndPiece:
    """A leading term as a form, the test that what follows it is negligible, and a shorter form
    with the same limit."""

    end: Expr
    candidate: Candidate
    negligible: Node | None
    limit: Node | None = None


Leads = Callable[[ErrorModel], Sequence[EndPiece]]


def leading(model: ErrorModel, units: Sequence[Unit], ranges: Ranges) -> list[EndPiece]:
    """The leading terms of a quantity as forms, each in the units of the loss too."""
    found: dict[tuple[Expr, Node], EndPiece] = {}
    for lead in leading_terms(model.loss, model.wanted.expression):
        limit, within = _limit(model.loss, lead), _within(model.loss, lead, units)
        for term, negligible in _spellings(model.loss, lead, units):
            if not term.has(sympy.nan, sympy.zoo):
                with suppress(CannotLower):
                    test = _test(model.loss, negligible, units, lead.is_whole)
                    for form in _forms(model.loss, term, ranges):
                        candidate = Candidate(form, (_RULE,), within=within)
                        piece = EndPiece(lead.end, candidate, test, limit)
                        found.setdefault((lead.end, form), piece)
    return [*found.values(), *_vanished(model.wanted.expression, model.loss.residual)]


def _vanished(expression: Expr, x: Symbol) -> Iterator[EndPiece]:
    """0 where an exponential is below every number, whatever stands beside it; measured like any
    other form, whether it is a factor of all."""
    for decay in sorted(expression.atoms(sympy.exp), key=sympy.default_sort_key):
        if decay.has(x):
            with suppress(CannotLower):
                test = call("lt", _GONE, lower(-decay.args[0]))
                yield EndPiece(oo, Candidate(node(0), ("vanished",)), test)


def _within(loss: Loss, lead: Leading, units: Sequence[Unit]) -> Mapping[str, tuple[float, float]]:
    """Between which |x|/length what follows is negligible, where no parameter has a say in it."""
    found: dict[str, tuple[float, float]] = {}
    if not lead.is_whole:
        return found
    if lead.negligible is None:
        return dict.fromkeys(("", *(unit.parameter.name for unit in units)), (0.0, np.inf))
    z = Symbol("z", positive=True)
    for name, length in [("", S.One), *((u.parameter.name, u.length) for u in units)]:
        tests = [
            readable(sympy.powsimp(test.lhs.subs(loss.residual, z * length), force=True)) < test.rhs
            for test in sympy.And.make_args(lead.negligible)
        ]
        if all(test.free_symbols <= {z} for test in tests):
            held = [e for e in EDGES[:-1] if all(bool(test.subs(z, e)) for test in tests)]
            if held:
                found[name] = (0.0, max(held)) if lead.end == 0 else (min(held), np.inf)
    return found


def _limit(loss: Loss, lead: Leading) -> Node | None:
    """|x|^e c at an end, e depending on a parameter: c counts only where e is 0."""
    powers = [e for b, e in lead.right.as_powers_dict().items() if b == SIZE and e.free_symbols]
    if not powers or not lead.right.is_Mul:
        return None
    (e,) = powers
    (v,) = sorted(e.free_symbols, key=str)[:1]
    places = [r for r in sympy.solve(e, v) if loss.domain(v).contains(r) is sympy.true]
    if len(places) != 1:
        return None
    x = Name(loss.residual.name)
    rest = (lead.right / SIZE**e).subs(v, places[0])
    if lead.end == 0:
        c = sympy.powsimp(lead.right / SIZE**e)
        return _limit_at_zero(c, rest, lower(e)) if lead.is_even else None
    value: Node = call("pow", Local("size", absolute(x)), lower(e))
    if rest.has(SIZE):
        value = where(call("lt", lower(e), 0), 0, float("inf"))
        value = -value if _is_negative(loss, rest) else value
    elif not rest.has(sympy.nan, sympy.zoo):
        above, below = sympy.fraction(readable(rest))
        value = value * lower(abs(above)) / lower(below)
        value = -value if above.is_negative else value
    return value if lead.left == lead.right else call("sign", x) * value


def _limit_at_zero(c: Expr, settled: Expr, e: Node) -> Node | None:
    """0^e c: settled where e is 0; else of c only the sign counts, and whether it is 0."""
    if c.has(SIZE) or settled.has(sympy.nan, sympy.zoo):
        return None
    moving = [f for f in sympy.Mul.make_args(c) if not (f.is_positive or f.is_negative)]
    value: Node = call("pow", node(0), e)
    if sum(f.is_negative is True for f in sympy.Mul.make_args(c)) % 2:
        value = -value
    if moving:
        side = lower(sympy.Mul(*moving))
        value = where(call("eq", side, 0), 0, value * side)
    return where(call("eq", e, 0), lower(settled), value)


def _is_negative(loss: Loss, rest: Expr) -> bool:
    """Whether what stands beside a power is below 0 far out."""
    values = [rest.subs(at).subs(SIZE, 2**200) for at in generic_points(loss, 3)]
    return all(value.is_number and value.evalf().is_negative for value in values)


def _spellings(
    loss: Loss, lead: Leading, units: Sequence[Unit]
) -> Iterator[tuple[Expr, Expr | None]]:
    x = loss.residual
    for unit in units:
        e = degree(loss, lead.term(x, Abs(x)), unit)
        if e is None:
            continue
        y = let("y", x / unit.length)
        inner = replace(
            lead,
            right=lead.right.xreplace({unit.parameter: S.One}),
            left=lead.left.xreplace({unit.parameter: S.One}),
        )
        test = lead.negligible
        if test is not None:
            test = test.xreplace({unit.parameter: S.One}).xreplace({x: y})
        yield inner.term(y, Abs(y)) * unit.length**e, test
    yield lead.term(x, let("size", Abs(x))), lead.negligible


def _test(
    loss: Loss, negligible: Expr | None, units: Sequence[Unit], is_whole: bool
) -> Node | None:
    """None where pieces along x over a length do the same, and where nobody would read it."""
    if negligible is None or negligible.count_ops() > _LONGEST_TEST:
        return None
    written = negligible
    while names := written.atoms(Let):
        written = written.xreplace({name: name.definition for name in names})
    known = {loss.residual, *(unit.parameter for unit in units[:1])}
    if is_whole and written.free_symbols <= known:
        return None
    return condition(negligible)


def _forms(loss: Loss, term: Expr, ranges: Ranges) -> Iterator[Node]:
    yield _lowered(term)
    moving = any(not e.is_Rational for e in term.as_powers_dict().values())
    if moving:
        yield _whole_powers(term)
    for way in (WHOLE, HALVES) if moving else (WHOLE, PAIRED):
        form = ordered(loss, term, ranges, way)
        if form is not None:
            yield form


def _whole_powers(term: Expr) -> Node:
    """Every power of a variable exponent first and as one: it has its limit at the ends."""
    powers = term.as_powers_dict()
    ways = sorted(powers.items(), key=lambda item: item[1].is_number)
    total: Node | None = None
    for base, exponent in ways:
        if exponent.is_number:
            factor = _lowered(base**exponent)
        else:
            factor = call("pow", lower(base), lower(exponent))
        total = factor if total is None else total * factor
    assert total is not None
    return total


def _lowered(term: Expr) -> Node:
    """A monomial factor by factor, numerators and denominators in turn; else as it is."""
    coefficient, rest = term.as_coeff_Mul()
    powers = rest.as_powers_dict()
    whole = all(e.is_Integer and abs(e) <= _LONGEST for e in powers.values())
    if not (whole and rest.is_commutative and all(b.is_Symbol for b in powers)):
        return lower(term)
    above = [lower(b) for b, e in powers.items() for _ in range(max(int(e), 0))]
    below = [lower(b) for b, e in powers.items() for _ in range(max(-int(e), 0))]
    size = abs(coefficient)
    if not below and size < 1:  # the product of the others may be beyond the range
        above.insert(0, lower(size))
    elif not above or size != 1:
        above.append(lower(size))
    ratios = []
    for place, factor in enumerate(above):
        for divisor in below[place :: len(above)]:
            factor = factor / divisor
        ratios.append(factor)
    total = functools.reduce(operator.mul, ratios)
    return -total if coefficient.is_negative else total


def with_leading(
    candidates: Sequence[Candidate], pieces: Sequence[EndPiece]
) -> Iterator[Candidate]:
    """Each form, with leading terms where what follows is negligible: one end, then both."""
    for candidate in candidates:
        for both in ((oo,), (S.Zero,), (oo, S.Zero)):
            forms = [candidate]
            for end in both:
                forms = [
                    Candidate(
                        where(piece.negligible, piece.candidate.form, c.form),
                        (*c.rules, _RULE),
                        c.pieces + 1,
                    )
                    for c in forms
                    for piece in pieces
                    if piece.end == end and piece.negligible is not None
                ]
            yield from forms


def at_the_ends(model: ErrorModel, form: Node, leads: Leads, unit: Unit | None = None) -> Node:
    """The form, with its limits put in at x = 0 and x = ±inf where it has other values there; in
    units of a length also where x/length is beyond the range."""
    x = Name(model.loss.residual.name)
    if unit is not None and unit.weight > 0 and not _divides_by(form, lower(unit.length)):
        unit = None  # x itself is the measure
    y = x if unit is None else Local("y", unit.lengths(model.loss.residual))
    # for the smallest x, x/length is 0 and length/x is infinite
    near = call("lt", absolute(y), _NEAR)
    tests = {S.Zero: [call("eq", v, 0) for v in dict.fromkeys((x, y))]}
    if unit is not None or not model.loss.parameters:  # of two lengths neither is the measure
        tests[S.Zero].append(near)
    tests[oo] = [call("eq", absolute(y), float("inf"))]
    for bound in ends(model.loss):
        if math.isfinite(bound) and bound:
            tests[sympy.nsimplify(bound)] = [call("eq", x, bound)]
    for end, ways in tests.items():
        fewest = _misses(model, form, end)
        if not fewest:
            continue
        best = form
        for mended in _without_infinities(model, form) if end == oo else ():
            misses = _misses(model, mended, end)
            if misses < fewest and _misses_nowhere_else(model, form, mended):
                best, fewest = mended, misses
        for value, test in itertools.product(_values(model, end, leads) if fewest else (), ways):
            if test == near and value in (call("abs", 0), lower(oo), lower(-oo)):
                continue
            mended = where(test, value, form)
            misses = _misses(model, mended, end)
            if misses < fewest and (test != near or _misses_nowhere_else(model, form, mended)):
                best, fewest = mended, misses
            if not fewest:
                break
        form = best
    return form


def _divides_by(form: Node, length: Node) -> bool:
    return any(isinstance(n, Call) and n.op == "div" and n.args[1] == length for n in walk(form))


def _without_infinities(model: ErrorModel, form: Node) -> Iterator[Node]:
    """A sum that is its one infinite term, and the form with the prediction bounded: where both
    factors or both terms would be infinite, there is no value."""
    if not model.loss.predictions:  # whose ends depend on the side and on the target
        return
    if isinstance(form, Call) and form.op in ("add", "sub"):
        yield where(call("eq", form.args[0], float("inf")), float("inf"), form)
    yield _bounded(form, model.loss.residual.name)


def _bounded(form: Node, x: str) -> Node:
    match form:
        case Name():
            return bounded(form) if form.name == x else form
        case Call():
            return Call(form.op, tuple(_bounded(a, x) for a in form.args))
        case Local():
            return Local(form.name, _bounded(form.value, x))
    return form


def _misses_nowhere_else(model: ErrorModel, form: Node, other: Node) -> bool:
    for before, after in zip(model.errors(form), model.errors(other), strict=True):
        if np.any((after > model.goal) & ~(before > model.goal)):
            return False
    return True


def at_the_labels(model: ErrorModel, form: Node, written: Callable[[Expr], Iterable[Node]]) -> Node:
    """The form, with what the definition gives where the target is at an end of its domain, where
    the form has another value there. written: the forms of an expression."""
    y = model.loss.target
    if y is None or isinstance(model.loss.domain(y), sympy.FiniteSet):
        return form
    for label in labels(model.loss):
        found = [(_misses_at(model, form, label), 0, 0, form)]
        if not found[0][0]:
            continue
        test = call("eq", Name(y.name), lower(label))
        for place, value in enumerate(_settled(model, y, label, written)):
            mended = where(test, value, form)
            found.append((_misses_at(model, mended, label), size(value), place + 1, mended))
        form = min(found, key=lambda row: row[:3])[3]
    return form


def _settled(
    model: ErrorModel, y: Symbol, label: Expr, written: Callable[[Expr], Iterable[Node]]
) -> Iterator[Node]:
    yield from (call("abs", 0), lower(oo), lower(-oo))
    if model.wanted.moves(y):
        return
    settled = at_label(model.wanted.expression, y, label)
    ways = (settled, readable(settled), sympy.factor_terms(settled))
    for expression in dict.fromkeys(e for way in ways for e in (way, rewrite(way)[0])):
        if not expression.has(sympy.nan, sympy.zoo):
            yield from written(expression)


def _misses_at(model: ErrorModel, form: Node, label: Expr) -> int:
    total, y = 0, model.loss.target
    assert y is not None
    for reference in model.references:
        here = reference.sample.columns[y.name] == float(label)
        error = reference.errors_of(form, model.goal)
        total += int(np.count_nonzero(error[here & ~reference.special] > model.goal))
    return total


def _misses(model: ErrorModel, form: Node, end: Expr) -> int:
    """At how many points at an end the form has another value."""
    total = 0
    for reference in model.references:
        columns = reference.sample.columns[model.loss.residual.name]
        far = np.abs(columns) >= largest(reference.sample.dtype)
        here = (
            (far if model.loss.predictions else np.isinf(columns))
            if end == oo
            else (columns == float(end))
        )
        least = (end == 0) & (reference.sample.name == "ends") & (np.abs(columns) == LEAST)
        if np.any(here):
            error = reference.errors_of(form, model.goal)
            here |= least & (error > _NO_DIGITS)
            inside = here & ~reference.special & ~reference.settled
            total += int(np.count_nonzero(error[inside] > model.goal))
    return total


def _values(model: ErrorModel, end: Expr, leads: Leads) -> Iterator[Node]:
    """What may stand at an end, the plainest first: numbers, the limit, the leading term."""
    yield from (call("abs", 0), lower(oo), lower(-oo))
    pieces = leads(model)
    yield from dict.fromkeys(p.limit for p in pieces if p.end == end and p.limit is not None)
    yield from (p.candidate.form for p in pieces if p.end == end)
    yield from _by_parameter(model.loss)
    weighs = end == 0 and model.quantity == "weight"
    if weighs and model.derivation.weight_at_zero != sympy.zoo:
        found = [model.derivation.weight_at_zero]
    else:
        found = _limits(model, end)
    if weighs and len(found) == 2:  # as a slope at a kink: the middle
        found = [readable((found[0] + found[1]) / 2)]
    x = model.loss.residual
    if weighs:
        yield from _without_slope(model, found)
    if len(found) == 2:
        right, left = found
        both = sympy.Piecewise((left, x < 0), (right, True))
        found = [right, sympy.sign(x) * right, both]
    for expression in found:
        if expression.has(sympy.nan, sympy.zoo):
            continue
        with suppress(CannotLower):
            yield lower(rewrite(readable(expression))[0])


def _without_slope(model: ErrorModel, found: Sequence[Expr]) -> Iterator[Node]:
    """Where the slope at 0 has the sign of g the weight is infinite, of the sign of g/x; where g is
    0 at one value of a parameter, it has its limit."""
    loss, raw, x = model.loss, model.wanted.expression, model.loss.residual
    for g in sorted({s.args[0] for e in found for s in e.atoms(sympy.sign)}, key=str):
        for p in g.free_symbols & set(loss.parameters) if len(g.free_symbols) == 1 else ():
            for root in roots_in(g, p, loss.domain(p)):
                limits = at_point(loss, model.quantity, raw.subs(p, root), x, S.Zero)
                if len(limits) == 1 and limits[0].value.is_finite is not False:
                    at_root = call("eq", Name(p.name), lower(root))
                    yield where(at_root, lower(limits[0].value), lower(g) / Name(x.name))


def _by_parameter(loss: Loss) -> Iterator[Node]:
    """0 below a special value of a parameter, or where its sign is not that of x; infinite
    elsewhere."""
    for p in loss.parameters:
        if p.is_extended_nonnegative is None and p.is_extended_nonpositive is None:
            apart = call("lt", Name(p.name) * Name(loss.residual.name), 0)
            for value in (oo, -oo):
                yield where(apart, 0, lower(value))
    for p, points in loss.special.items():
        for point in points:
            if point.is_finite:
                for value in (oo, -oo):
                    yield where(call("lt", Name(p.name), lower(point)), 0, lower(value))


def _limits(model: ErrorModel, end: Expr) -> list[Expr]:
    """The limits from every side, by cases where they are others at an end of a parameter's
    domain."""
    loss, raw = model.loss, model.wanted.expression
    found = _limits_of(model, raw, end)
    for p, at in () if loss.predictions else closed_ends(loss):
        there = _limits_of(model, raw.subs(p, at), end)
        if len(there) == 1:
            there *= len(found)
        if len(there) == len(found) and there != [e.subs(p, at) for e in found]:
            pairs = zip(there, found, strict=True)
            found = [sympy.Piecewise((one, sympy.Eq(p, at)), (e, True)) for one, e in pairs]
    return found


def _limits_of(model: ErrorModel, raw: Expr, end: Expr) -> list[Expr]:
    loss, found = model.loss, []
    if raw.count_ops() > _LONG or raw.has(sympy.nan, sympy.zoo):
        return []
    for point in (oo, -oo) if end == oo else (end,):
        try:
            found += [v.value for v in at_point(loss, model.quantity, raw, loss.residual, point)]
        except (Undecided, ValueError):
            return found
    return found
