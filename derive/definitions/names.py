"""Which names a loss and its variables may carry: they end up as files, arguments and LaTeX."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterable

from derive.errors import BadInput

MAX_NAME = 64

FUNCTIONS = frozenset(
    [
        "abs",
        "sign",
        "sqrt",
        "exp",
        "log",
        "log1p",
        "expm1",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "erf",
        "erfc",
        "gamma",
        "loggamma",
        "sum",
        "min",
        "max",
        "piecewise",
        "Abs",
        "Min",
        "Max",
        "Piecewise",
        "Rational",
    ]
)
# What papers call a parameter of a loss with roles; before a bracket it is the function.
LETTERS = frozenset(("gamma",))
CONSTANTS = frozenset(("pi", "E", "oo"))

# Words that the generated files use for something else; `d_…` and `d2_…` are refused by shape.
GENERATED = frozenset(
    [
        "np",
        "numpy",
        "torch",
        "math",
        "loss",
        "weight",
        "density",
        "log_density",
        "log_partition",
        "value_and_grad",
        "inf",
        "nan",
        "self",
        "cls",
        "input",
        "target",
        "reduction",
        "out",
        "dtype",
        "device",
        "forward",
        "backward",
        "I",
        "zoo",
    ]
)
# Top-level modules that a file of the same name would shadow beside the generated ones.
PACKAGES = frozenset(
    [
        "numpy",
        "torch",
        "scipy",
        "sympy",
        "mpmath",
        "jax",
        "jaxlib",
        "tensorflow",
        "keras",
        "sklearn",
        "pandas",
        "matplotlib",
        "flint",
        "statsmodels",
        "click",
        "rich",
        "jinja2",
        "pytest",
        "derive",
        "generated",
        "templates",
        "tests",
        "setup",
        "conftest",
        "for_numpy",
        "for_torch",
        "manifest",
        "con",
        "prn",
        "aux",
        "nul",
    ]
)

_LOOKALIKE = {
    "−": "-",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}


def strange_character(character: str) -> str:
    """Name a character that is not plain ASCII text, and say what to write for it."""
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    named = f"{code} ({name})" if name else code
    folded = unicodedata.normalize("NFKC", character)
    if character in _LOOKALIKE or (len(folded) == 1 and folded in _LOOKALIKE):
        return f"{named}; write {_LOOKALIKE.get(character) or _LOOKALIKE[folded]}"
    if name == "INFINITY":
        return f"{named}; write oo"
    if name.startswith("SUPERSCRIPT"):
        return f"{named}; write a power as **, such as x**2"
    if name.startswith("SUBSCRIPT"):
        return f"{named}; write an index as _, such as x_2"
    greek = re.fullmatch(r"GREEK SMALL LETTER (\w+)", unicodedata.name(folded[:1] or " ", ""))
    if greek:
        return f"{named}; write the letter's name, {greek[1].lower()}"
    return f"{named}; names and formulas are plain ASCII"


def _shown(name: str) -> str:
    """A name as it can stand in a one-line message: ASCII, escaped and short."""
    return ascii(name if len(name) <= 40 else name[:37] + "...")


def _check_identifier(name: str, what: str, where: str) -> None:
    if len(name) > MAX_NAME:
        raise BadInput(f"{where}: {what} {_shown(name)} has {len(name)} characters; at most 64")
    for character in name:
        if ord(character) > 126 or ord(character) < 32:
            raise BadInput(f"{where}: {what} {_shown(name)} holds {strange_character(character)}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise BadInput(
            f"{where}: {what} {_shown(name)} is not a name: start with a letter, "
            "go on with letters, digits and _"
        )
    if name.endswith("_") or "__" in name:
        raise BadInput(f"{where}: {what} '{name}' may neither end in _ nor hold __")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise BadInput(f"{where}: {what} '{name}' is a keyword of Python; choose another")


def check_variable(name: str, where: str, roles: bool = False) -> None:
    """Refuse (BadInput) a variable's name that code, formulas or LaTeX could misread.

    roles: the loss is one of a prediction and a target.
    """
    what = "variable"
    _check_identifier(name, what, where)
    allowed = LETTERS if roles else frozenset()
    if (name in FUNCTIONS and name not in allowed) or name in CONSTANTS:
        raise BadInput(f"{where}: {what} '{name}' already means something in formulas; rename it")
    derived = name.startswith(("d_", "d2_"))
    if derived or name in GENERATED or hasattr(builtins, name):
        raise BadInput(f"{where}: {what} '{name}' would shadow a name of the generated code")


def check_loss(name: str, where: str) -> None:
    """Refuse (BadInput) a loss's name that cannot be a file, a module or a function."""
    what = "loss name"
    _check_identifier(name, what, where)
    if name.lower() in PACKAGES or name.lower() in {m.lower() for m in sys.stdlib_module_names}:
        raise BadInput(f"{where}: {what} '{name}' would shadow the module '{name}' on import")
    if name in GENERATED or hasattr(builtins, name):
        raise BadInput(f"{where}: {what} '{name}' would shadow a name of the generated code")


def check_distinct(names: Iterable[tuple[str, str]]) -> None:
    """Refuse (BadInput) two names equal up to case; `names` are pairs (name, where it stands)."""
    seen: dict[str, tuple[str, str]] = {}
    for name, where in names:
        other, place = seen.setdefault(name.lower(), (name, where))
        if (other, place) == (name, where):
            continue
        if other == name:
            raise BadInput(f"{where}: '{name}' is already the name of the loss in {place}")
        raise BadInput(
            f"{where}: '{name}' and '{other}' ({place}) differ in case only: "
            "their files collide on some file systems"
        )


def letter(word: str) -> str:
    """A letter for formulas: one letter or the name of a Greek one, with digits as its index."""
    if not re.fullmatch(r"[A-Za-z]{1,12}(_?[0-9]{1,3})?", word):
        raise BadInput(
            f"{word[:40]!a} is no letter for formulas; write one such as nu, epsilon or c_1"
        )
    return word
