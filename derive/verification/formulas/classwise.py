"""A text beside a loss over classes: both are written out over a few classes and compared there."""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Expr, Interval, S, Symbol, nan, oo, zoo

from derive.definitions.classes import entry_letter, written_out
from derive.definitions.loss import Along, Loss
from derive.errors import BadInput
from derive.verification.claims.derivative import derivative
from derive.verification.claims.places import text as shown
from derive.verification.claims.refute import Finding, Place, Search, search
from derive.verification.claims.relations import checked
from derive.verification.claims.terms import Relation, Term
from derive.verification.claims.values import Values
from derive.verification.formulas.convention import Convention
from derive.verification.formulas.plain import SAMPLES, is_nearly_zero, recognized
from derive.verification.formulas.told import DIFFERENT, EQUAL, UNKNOWN, UP_TO, Comparison, detail

COUNTS = (3, 2)  # classes
POINTS, SECONDS = 150, 3.0
IDENTITY = Convention(S.One, S.Zero, None)


@dataclass(frozen=True)
class Table:
    """Both over so many classes, in a letter for each entry. The last of some probabilities is what
    the others leave of 1, and none is 0: 0 log 0 is a convention."""

    ours: Expr
    text: Expr
    loss: Loss
    where: Expr
    predictions: tuple[Symbol, ...]


def compare_classwise(text: Expr, loss: Loss, seed: int = 0) -> Comparison:
    """The relation of a text in our letters to a loss over classes."""
    strangers = text.free_symbols - set(loss.variables)
    if strangers:
        raise BadInput(f"{loss.name} has no {min(map(str, strangers))}")
    tables = [_table(text, loss, count) for count in COUNTS]
    first: Finding | None = None
    for conventions in (_identity, _convention):
        told = [conventions(table) for table in tables]
        if any(c is None for c in told) or len({c.factor for c in told if c}) > 1:
            continue
        looked = [_looked(t, c, seed) for t, c in zip(tables, told, strict=True) if c]
        finding = next((found.finding for found in looked if found.finding is not None), None)
        first = first or finding
        if finding is None and all(found.agreed > found.undecided for found in looked):
            return _same(told[0] or IDENTITY, looked)
    if first is None:
        return Comparison(UNKNOWN, "unknown", "search", "no value at most of the points")
    at = {v.name: shown(value) for v, value in first.at.items()}
    where = ", ".join(f"{k} = {value}" for k, value in at.items())
    return Comparison(
        DIFFERENT, "refuted", "counterexample, by disjoint enclosures",
        f"at {where}: ours is {first.expected}, the text gives {first.got}",
        witness={**at, "expected": first.expected, "got": first.got},
    )  # fmt: skip


def _table(text: Expr, loss: Loss, count: int) -> Table:
    vectors = [v for v in loss.variables if isinstance(v, Along) and v.sort != "index"]
    last: dict[Symbol, Expr] = {}
    where = sympy.true
    domains = {v: loss.domain(v) for v in loss.variables if not isinstance(v, Along)}
    letters: list[Symbol] = []
    for v in vectors:
        entries = [entry_letter(v, k) for k in range(count)]
        if v.sort == "probability":
            rest = sympy.Add(*entries[:-1])
            last[entries.pop()] = 1 - rest
            where = sympy.And(where, rest < 1)
            domains |= dict.fromkeys(entries, Interval.open(0, 1))
        letters += entries
    ours, theirs = (written_out(e, count, 0)(0).subs(last) for e in (loss.expression, text))
    parameters = [v for v in loss.variables if not isinstance(v, Along)]
    names = {entry_letter(v, k) for v in loss.predictions for k in range(count)}
    made = Loss(
        name=loss.name, title="", source="", variables=(*letters, *parameters), loss=ours,
        domains=domains, special=loss.special,
    )  # fmt: skip
    return Table(ours, theirs, made, where, tuple(v for v in letters if v in names))


def _identity(_table: Table) -> Convention | None:
    return IDENTITY


def _convention(table: Table) -> Convention | None:
    """Factor and offset from the slopes in an entry of the prediction."""
    x = table.predictions[0]
    slopes = [derivative(e, x) for e in (table.text, table.ours)]
    letters = [v for v in table.loss.variables if v.name.rpartition("_")[2].isdigit()]
    places = [
        {v: SAMPLES[(3 * k + i) % len(SAMPLES)] for i, v in enumerate(letters)} for k in range(2)
    ]
    pairs = [[slope.subs(at) for slope in slopes] for at in places]
    if any(e.has(nan, zoo, oo, -oo) or e == 0 for pair in pairs for e in pair):
        return None
    ratios = [theirs / mine for theirs, mine in pairs]
    if not is_nearly_zero(ratios[0] - ratios[1]):
        return None
    factor = recognized(ratios[0])
    gap = table.text - (factor or 0) * table.ours
    moved = [{**places[0], v: places[1][v]} for v in table.predictions]
    if not factor or not all(is_nearly_zero(gap.subs(places[0]) - gap.subs(at)) for at in moved):
        return None
    told = gap.subs({v: places[0][v] for v in table.predictions})  # which it does not depend on
    shorter = sympy.simplify(sympy.expand_log(gap, force=True))
    offset = sympy.simplify(told) if shorter.has(*table.predictions) else shorter
    return Convention(factor, offset, None)


def _looked(table: Table, convention: Convention, seed: int) -> Search:
    """Points of the domain, special ones among them."""
    values = Values(table.loss)
    offset = convention.offset
    right = convention.factor * table.ours + offset
    relation = Relation("==", Term(table.text), Term(right))

    def check(at: Place) -> Finding | None:
        return checked(values, relation, at, total=True)

    free = table.text.free_symbols | right.free_symbols | table.where.free_symbols
    variables = [v for v in table.loss.variables if v in free]
    return search(
        values, variables, [table.text, table.ours], table.where, check, SECONDS, POINTS, seed,
        moderate=True,
    )  # fmt: skip


def _same(convention: Convention, looked: list[Search]) -> Comparison:
    count = sum(found.agreed for found in looked)
    method = f"no difference at {count} points over {' and '.join(map(str, COUNTS))} classes"
    if (convention.factor, convention.offset) == (IDENTITY.factor, IDENTITY.offset):
        return Comparison(EQUAL, "agrees", method, "equal")
    mapped = {"factor": str(convention.factor), "offset": str(convention.offset), "parameters": {}}
    said = detail(convention.factor, convention.offset)
    if convention.offset.free_symbols:
        said += f" (over {COUNTS[0]} classes)"
    return Comparison(UP_TO, "agrees", method, said, mapped)
