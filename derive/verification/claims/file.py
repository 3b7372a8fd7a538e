"""A claims file: statements as data in TOML, safe to take from strangers."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sympy import And, Set, Symbol

from derive.definitions import names
from derive.definitions.find import find
from derive.definitions.interval import read_kind
from derive.definitions.loss import Loss
from derive.definitions.lossfile import toml_table, toml_text
from derive.definitions.relations import required
from derive.errors import BadInput
from derive.verification.claims.reader import read_statement, read_where
from derive.verification.claims.terms import Claim, Predicate, Relation

KEYS = ("id", "source", "loss", "formula", "variables", "says", "where", "corrects", "instead")
OF_OTHERS = ("corrects", "instead")
MOST_CLAIMS = 1_000
MOST_VARIABLES = 12
LONGEST = 2_000


def read_claims(path: Path) -> tuple[Claim, ...]:
    """The claims of a file; BadInput, one line, for what is not such a file."""
    return parse_claims(toml_text(path), path.name, path.parent)


def is_claims_file(path: Path) -> bool:
    """Whether a TOML file states claims (rather than a loss)."""
    try:
        return "claim" in toml_table(toml_text(path), path.name)
    except BadInput:
        return False


def parse_claims(
    text: str, where: str, folder: Path | None = None, only: int | None = None
) -> tuple[Claim, ...]:
    """The claims that a TOML text states, or the one of that index; `where` names the text."""
    table = toml_table(text, where)
    unknown = [key for key in table if key != "claim"]
    if unknown:
        raise BadInput(f"{where}: unknown key {unknown[0][:40]!a}; claims are [[claim]] tables")
    entries = table.get("claim")
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise BadInput(f"{where}: claims are [[claim]] tables, with two brackets")
    if not entries:
        raise BadInput(f"{where}: no claim in it")
    if len(entries) > MOST_CLAIMS:
        raise BadInput(f"{where}: {len(entries)} claims; at most {MOST_CLAIMS}")
    losses: dict[str, Loss] = {}
    claims, seen = [], set()
    for index, entry in enumerate(entries, 1):
        if only not in (None, index - 1):
            continue
        claim = _claim(entry, f"{where}, claim {index}", losses, folder)
        if claim.id in seen:
            raise BadInput(f"{where}: the id {claim.id!a} is given twice")
        seen.add(claim.id)
        claims.append(claim)
    return tuple(claims)


def _claim(
    entry: Mapping[str, Any], where: str, losses: dict[str, Loss], folder: Path | None
) -> Claim:
    for key in entry:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            guess = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(KEYS)}"
            raise BadInput(f"{where}: unknown key {key[:40]!a}{guess}")
    id_ = _text(entry, "id", where)
    where = f"{where.partition(', claim')[0]}, claim {id_!a}"
    says = _text(entry, "says", where)
    condition = _text(entry, "where", where) if "where" in entry else ""
    source = _text(entry, "source", where) if "source" in entry else ""
    loss, formula = _subject(entry, where, losses, folder)
    statement = read_statement(says, loss, formula, f"{where}, says")
    restricted = read_where(condition, loss, f"{where}, where")
    free = {*_free(statement), *restricted.free_symbols}
    restricted = And(restricted, required(loss, free))
    corrects, instead = (_text(entry, k, where) if k in entry else "" for k in OF_OTHERS)
    return Claim(id_, source, says, loss, statement, restricted, condition, corrects, instead)


def _free(statement: Relation | Predicate) -> Iterator[Symbol]:
    """The variables that a statement speaks of."""
    if isinstance(statement, Relation):
        yield from statement.left.free | statement.right.free
        return
    yield from statement.body.free
    if statement.point is not None:
        yield from statement.point.free


def _subject(
    entry: Mapping[str, Any], where: str, losses: dict[str, Loss], folder: Path | None
) -> tuple[Loss, str]:
    if ("loss" in entry) == ("formula" in entry):
        raise BadInput(f"{where}: one of 'loss' and 'formula' is wanted")
    if "loss" in entry:
        if "variables" in entry:
            raise BadInput(f"{where}: a loss brings its own variables")
        name = _text(entry, "loss", where)
        if name not in losses:
            path = folder / name if folder is not None else Path(name)
            losses[name] = find(str(path) if name.endswith(".toml") and path.is_file() else name)
        return losses[name], "loss"
    symbols, domains = _variables(entry.get("variables"), where)
    return formula_loss(_text(entry, "formula", where), symbols, domains, where), "formula"


def formula_loss(
    text: str, symbols: Mapping[str, Symbol], domains: Mapping[Symbol, Set], where: str
) -> Loss:
    """A formula as a loss of its own, its first variable as the residual."""
    from derive.definitions.formula import read

    return Loss(
        name="formula", title="", source="", variables=tuple(symbols.values()),
        loss=read(text, symbols, f"{where}, formula"), domains=domains,
    )  # fmt: skip


def _variables(table: Any, where: str) -> tuple[dict[str, Symbol], dict[Symbol, Set]]:
    if not isinstance(table, dict) or not table:
        raise BadInput(f"{where}: [claim.variables] says what the letters of the formula are")
    if len(table) > MOST_VARIABLES:
        raise BadInput(f"{where}: {len(table)} variables; at most {MOST_VARIABLES}")
    symbols, domains = {}, {}
    for name, kind in table.items():
        names.check_variable(name, f"{where}, variables")
        read_as = read_kind(kind, f"{where}, variables, {name}")
        symbols[name] = read_as.symbol(name)
        if read_as.domain is not None:
            domains[symbols[name]] = read_as.domain
    return symbols, domains


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    if key not in entry:
        raise BadInput(f"{where}: the key '{key}' is missing")
    value = entry[key]
    if type(value) is not str:
        raise BadInput(f"{where}, {key}: expected text in quotes")
    if not value.strip() and key != "where":
        raise BadInput(f"{where}, {key}: is empty")
    if key in ("id", "source") and len(value) > LONGEST:
        raise BadInput(f"{where}, {key}: longer than {LONGEST} characters")
    if key == "id" and not value.isprintable():
        raise BadInput(f"{where}, id: holds a character that cannot be printed")
    return value
