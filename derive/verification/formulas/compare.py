"""A formula of somebody else beside ours: equal, up to a convention, different, or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Rational, S, Symbol

from derive.definitions.loss import Loss
from derive.definitions.relations import required
from derive.errors import BadInput
from derive.verification.backend import NeedsPrecision, Undefined, arb, ctx
from derive.verification.claims.ball import PRECISIONS, ball
from derive.verification.claims.closed import resolved
from derive.verification.claims.operators import Numeric
from derive.verification.claims.places import infinite
from derive.verification.claims.places import text as shown
from derive.verification.claims.refute import Finding, Place, Search, search
from derive.verification.claims.relations import checked
from derive.verification.claims.terms import Relation, Term
from derive.verification.claims.values import NoValue, Values
from derive.verification.claims.zero import vanishes
from derive.verification.formulas.convention import Convention, conventions, degree
from derive.verification.formulas.letters import candidates, likely
from derive.verification.formulas.matched import Matched
from derive.verification.formulas.reader import Reading
from derive.verification.formulas.roles import matches, role_conventions
from derive.verification.formulas.told import (
    DIFFERENT,
    EQUAL,
    UNKNOWN,
    UP_TO,
    Comparison,
    detail,
)

DENSITIES = ("density", "log_density", "log_partition")
SECONDS = 6.0
QUICK = 24  # points that a candidate passes before the thorough search
THOROUGH = 500
BESIDE = Rational(1, 1 << 600)  # a distance to either side of a jump
CLOSE = arb((1, -400))  # what the slope moves over that distance, of its size


@dataclass(frozen=True)
class Trial:
    """A reading of the letters with a convention, as a relation over one set of variables."""

    matched: Matched
    convention: Convention
    loss: Loss  # the variables and where they are special
    relation: Relation
    scales: Mapping[Symbol, Expr]
    letters: Mapping[str, str]
    order: int = 0  # of the derivative: where its two sides differ, the value there is a choice

    @property
    def is_identity(self) -> bool:
        same = all(value.is_Symbol for value in self.scales.values())
        shapes = all(p == value for p, value in self.matched.shapes.items())
        plain = self.convention.factor == 1 and self.convention.offset == 0
        return same and shapes and plain and not self.matched.is_mirrored


def compare(
    reading: Reading, formula: Expr, loss: Loss, quantity: str, ours: Term, seed: int = 0
) -> Comparison:
    """The relation of one formula to one quantity of a loss."""
    ours = resolved(ours, loss)
    shapes = [p for p in loss.parameters if (_is_shape(loss, p) and ours.expression.has(p))
              or p in _hidden(ours)]  # fmt: skip
    x = loss.residual
    # a constant, such as the weight of x^2, speaks of no residual
    has_x = x in ours.free or x.name in {s.name for s in formula.free_symbols}
    natural: Trial | None = None
    undecided: Search | None = None
    order = 2 if quantity.startswith("d2_") else int(quantity.startswith("d_"))
    for trial in _trials(reading, formula, loss, quantity, ours, shapes, has_x):
        trial = replace(trial, order=order)
        if natural is None or (trial.is_identity and not natural.is_identity):
            natural = trial
        quick = _looked(trial, QUICK, 2.0, seed)
        if quick.finding is not None or _fails_somewhere(trial, quick):
            continue
        if quick.agreed < 4 * quick.undecided or not quick.agreed:
            undecided = undecided or quick
            continue
        found = _looked(trial, THOROUGH, SECONDS, seed)
        if found.finding is not None or _fails_somewhere(trial, found):
            continue
        return _same(trial, found)
    if natural is None:
        raise BadInput(f"the text has no letter that could be the residual of {loss.name}")
    found = _looked(natural, THOROUGH, SECONDS, seed)
    if found.finding is not None:
        return _different(natural, found.finding)
    reason = (undecided or found).trouble()
    return Comparison(UNKNOWN, "unknown", "search", f"undecided: {reason}")


def _fails_somewhere(trial: Trial, found: Search) -> bool:
    """Whether one side has no value at an ordinary point: then the two are not the same."""
    x = trial.loss.residual
    shapes = [p for p in trial.loss.parameters if p in trial.matched.shapes]
    ordinary = [
        at for at in found.open_at
        if at.get(x) != 0 and not any(at.get(p) in trial.loss.special.get(p, ()) for p in shapes)
        and not any(at.get(p) == v for p in shapes for v in (S.Zero, S.One, S(2), S(4)))
        and all(abs(value) < 10**6 for value in at.values())
    ]  # fmt: skip
    return len(ordinary) > 2


def _is_shape(loss: Loss, p: Symbol) -> bool:
    return degree(loss.expression, loss.residual, p) is None


def _hidden(ours: Term) -> frozenset[Symbol]:
    """Variables that only an operator depends on: its letters keep their meaning."""
    inner: frozenset[Symbol] = frozenset()
    for op in ours.operators.values():
        inner |= op.free
    return inner if not ours.expression.free_symbols - set(ours.operators) else frozenset()


def _trials(
    reading: Reading, formula: Expr, loss: Loss, quantity: str, ours: Term,
    shapes: list[Symbol], has_x: bool,
) -> Iterator[Trial]:  # fmt: skip
    if loss.predictions:
        yield from _role_trials(formula, loss, quantity, ours)
        return
    x = loss.residual
    ours_free = ours.free
    shapes = [p for p in shapes if p in ours_free]
    scales = [p for p in loss.parameters if p not in shapes and p in ours_free]
    turned = quantity == "loss" and ours.expression.subs(x, -x) != ours.expression
    for matched in candidates(reading, formula, loss, shapes, has_x, turned):
        scale = scales[0] if scales else None
        letter = likely(matched.others, scale) if scale is not None else None
        at: Expr = letter if letter is not None else S.One
        mine = ours.expression.subs(
            {p: value for p, value in matched.shapes.items() if value != p}, simultaneous=True
        )
        identity = Convention(S.One, S.Zero, at if scale is not None else None)
        yield _trial(matched, identity, loss, ours, mine, scale)
        if quantity != "log_partition" and not ours.operators:
            for convention in conventions(matched.expression, mine, x, scale, at):
                if _allowed(convention, quantity, reading.proportional):
                    yield _trial(matched, convention, loss, ours, mine, scale)


def _role_trials(formula: Expr, loss: Loss, quantity: str, ours: Term) -> Iterator[Trial]:
    """The same for a loss of predictions and a target."""
    wanted = [v for v in loss.variables if v in ours.free]
    for matched in matches(formula, loss, wanted):
        changed = {p: value for p, value in matched.shapes.items() if value != p}
        mine = ours.expression.subs(changed, simultaneous=True)
        identity = Convention(S.One, S.Zero, None)
        yield _trial(matched, identity, loss, ours, mine, None)
        for convention in role_conventions(matched.expression, mine, loss):
            if _allowed(convention, quantity, proportional=False):
                yield _trial(matched, convention, loss, ours, mine, None)


def _allowed(convention: Convention, quantity: str, proportional: bool) -> bool:
    """A density that misses a constant is none; an offset belongs to losses only."""
    if quantity in DENSITIES and not proportional:
        return bool(convention.factor == 1 and convention.offset == 0)
    if quantity == "log_density":
        return bool(convention.factor == 1)
    return bool(quantity == "loss" or convention.offset == 0)


def _trial(
    matched: Matched, convention: Convention, loss: Loss, ours: Term, mine: Expr,
    scale: Symbol | None,
) -> Trial:  # fmt: skip
    """The relation, over x, the shapes and the text's letters."""
    scales = {} if scale is None or convention.scale is None else {scale: convention.scale}
    right = convention.factor * mine.subs(scales) + convention.offset
    shapes = [p for p in loss.variables if p in matched.shapes and matched.shapes[p].has(p)]
    variables = (loss.residual, *shapes, *matched.others)
    operators = ours.operators
    own = loss if not operators else replace(loss)
    moved = {**{p: v for p, v in matched.shapes.items() if v != p}, **scales}
    kept = (r.subs(moved) for r in loss.require)
    made = Loss(
        name=loss.name, title="", source="", variables=tuple(variables),
        loss=own.expression.subs(moved),
        require=tuple(r for r in kept if r.free_symbols and r.free_symbols <= {*variables}),
        special={p: _moved_special(loss, p, matched.shapes[p]) for p in shapes},
        domains={v: loss.domain(v) for v in (loss.residual, *shapes)},
    )  # fmt: skip
    letters = dict(matched.letters)
    named = {p: Symbol(name) for p, name in matched.written.items()}
    for p, value in scales.items():
        letters[p.name] = str(value.xreplace(named))
    relation = Relation("==", Term(matched.expression), Term(right, operators))
    return Trial(matched, convention, made, relation, scales, letters)


def _moved_special(loss: Loss, p: Symbol, value: Expr) -> tuple[Expr, ...]:
    """The special points of a shape parameter, in the letter of the text."""
    factor = value / p
    return tuple(point / factor for point in loss.special.get(p, ()))


def _looked(trial: Trial, most: int, seconds: float, seed: int) -> Search:
    """Points of the domain, the special ones of the text among them."""
    values = Values(trial.loss)
    values.operators = Numeric(Values(_operated(trial)))

    def check(at: Place) -> Finding | None:
        found = checked(values, trial.relation, at, total=True)
        chosen = found is not None and trial.order and _is_a_choice(values, trial, at)
        return None if chosen else found

    free = trial.relation.left.free | trial.relation.right.free
    variables = [v for v in trial.loss.variables if v in free]
    written = [trial.relation.left.expression, trial.relation.right.expression]
    costly = bool(trial.relation.right.operators)
    return search(
        values, variables, written, required(trial.loss, variables), check, seconds,
        most // 12 if costly else most, seed, moderate=costly,
    )  # fmt: skip


def _is_a_choice(values: Values, trial: Trial, at: Place) -> bool:
    """At a jump of a derivative: whether the text has a value there that people choose. For a first
    derivative that is one side's or the middle, for a second one all from one side to the other."""
    x, sides = trial.loss.residual, []
    for step in (-BESIDE, BESIDE):
        try:
            beside = values.term(trial.relation.right, {**at, x: at[x] + step})
            here = values.term(trial.relation.left, at)
        except (Undefined, NeedsPrecision, NoValue, KeyError, TypeError):
            return False
        if infinite(beside) or infinite(here):
            return False
        ctx.prec = PRECISIONS[-1]
        sides.append((ball(beside), ball(here)))
    (left, here), (right, _) = sides
    room = CLOSE * (abs(left) + abs(right))
    if not abs(left - right) > room:
        return False
    if trial.order == 1:
        choices = (left, right, (left + right) / 2)
        return not all(abs(here - chosen) > room for chosen in choices)
    return not (here < left.min(right) - room or here > left.max(right) + room)


def _operated(trial: Trial) -> Loss:
    """The loss whose normalizer the relation speaks of, in the letters of the trial."""
    return trial.loss


def _same(trial: Trial, found: Search) -> Comparison:
    convention = trial.convention
    gap = trial.relation.left.expression - trial.relation.right.expression
    proved = not trial.relation.right.operators and vanishes(gap, trial.loss)
    verdict = "proved" if proved else "agrees"
    method = (
        "the difference is 0 on every piece, algebraically" if proved
        else f"no difference at {found.agreed} points"
    )  # fmt: skip
    told = _letters(trial)
    if trial.is_identity:
        return Comparison(EQUAL, verdict, method, f"equal, with {told}", letters=trial.letters)
    named = {
        p: Symbol(name, positive=p.is_extended_positive)
        for p, name in trial.matched.written.items()
    }
    factor, offset = (e.xreplace(named) for e in (convention.factor, convention.offset))
    parameters = {p.name: trial.letters[p.name] for p in (*trial.scales, *trial.matched.shapes)}
    mapped = {"factor": str(factor), "offset": str(offset), "parameters": parameters}
    said = detail(factor, offset, told)
    return Comparison(UP_TO, verdict, method, said, mapped, letters=trial.letters)


def _letters(trial: Trial) -> str:
    parts = [f"{name} = {value}" for name, value in trial.letters.items() if value]
    return ", ".join(parts) or "no letters"


def _different(trial: Trial, finding: Finding) -> Comparison:
    names = {v.name: v for v in trial.loss.variables}
    at = {}
    for name, v in names.items():
        if v in finding.at:
            at[trial.letters.get(name) or name] = shown(finding.at[v])
    witness = {**at, "expected": finding.expected, "got": finding.got}
    where = ", ".join(f"{k} = {value}" for k, value in at.items())
    said = f"at {where}: ours is {finding.expected}, the text gives {finding.got}"
    method = "counterexample, by disjoint enclosures" if finding.rigorous else "counterexample"
    return Comparison(DIFFERENT, "refuted", method, said, witness=witness, letters=trial.letters)
