"""From a derivation to a stable form: candidates are written by rules, and measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sympy
from flint import ctx
from sympy import Expr, Symbol, nan, oo

from derive.calculus.derivation import Derivation
from derive.calculus.reading import operations, readable
from derive.definitions.loss import Let
from derive.definitions.samples import Sample
from derive.errors import BadInput, Refuted
from derive.numerics.angles import angled
from derive.numerics.bounds import held_off
from derive.numerics.candidates import Candidate, expressions, from_base, readings, squared_out
from derive.numerics.carried import carried
from derive.numerics.clips import clipped
from derive.numerics.common_powers import by_common_powers
from derive.numerics.distances import by_distance
from derive.numerics.ends import EndPiece, at_the_ends, at_the_labels, leading, with_leading
from derive.numerics.errors import (
    MARGIN,
    PROMISED,
    WORTH,
    ErrorModel,
    Score,
    at_limit,
    is_limit,
    samples,
    size,
)
from derive.numerics.forms import MeasuredError, Regime, StableForm
from derive.numerics.hard import COMMON, Trial, beside_zeros, many
from derive.numerics.lower import CannotLower, lower, reordered
from derive.numerics.measure import target
from derive.numerics.nesting import by_rest, nested, of_labels
from derive.numerics.nodes import Name, Node, call, where
from derive.numerics.pieces import Measured, piecewise
from derive.numerics.products import ROOTED, WAYS, Ranges, ordered
from derive.numerics.quotients import by_quotient
from derive.numerics.ratios import choices, with_powers
from derive.numerics.rules import rewrite
from derive.numerics.sizes import in_sizes
from derive.numerics.splits import centred
from derive.numerics.units import Unit, degree, in_units, units

# How many forms get leading terms of their own.
_BEST = 4
_BITS = 53  # of balls that are known
_ROUNDS = 4  # in which harder points are sought
# Points of a trial, weighed: so few a longer form is not worth, so many it is.
_SELDOM, _OFTEN = COMMON // 2, 6 * COMMON
_WORSE = 1.5  # times as many as before: harder points lead nowhere
_CARRIED = 8  # forms whose roundings are carried along
_FAR_OFF = 1e10  # ULP
_EVERYDAY = 10_000  # how often a point counts where an everyday value is infinite
_CORNER = 2  # points over the range of float32, missed for the sake of a shorter file
_WORDY = 20  # size of a form, beyond which two pieces may be shorter
_LONG = 200  # operations, beyond which a formula is not written in units
_FACTORED = 120  # operations, beyond which factoring takes longer than anybody waits
# An infinite value of a parameter holds from here on.
_ENDLESS = 2.0**1000
Progress = Callable[[str, int, int], None]


def stabilise(derivation: Derivation, progress: Progress | None = None) -> StableForm:
    """Derivation -> StableForm.

    Raises BadInput where the vocabulary lacks a word, Refuted where a rewritten form would not
    equal the definition.
    """
    with ctx.workprec(_BITS):  # whatever ran before: of equal forms the same one is chosen
        return _stabilise(derivation, progress)


def _stabilise(derivation: Derivation, progress: Progress | None) -> StableForm:
    loss = derivation.loss
    chosen: dict[str, Node] = {}
    errors: list[MeasuredError] = []
    models: dict[str, ErrorModel] = {}
    names = tuple(derivation.quantities)
    ranges = _ranges(derivation)
    search = _Search(derivation, ranges)
    points = samples(loss, apart=not search.units)
    for done, name in enumerate(names):
        if progress is not None:
            progress(f"{loss.name}: {name}", done, len(names))
        models[name] = ErrorModel(target(derivation, name), points)
        chosen[name], row, models[name] = search.proven(models[name], chosen)
        errors.append(row)
    chosen = {name: held_off(models[name], form) for name, form in chosen.items()}
    regimes = (
        *special_regimes(derivation, models, chosen, ranges),
        Regime("general", "otherwise", None, chosen),
    )
    return StableForm(
        loss, regimes, tuple(errors), _diverging(derivation),
        "each rule is an identity; each form agrees with the raw definition at the points that "
        "chose it",
    )  # fmt: skip


def form_of(derivation: Derivation, name: str) -> Node:
    """The stable form of one quantity alone, away from special points of parameters."""
    model = ErrorModel(target(derivation, name), samples(derivation.loss))
    return _Search(derivation).best(model, {})[0]


def _ranges(derivation: Derivation) -> Ranges:
    """Points over the whole range, and beside the edges of every quantity."""
    return Ranges.of(derivation.loss, list(derivation.quantities.values()))


def _diverging(derivation: Derivation) -> dict[str, tuple[float, ...]]:
    found: dict[str, set[float]] = {}
    for limit in derivation.limits:
        name = limit.variable.name
        if limit.quantity == f"d_{name}" and limit.value in (oo, -oo) and limit.point.is_finite:
            found.setdefault(name, set()).add(float(limit.point))
    return {name: tuple(sorted(points)) for name, points in sorted(found.items())}


def _lost_at(model: ErrorModel, form: Node) -> int:
    """At how many usual points a form is infinite or NaN where the value is not, or misses what it
    is at an end; what is infinite at an everyday point counts before all else."""
    pairs = zip(model.errors(form)[:4], model.general[:4], strict=True)
    lost = [int(np.count_nonzero(np.isinf(e[g]))) for e, g in pairs]
    return sum(lost) + _EVERYDAY * (lost[0] + lost[2]) + sum(model.score(form).missed[4:])


def _refuse_wrong(model: ErrorModel, form: Node, raw: Node | None) -> None:
    """A form that is far off nearly everywhere, where the raw formula is not, is a wrong one."""
    if raw is None:
        return
    far = [float(np.mean(model.errors(f)[0] > _FAR_OFF)) for f in (form, raw)]
    if far[0] > 0.5 > far[1]:
        loss = model.loss.name
        raise Refuted(
            f"{loss}: the stable form of {model.quantity} does not equal the definition; this is "
            "a mistake in a rule, please report it"
        )


class _Found(NamedTuple):
    """A form, at how many points of its trial it misses the promise, those at which it is lost
    counted too, and what it was measured on."""

    usually: int
    missed: int
    form: Node
    row: MeasuredError
    model: ErrorModel

    def rank(self) -> tuple[int, int]:
        """The smaller the better: half as many are worth a longer form."""
        return round(math.log2(1 + self.usually)), size(self.form)


class _Search:
    """The forms of one loss: its rewritten definition and its units are found once."""

    def __init__(self, derivation: Derivation, ranges: Ranges | None = None) -> None:
        self.derivation = derivation
        self.base, self.base_rules = rewrite(derivation.loss.expression)
        self.powers = with_powers(derivation.loss.expression)
        self.units: tuple[Unit, ...] = units(derivation.loss)
        self.leads: dict[str, list[EndPiece]] = {}
        self.found: dict[tuple[str, str], list[Candidate]] = {}
        self.zeros: dict[str, tuple[Sample, ...]] = {}
        self.ranges = ranges or _ranges(derivation)

    def proven(
        self, model: ErrorModel, chosen: Mapping[str, Node]
    ) -> tuple[Node, MeasuredError, ErrorModel]:
        """The best form, on harder points too where it misses those; and what it was measured
        on."""
        found: list[_Found] = []
        usual, last = model, math.inf
        for _ in range(_ROUNDS):
            form, row = self.best(model, chosen)
            trial = self._trial(model, form)
            # what is infinite is no trial: there the usual points have a say, too
            usually = trial.missed + COMMON * _lost_at(usual, form)
            found.append(_Found(usually, trial.missed, form, row, model))
            again = form in [before.form for before in found[:-1]]
            if trial.missed <= _SELDOM or trial.missed > _WORSE * last or again:
                break
            last = trial.missed
            if len(found) == 1:  # what is lost beside zeros alone, no other form keeps
                found += self._carried(found[0])
                if found[-1].missed <= _SELDOM:
                    break
            model = model.beside(trial.hard)
        if min(one.missed for one in found) > _OFTEN:
            found += self._others(usual, found[0].row.direct)
        best = min(found, key=_Found.rank)
        if best not in found[:2]:
            best = next(iter(self._carried(best)), best)
        return best.form, best.row, best.model

    def _trial(self, model: ErrorModel, form: Node) -> Trial:
        if model.quantity not in self.zeros:
            self.zeros[model.quantity] = beside_zeros(form, self._many)
        return Trial.of(model, form, self._many, self.zeros[model.quantity])

    def _others(self, model: ErrorModel, direct: float) -> Iterator[_Found]:
        """Forms that miss a little where another one was chosen that misses nothing there, and much
        elsewhere."""
        rows = self._rows(model, self._ways(model, self._plain))
        for row in sorted(rows, key=lambda r: r.score.rank)[:_BEST]:
            form = self._finished(model, row.measured.candidate.form)
            missed = self._trial(model, form).missed
            lost = _lost_at(model, form) + sum(model.score(form).missed[:4])
            error = _error(model, form, row.measured.candidate.rules, direct)
            yield _Found(missed + COMMON * lost, missed, form, error, model)

    def _finished(self, model: ErrorModel, form: Node) -> Node:
        """Right at its ends and labels."""
        units = () if model.loss.predictions else self.units
        form = at_the_ends(model, form, self._leading, units[0] if units else None)
        return at_the_labels(model, form, self._written)

    def _carried(self, one: _Found) -> list[_Found]:
        """The form with another one beside its zeros, where that misses much less there."""
        model, form = one.model, one.form
        if one.missed <= _OFTEN or not self.zeros[model.quantity]:
            return []
        plain = sorted(dict.fromkeys(c.form for c in self._ways(model, self._plain)), key=size)
        before = model.score(form).missed
        found: list[tuple[int, int, Node]] = []
        for place, other in enumerate(plain[:_CARRIED]):
            changed = carried(other, form)
            if changed is None:
                continue
            trial = self._trial(model, changed)
            kept = zip(model.score(changed).missed, before, strict=True)
            if trial.missed < one.missed / 2 and all(new <= old for new, old in kept):
                found.append((trial.missed, place, changed))
        if not found:
            return []
        missed, _, changed = min(found, key=lambda f: f[:2])
        rules = (*one.row.rules, "roundings carried along")
        row = _error(model, changed, rules, one.row.direct)
        return [_Found(one.usually - one.missed + missed, missed, changed, row, model)]

    def best(self, model: ErrorModel, chosen: Mapping[str, Node]) -> tuple[Node, MeasuredError]:
        """The shortest form that holds everywhere, the cheap ones first; else a composition; else
        the least bad."""
        raw = self._lowered(model.wanted.expression)
        direct = float("inf") if raw is None else model.score(raw).worst[0]
        rows = self._rows(model, self._ways(model, self._plain))
        if model.wanted.expression.has(sympy.Piecewise):  # other spellings of cases are shorter
            rows += self._rows(model, self._ways(model, self._rewritten))
        ends: list[_Row] = []
        found = _shortest(rows) or _nearly(model, rows)
        if found is None or found.score.size > _WORDY:
            ends = [_Row.of(model, c) for c in self._ends(model)]
            composed = _shortest(self._composed(model, rows, ends, False), 2)
            both = [row for row in (found, composed) if row is not None]
            found = min(both, key=lambda r: r.score.length, default=None)
        if found is None:
            rows += self._rows(model, self._ways(model, self._rewritten))
            if not rows:
                self._lacking(model)
            found = _shortest(rows) or _nearly(model, rows)
            found = found or self._best_composed(model, rows, ends)
        x = self.derivation.loss.residual.name
        if model.quantity == "weight" and any(found.score.missed[:4]) and f"d_{x}" in chosen:
            quotient = Candidate(chosen[f"d_{x}"] / Name(x), ("d_x over x",))
            found = min(found, _Row.of(model, quotient), key=lambda r: r.score.rank)
        form = self._finished(model, found.measured.candidate.form)
        _refuse_wrong(model, form, raw)
        return form, _error(model, form, found.measured.candidate.rules, direct)

    def _ways(
        self, model: ErrorModel, find: Callable[[ErrorModel], list[Candidate]]
    ) -> list[Candidate]:
        """What is found once for a quantity, whatever it is measured on."""
        key = model.quantity, find.__name__
        if key not in self.found:
            self.found[key] = find(model)
        return self.found[key]

    @staticmethod
    def _rows(model: ErrorModel, ways: Sequence[Candidate]) -> list[_Row]:
        """Each measured at every point; one formula in two spellings counts once."""
        found: dict[tuple[int, bytes], _Row] = {}
        for way in ways:
            row = _Row.of(model, way)
            errors = np.concatenate(row.measured.errors).tobytes()
            found.setdefault((row.score.size, errors), row)
        return list(found.values())

    def _plain(self, model: ErrorModel) -> list[Candidate]:
        """As derived, and in units of each length."""
        raw = model.wanted.expression
        found = self._candidates([(raw, ()), (sympy.factor_terms(raw), ())])
        pretty = self.derivation.pretty[model.quantity]
        for plain in (*self._in_units(model, raw), *self._in_units(model, pretty)):
            ways = (plain, sympy.factor_terms(plain), *_factored(plain))
            ways += tuple(map(squared_out, ways))
            found += self._candidates([p for e in ways for p in ((e, ()), rewrite(e))])
            found += self._candidates([(e, ("angle",)) for e in self._angled(ways)])
        loss = self.derivation.loss
        sizes = in_sizes(loss.expand(raw), loss.residual) if not self.units else None
        found += [] if sizes is None else self._candidates([(sizes, ("sizes",))])
        taken = [v.name for v in (*loss.variables, *loss.where)]
        joined = clipped(loss.expand(pretty), loss.residual, taken)
        if joined is not None:
            found += self._candidates([(joined, ("clipped residual",))])
        free = [n for n in ("size", "h", "u", "v") if n not in taken]
        powers = by_distance(loss.expand(raw), loss.residual, free)
        found += self._candidates([(e, ("power of a distance",)) for e in powers])
        if loss.kind == "pointwise":
            simple = self._simple(pretty)
            found += self._candidates([(simple, ())])
            more = choices(loss, [raw, pretty, simple])
            for base, rule in [(b, ("power of a sum",)) for b in self.powers] + [(self.base, ())]:
                derived = from_base(loss, model.quantity, rewrite(base)[0])
                more += [(e, rule) for e in (derived, readable(derived))] if rule else []
                more += [(e, rule) for e in self._nested(derived)]
                apart = by_rest(loss, derived)
                more += [] if apart is None else [(apart, rule)]
            found += self._candidates([p for e, used in more for p in ((e, used), rewrite(e))])
        read = [(way, ("exponential polynomial",)) for way in readings(loss, pretty)]
        return found + self._candidates(read)

    def _nested(self, expression: Expr) -> list[Expr]:
        found = (expression, centred(expression, self.derivation.loss.residual))
        return [of_labels(self.derivation.loss, nested(e)) for e in found if e is not None]

    @staticmethod
    def _simple(expression: Expr) -> Expr:
        return sympy.factor(expression) if operations(expression) <= _FACTORED else expression

    def _angled(self, ways: Iterable[Expr]) -> Iterator[Expr]:
        taken = {v.name for v in (*self.derivation.loss.variables, *self.derivation.loss.where)}
        for expression in ways:
            for y in expression.atoms(Let):
                found = angled(expression, y, taken)
                if found is not None:
                    yield found

    def _rewritten(self, model: ErrorModel) -> list[Candidate]:
        """By every rule, each in units of each length too."""
        ways = expressions(self.derivation, model.quantity, self.base, self.base_rules)
        for expression, used in tuple(ways):
            ways += [(again, used) for again in self._in_units(model, expression)]
        plain = list(self._in_units(model, model.wanted.expression))
        for expression in plain:
            names = {v.name for v in self.derivation.loss.variables}
            for y in expression.atoms(Let) if "q" not in names else ():
                again = by_quotient(expression, y)
                ways += [] if again is None else [(again, ("powers of a quotient",))]
        short = [readable(e) for e in plain if operations(e) <= _FACTORED]
        for expression in (e for e in plain if operations(e) <= _FACTORED):
            short += by_common_powers(expression)
        for expression in short:
            again, used = rewrite(expression)
            ways += [(expression, ()), (again, used), (readable(again), used)]
        return self._candidates(ways)

    def _in_units(self, model: ErrorModel, expression: Expr) -> Iterator[Expr]:
        loss = self.derivation.loss
        if operations(expression) > _LONG:
            return
        for unit in self.units:
            e = degree(loss, model.wanted.expression, unit)
            found = in_units(loss, expression, unit, e)
            if found is not None and not found.has(nan, sympy.zoo):
                yield found

    def _candidates(self, ways: Iterable[tuple[Expr, tuple[str, ...]]]) -> list[Candidate]:
        found: dict[Node, tuple[str, ...]] = {}
        for expression, used in dict.fromkeys(ways):
            for form in (self._lowered(expression), *self._ordered(expression)):
                if form is not None:
                    found.setdefault(form, used)
        return [Candidate(form, used) for form, used in found.items()]

    def _written(self, expression: Expr) -> list[Node]:
        return [candidate.form for candidate in self._candidates([(expression, ())])]

    def _ordered(self, expression: Expr) -> Iterator[Node | None]:
        kinds = (sympy.Mul, sympy.Pow, sympy.Piecewise)
        settled = expression.has(nan, sympy.zoo)
        loss = self.derivation.loss
        if expression.is_Add and loss.kind == "pointwise":
            yield from reordered(expression)
        if isinstance(expression, kinds) and not settled:
            for ranges in (self.ranges, *self._near):
                for way in WAYS if self.units else (*WAYS, ROOTED):
                    with suppress(CannotLower):
                        yield ordered(loss, expression, ranges, way)

    @cached_property
    def _many(self) -> tuple[Sample, ...]:
        return many(self.derivation.loss)

    @cached_property
    def _near(self) -> list[Ranges]:
        loss = self.derivation.loss
        return [self.ranges.near(loss, loss.residual / u.length) for u in self.units[:1]]

    def _leading(self, model: ErrorModel) -> list[EndPiece]:
        """Leading terms at the ends, found when they are first needed."""
        if model.quantity not in self.leads:
            self.leads[model.quantity] = leading(model, self.units, self.ranges)
        return self.leads[model.quantity]

    def _ends(self, model: ErrorModel) -> list[Candidate]:
        return [piece.candidate for piece in self._leading(model)]

    def _composed(
        self, model: ErrorModel, rows: Sequence[_Row], ends: Sequence[_Row], polynomials: bool
    ) -> list[_Row]:
        """Pieces along each length, and the best forms with leading terms at their ends."""
        measured = [r.measured for r in (*rows, *ends)]
        found = [
            _Row.of(model, c)
            for unit in self.units or (None,)
            for c in piecewise(model, measured, unit, polynomials)
        ]
        some = sorted(rows, key=lambda r: r.score.rank)[:_BEST]
        forms = with_leading([r.measured.candidate for r in some], self._leading(model))
        return found + [_Row.of(model, c) for c in forms]

    def _best_composed(self, model: ErrorModel, rows: Sequence[_Row], ends: Sequence[_Row]) -> _Row:
        found = self._composed(model, rows, ends, False)
        good = _shortest(found)
        if good is not None:
            return good
        found += self._composed(model, rows, ends, True)
        some = sorted(found, key=lambda r: r.score.rank)[:1]
        forms = with_leading([r.measured.candidate for r in some], self._leading(model))
        found += [_Row.of(model, c) for c in forms]
        return _shortest(found) or _attainable(model, (*rows, *found))

    def _lacking(self, model: ErrorModel) -> None:
        try:
            lower(model.wanted.expression)
        except CannotLower as trouble:
            raise BadInput(
                f"{self.derivation.loss.name}: {model.quantity}: {trouble}; leave that function out"
            ) from None

    @staticmethod
    def _lowered(expression: Expr) -> Node | None:
        if expression.has(nan, sympy.zoo):
            return None
        try:
            return lower(expression)
        except CannotLower:
            return None


def _factored(expression: Expr) -> list[Expr]:
    """A rational function as one quotient, in factors."""
    symbols = expression.free_symbols
    if expression.is_rational_function(*symbols) and operations(expression) <= _FACTORED:
        return [_paired(sympy.factor(expression))]
    return []


def _paired(product: Expr) -> Expr:
    """(y - a) (y + a) as y^2 - a^2: rounded alike for y and -y."""
    powers = product.as_powers_dict()
    for v in sorted(product.free_symbols, key=str):
        for base, e in tuple(powers.items()):
            other = -base.subs(v, -v)
            if base.is_Add and base in powers and other != base and powers.get(other) == e:
                del powers[base], powers[other]
                powers[sympy.expand(base * other)] = e
    return sympy.Mul(*(base**e for base, e in powers.items()))


class _Row:
    """A candidate, its errors and its score."""

    def __init__(self, measured: Measured, score: Score) -> None:
        self.measured, self.score = measured, score

    @classmethod
    def of(cls, model: ErrorModel, candidate: Candidate) -> _Row:
        errors = model.errors(candidate.form)
        return cls(Measured(candidate, errors), model.score(candidate.form, errors))


def _missed(model: ErrorModel, row: _Row) -> np.ndarray:
    """At which general points a form misses the goal."""
    errors = row.measured.errors[:4] + row.measured.errors[len(model.usual) :]
    general = model.general[:4] + model.general[len(model.usual) :]
    return np.concatenate([(e > model.goal) & g for e, g in zip(errors, general, strict=True)])


def _shortest(rows: Sequence[_Row], most_pieces: int = 9) -> _Row | None:
    """The shortest that holds everywhere (what is wrong at the very ends can be put in)."""
    good = [
        r
        for r in rows
        if not any(r.score.missed[:4]) and r.measured.candidate.pieces <= most_pieces
    ]
    return min(good, key=lambda r: r.score.length, default=None)


def _attainable(model: ErrorModel, rows: Sequence[_Row]) -> _Row:
    """The shortest that misses only what every form misses; else the least bad."""
    missed = [_missed(model, r) for r in rows]
    hopeless = np.all(missed, axis=0)
    good = [r for r, own in zip(rows, missed, strict=True) if not np.any(own & ~hopeless)]
    if good:
        return min(good, key=lambda r: r.score.length)
    return min(rows, key=lambda r: r.score.rank)


def _nearly(model: ErrorModel, rows: Sequence[_Row]) -> _Row | None:
    """The shortest that misses nothing but less than the margin at the ends of the range, and, of
    predictions, less than a branch is worth elsewhere, or a single point: a longer form would be
    read by everybody for their sake, and what only suits these points is no better elsewhere."""
    good = [r for r in rows if _is_near(model, r.score)]
    return min(good, key=lambda r: r.score.length, default=None)


def _is_near(model: ErrorModel, score: Score) -> bool:
    beyond = [w - model.goal for w in score.worst[:4]]
    # a prediction's range has no length to go by: there the margin is for all float32 numbers
    if model.loss.predictions:
        alone = sum(score.missed[:4]) == 1 and max(beyond) < PROMISED
        return alone or (beyond[0] <= WORTH and max(beyond[1:]) <= MARGIN)
    return not (score.missed[0] or score.missed[2]) and max(beyond[1], beyond[3]) <= MARGIN


def _error(model: ErrorModel, form: Node, rules: tuple[str, ...], direct: float) -> MeasuredError:
    errors = model.errors(form)
    worst = [float(np.max(e[~r.special], initial=0.0))
             for e, r in zip(errors, model.usual, strict=False)]  # fmt: skip

    def place(k: int) -> dict[str, float]:
        reference = model.references[k]
        rare = reference.special | reference.settled
        return reference.sample.point(int(np.argmax(np.where(rare, 0, errors[k]))))

    count = int(np.count_nonzero(~np.isnan(model.references[0].high)))
    return MeasuredError(
        model.quantity, worst[0], direct, count, place(0), rules, worst[2], worst[1], worst[3],
        place(1), model.goal,
    )  # fmt: skip


def special_regimes(
    derivation: Derivation,
    models: Mapping[str, ErrorModel],
    chosen: Mapping[str, Node],
    ranges: Ranges,
) -> list[Regime]:
    """Special values of a parameter at which some form does not give the limit."""
    found: list[Regime] = []
    points = {(item.variable, item.point): None for item in derivation.limits}
    for variable, point in points:
        if derivation.loss.domain(variable).contains(point) is not sympy.true:
            continue
        forms = {
            name: _special_form(models[name], chosen[name], variable, point, ranges)
            for name in chosen
        }
        if all(forms[name] is chosen[name] for name in chosen):
            continue
        condition = _at(models, variable, point)
        meaning = f"{variable.name} = {point}"
        found.append(Regime(f"{variable.name}_{len(found)}", meaning, condition, forms))
    return found


def _at(models: Mapping[str, ErrorModel], variable: Symbol, point: Expr) -> Node:
    """The parameter at a special value; an infinite one begins where nothing tells it from a
    number any more, since such a number overflows in steps of the general form."""
    p = Name(variable.name)
    if point.is_finite:
        return call("eq", p, lower(point))
    far = _ENDLESS if point > 0 else -_ENDLESS
    if not all(is_limit(model, variable, point, far) for model in models.values()):
        return call("eq", p, float(point))
    return call("le", far, p) if point > 0 else call("le", p, far)


def _special_form(
    model: ErrorModel, general: Node, variable: Symbol, point: Expr, ranges: Ranges
) -> Node:
    """The general form where it holds at the point too; else the best form of the limit."""
    infinite = _infinite(model, variable, point)
    if infinite is not None:
        return infinite
    limited = at_limit(model, variable, point)
    if limited is None:
        return general
    *missed, corner, near_zero, far_out = limited.score(general).missed
    held = not (any(missed) or near_zero or far_out or corner > _CORNER)
    if held or limited.serves(general):
        return general
    limit = limited.wanted.expression
    if limit.is_number and not limit.has(nan, sympy.zoo):
        return lower(limit)
    found = _Search(limited.derivation, ranges.at(variable)).best(limited, {})[0]
    return general if found == general else found


def _infinite(model: ErrorModel, variable: Symbol, point: Expr) -> Node | None:
    """An infinite limit, from below where the sides differ; 0 at x = 0 where the quantity is 0
    there at all other values of the parameter."""
    x = model.loss.residual
    sides = [
        item.value
        for item in model.derivation.limits
        if (item.quantity, item.variable, item.point) == (model.quantity, variable, point)
        and "-" in item.direction
    ]
    if not sides or not sides[0].has(oo, -oo) or sides[0].has(nan, sympy.zoo):
        return None
    value = lower(sides[0])
    if sympy.simplify(model.wanted.expression.subs(x, 0)) == 0:
        return where(call("eq", Name(x.name), 0), 0, value)
    return value
