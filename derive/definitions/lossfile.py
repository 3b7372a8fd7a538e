"""A loss file: one loss as data in TOML, safe to take from strangers."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sympy import Expr, Set, Symbol, preorder_traversal

from derive.definitions import names
from derive.definitions.accepted import accept, check_default, check_special
from derive.definitions.formula import MAX_NODES, read, read_number
from derive.definitions.interval import read_along, read_kind
from derive.definitions.loss import Let, Loss, let
from derive.definitions.relations import read_relations
from derive.errors import BadInput, EnvironmentTrouble

MAX_BYTES = 256 * 1024
MAX_VARIABLES = 12
MAX_TEXT = 2_000

REQUIRED = ("name", "loss")
PROSE = ("title", "source", "description")
ROLES = ("prediction", "target")
KEYS = (
    *REQUIRED, *PROSE, "variables", *ROLES, "where", "defaults", "special", "symbols", "require",
)  # fmt: skip


class _Decimal(str):
    """A TOML float as written, so that 0.1 stays one tenth."""

    __slots__ = ()


def read_toml(path: Path) -> Loss:
    """The loss that a TOML file states.

    The first variable is the residual, called x from here on, unless [prediction] and [target] say
    what is predicted and what is known. Raises BadInput, one line, for a file
    that is too big, not UTF-8 or not TOML, and for a loss that is incomplete, misspelt, or not real
    on its domain.
    """
    where = path.name
    return parse(toml_text(path), where)


def parse(text: str, where: str) -> Loss:
    """The loss that a TOML text states; `where` names the text in messages."""
    table = toml_table(text, where)
    _check_keys(table, where)
    name = _line(table, "name", where)
    names.check_loss(name, f"{where}, name")
    declared, domains = _declared_in(table, where)
    symbols = {letter: v for found in declared.values() for letter, v in found.items()}
    target, others = declared["target"], list(declared["variables"].items())
    parameters = dict(others if declared["prediction"] else others[1:])
    where_table = _table(table, "where", where)
    lets = _lets(where_table, symbols, where)
    known: dict[str, Symbol] = {**symbols, **{v.name: v for v in lets}}
    formula = read(_string(table, "loss", where), known, f"{where}, loss")
    _check_size(lets, formula, where)
    return accept(
        Loss(
            name=name,
            title=_prose(table, "title", where),
            source=_prose(table, "source", where),
            description=_prose(table, "description", where),
            variables=tuple(symbols.values()),
            predictions=tuple(declared["prediction"].values()),
            target=next(iter(target.values()), None),
            loss=formula,
            where=lets,
            domains=domains,
            defaults=_defaults(_table(table, "defaults", where), parameters, where),
            symbols=_letters(_table(table, "symbols", where), (*symbols.values(), *lets), where),
            special=_special(_table(table, "special", where), {**target, **parameters}, where),
            require=read_relations(table.get("require", []), parameters, f"{where}, require"),
        ),
        where,
    )


def _letters(table: Mapping[str, Any], symbols: Sequence[Symbol], where: str) -> dict[str, str]:
    """Letters for formulas, by the name of a variable."""
    known = [v.name for v in symbols]
    found = {}
    for name, word in table.items():
        if name not in known:
            raise BadInput(f"{where}, symbols: {name[:40]!a} is none of {', '.join(known)}")
        if not isinstance(word, str):
            raise BadInput(f"{where}, symbols.{name}: expected text in quotes")
        found[name] = names.letter(word)
    return found


def toml_text(path: Path) -> str:
    try:
        if not path.is_file():
            missing = "is not a regular file" if path.exists() else "does not exist"
            raise BadInput(f"{path}: the file {missing}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise EnvironmentTrouble(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > MAX_BYTES:
        raise BadInput(f"{path}: bigger than {MAX_BYTES // 1024} KiB, the limit for a loss file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8"
        raise BadInput(message) from error


def toml_table(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_Decimal)
    except RecursionError as error:
        raise BadInput(f"{where}: not TOML: nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, and integers of too many digits
        raise BadInput(f"{where}: not TOML: {ascii(str(error))[1:-1][:200]}") from error


def _check_keys(table: Mapping[str, Any], where: str) -> None:
    for key in table:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            guess = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(KEYS)}"
            raise BadInput(f"{where}: unknown key {key[:40]!a}{guess}")
    for key in REQUIRED:
        if key not in table:
            raise BadInput(f"{where}: the key '{key}' is missing")


def _string(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or isinstance(value, _Decimal):
        raise BadInput(f"{where}, {key}: expected text in quotes")
    return value


def _line(table: Mapping[str, Any], key: str, where: str) -> str:
    """Prose: any text of bounded length; line breaks become spaces, control characters go."""
    value = " ".join(_string(table, key, where).split()) if key != "name" else table[key]
    if not isinstance(value, str):
        raise BadInput(f"{where}, {key}: expected text in quotes")
    if not value:
        raise BadInput(f"{where}, {key}: is empty")
    if key == "name":
        return value
    if len(value) > MAX_TEXT:
        raise BadInput(f"{where}, {key}: longer than {MAX_TEXT} characters")
    for position, character in enumerate(value, 1):
        if not character.isprintable():
            code = f"U+{ord(character):04X}"
            raise BadInput(f"{where}, {key}: character {position} is {code}, not printable")
    return value


def _prose(table: Mapping[str, Any], key: str, where: str) -> str:
    return _line(table, key, where) if key in table else ""


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise BadInput(f"{where}: '{key}' must be a table, [{key}]")
    return value


Declared = dict[str, dict[str, Symbol]]


def _declared_in(table: Mapping[str, Any], where: str) -> tuple[Declared, dict[Symbol, Set]]:
    """The variables by table, in the order of the signature, and the domains that symbols lack."""
    roles = _check_tables(table, where)
    found: Declared = {"prediction": {}, "target": {}, "variables": {}}
    domains: dict[Symbol, Set] = {}
    for name, letters in found.items():
        for place, (letter, kind) in enumerate(_table(table, name, where).items()):
            names.check_variable(letter, f"{where}, {name}", roles)
            if any(letter in group for group in found.values()):
                raise BadInput(f"{where}, {name}: '{letter}' is declared twice")
            called = "x" if not roles and place == 0 else letter
            symbol, domain = _symbol(called, kind, f"{where}, {name}, {letter}", name in ROLES)
            letters[letter] = symbol
            if domain is not None:
                domains[symbol] = domain
    return found, domains


def _symbol(name: str, kind: Any, where: str, role: bool) -> tuple[Symbol, Set | None]:
    if role and isinstance(kind, str) and re.search(r"\w (over|of)\b", kind):
        return read_along(kind, where, name), None
    read_as = read_kind(kind, where)
    return read_as.symbol(name), read_as.domain


def _check_tables(table: Mapping[str, Any], where: str) -> bool:
    """Whether the loss has roles; BadInput where they are incomplete, or mixed with a residual."""
    roles = [name for name in ROLES if name in table]
    for name in ("variables", *roles):
        first = ", the residual first" if not roles else ""
        if name in table and not isinstance(table[name], dict):
            raise BadInput(f"{where}: '{name}' must be a table, [{name}]{first}")
    count = sum(len(table.get(name, ())) for name in ("variables", *roles))
    if count > MAX_VARIABLES:
        raise BadInput(f"{where}, variables: {count} of them; at most {MAX_VARIABLES}")
    variables = list(table.get("variables", ()))
    if not roles:
        if not variables:
            raise BadInput(f"{where}: 'variables' must be a table, [variables], the residual first")
        if variables[0] != "x" and "x" in variables:
            raise BadInput(f"{where}, variables: x is the residual's name; put it first")
        return False
    if "x" in variables:
        raise BadInput(
            f"{where}: a loss has either a residual x or the roles [prediction] and [target]; "
            "with roles, [variables] holds the parameters alone"
        )
    if not table.get("prediction"):
        raise BadInput(f"{where}: [target] without a [prediction]; declare what is predicted")
    if len(table.get("target", ())) > 1:
        raise BadInput(f"{where}, target: one target, not {len(table['target'])}")
    return True


def _lets(table: Mapping[str, Any], symbols: Mapping[str, Symbol], where: str) -> tuple[Let, ...]:
    known = dict(symbols)
    lets = []
    for name in table:
        names.check_variable(name, f"{where}, where")
        if name in known or name == "x":
            raise BadInput(f"{where}, where: '{name}' is already a variable")
        text = _string(table, name, f"{where}, where")
        made = let(name, read(text, known, f"{where}, where, {name}"))
        known[name] = made
        lets.append(made)
        _check_size(tuple(lets), made, where)
    return tuple(lets)


def _check_size(lets: tuple[Let, ...], formula: Expr, where: str) -> None:
    """Bound the formula with every named part written out, without writing it out."""
    sizes: dict[Expr, int] = {}
    for name in lets:
        sizes[name] = sum(sizes.get(part, 1) for part in preorder_traversal(name.definition))
    if sum(sizes.get(part, 1) for part in preorder_traversal(formula)) > MAX_NODES:
        raise BadInput(f"{where}: written out, the formula has more than {MAX_NODES} parts")


def _declared(name: str, symbols: Mapping[str, Symbol], where: str) -> Symbol:
    if name not in symbols:
        declared = ", ".join(symbols) or "none"
        raise BadInput(f"{where}: {name[:40]!a} is no parameter (declared: {declared})")
    return symbols[name]


def _defaults(
    table: Mapping[str, Any], symbols: Mapping[str, Symbol], where: str
) -> dict[Symbol, float]:
    defaults = {}
    for name, value in table.items():
        place = f"{where}, defaults"
        symbol = _declared(name, symbols, place)
        if isinstance(value, bool) or not isinstance(value, (int, _Decimal)):
            raise BadInput(f"{place}, {name}: expected a number")
        try:
            defaults[symbol] = float(value)
        except OverflowError as error:
            raise BadInput(f"{place}, {name}: too large for a float") from error
        check_default(name, defaults[symbol], place)
    return defaults


def _special(
    table: Mapping[str, Any], symbols: Mapping[str, Symbol], where: str
) -> dict[Symbol, tuple[Expr, ...]]:
    special = {}
    for name, values in table.items():
        place = f"{where}, special, {name}"
        symbol = _declared(name, symbols, f"{where}, special")
        if not isinstance(values, list):
            raise BadInput(f'{place}: expected a list, such as [0, "oo"]')
        points = []
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, str)):
                raise BadInput(f'{place}: expected numbers, or text such as "oo"')
            text = str(value).replace("_", "").replace("inf", "oo")
            points.append(read_number(text, place))
        check_special(points, place)
        special[symbol] = tuple(points)
    return special
