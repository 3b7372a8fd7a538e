"""A grammar-based fuzz of the readers: read, or refused in one line; never anything else.

10^4 inputs here; DERIVE_FUZZ=1000000 in the environment asks for more.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
from verification.formulas.texts import READ, REFUSED

from derive.definitions.find import find
from derive.definitions.lossfile import parse
from derive.errors import BadInput
from derive.verification.claims.file import parse_claims
from derive.verification.claims.reader import read_statement, read_where
from derive.verification.formulas.reader import read_latex

COUNT = int(os.environ.get("DERIVE_FUZZ", "10000"))
SLOWEST = 2.0

LATEX = [
    "x",
    "c",
    "r",
    "\\alpha",
    "\\delta",
    "2",
    "0.5",
    "+",
    "-",
    "=",
    "^",
    "_",
    "/",
    "*",
    ",",
    ".",
    "&",
    "(",
    ")",
    "[",
    "]",
    "\\{",
    "\\}",
    "{",
    "}",
    "|",
    "\\|",
    "\\frac",
    "\\tfrac",
    "\\sqrt",
    "\\left(",
    "\\right)",
    "\\left|",
    "\\right|",
    "\\left\\{",
    "\\right.",
    "\\log",
    "\\ln",
    "\\exp",
    "\\min",
    "\\max",
    "\\Gamma",
    "e",
    "\\begin{cases}",
    "\\end{cases}",
    "\\\\",
    "\\text{if}",
    "\\text{otherwise}",
    "\\text{with}",
    "\\le",
    "<",
    "\\ne",
    "\\cdot",
    "\\operatorname{sgn}",
    "\\mathbb{1}",
    "\\hat{y}",
    "\\mathbf{r}",
    "\\infty",
    "\\pi",
    "K_1",
    "\\quad",
    "\\,",
    "'",
    "\\partial",
    "\\propto",
    "\\approx",
    "\\sum",
    "exp",
    "log",
    "beta",
    "$",
    "%",
    "#",
    "~",
    "²",
    "α",
    "\\label{a}",
    "\\tag{1}",
    "\\begin{aligned}",
    "\\end{aligned}",
    "10^{100}",
    "^{-1}",
    "\\input{a}",
    "\\write18{b}",
    "\\left.",
    "\\Bigl(",
    "\\Big/",
    "\\mathrm{df}",
]
CLAIM = [
    "x",
    "scale",
    "alpha",
    "loss",
    "d_x",
    "weight",
    "log_partition",
    "density",
    "2",
    "0.5",
    "+",
    "-",
    "*",
    "/",
    "**",
    "(",
    ")",
    ",",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "diff",
    "limit",
    "integral",
    "sup",
    "inf",
    "continuous",
    "convex",
    "even",
    "bounded",
    "smooth",
    "oo",
    "pi",
    "exp",
    "log",
    "abs",
    "sqrt",
    "min",
    "max",
    "piecewise",
    "and",
    "or",
    "not",
    "'+'",
    '"-"',
    "True",
    "lambda",
    "x:",
    "[",
    "]",
    "{",
    "}",
    ".",
    ";",
    "=",
    "%",
    "#",
    "@",
    "__import__",
    "eval",
    "1e400",
    "9**9**9",
    "0x1",
    "f''",
    "is",
    "None",
]
TOML = (
    "[[claim]]\n", 'id = "a"\n', 'says = "loss > 0"\n', 'loss = "huber"\n', 'formula = "x"\n',
    "[claim.variables]\n", 'x = "real"\n', "where = 3\n", 'where = "x > 0"\n', "id = 1\n", "says\n",
    'loss = "no"\n', "= \n", '"""', "[claim]\n", "x = [1, 2]\n", "\\u0000", 'source = "\\n"\n',
    'id = "b"\n', 'says = "even(loss, x)"\n', "\x00", 'variables = { x = "real" }\n',
    'corrects = 1\n',
)  # fmt: skip

FILE = '[[claim]]\nid = "a"\nloss = "huber"\nsays = "even(loss, x)"\nsource = "a page, its"\n'


LOSS = (
    'name = "a"\n', 'loss = "x**2"\n', "[variables]\n", 'x = "real"\n', 'c = "positive"\n',
    'c = "[0, 1]"\n', 'c = "(0, oo)"\n', "[defaults]\n", "c = 1.0\n", "c = -1\n", "[special]\n",
    'c = ["oo"]\n', "[prediction]\n", "[target]\n", 'y = "index of k"\n', 'z = "real over k"\n',
    'p = "probability over k"\n', "c", "x", "abs(", ")", "**", "log(", "oo", "1e999", "/0", '"',
    "[", "]", "min(x, c)", "piecewise((x, x > 0), (1, True))", "sum(exp(z))", "z[y]", "\x00",
    "\u0430", "c = [1]\n",
    'title = "\\\\"\n', "name = 3\n", "gamma(", "0.1**400", "=", "[where]\n", 's = "x/c"\n',
)  # fmt: skip
LOSSES = (
    'name = "a"\nloss = "c**2*(abs(x)/c - log(1 + abs(x)/c))"\n[variables]\nx = "real"\n'
    'c = "positive"\n[defaults]\nc = 1.4\n[special]\nc = ["oo"]\n',
    'name = "a"\nloss = "y*log(y/mu) - y + mu"\n[prediction]\nmu = "positive"\n[target]\n'
    'y = "nonnegative"\n',
    'name = "a"\nloss = "log(sum(exp(z))) - z[t]"\n[prediction]\nz = "real over k"\n[target]\n'
    't = "index of k"\n',
)


def made(words: tuple[str, ...] | list[str], dice: random.Random, between: str) -> str:
    return between.join(dice.choice(words) for _ in range(dice.randint(1, 14)))


def mutated(text: str, words: list[str], dice: random.Random) -> str:
    """A known text with something cut, doubled, swapped or put in."""
    at, end = sorted(dice.randint(0, len(text)) for _ in range(2))
    match dice.randint(0, 3):
        case 0:
            return text[:at] + text[end:]
        case 1:
            return text[:end] + text[at:]
        case 2:
            return text[:at] + dice.choice(words) + text[at:]
    return text[end:] + text[:at]


def latex(dice: random.Random) -> None:
    texts = [t for t, _ in (*READ, *REFUSED)]
    if dice.random() < 0.5:
        read_latex(made(LATEX, dice, dice.choice(("", " "))))
    else:
        read_latex(mutated(dice.choice(texts), LATEX, dice))


def claims(dice: random.Random) -> None:
    loss = find("barron")
    text = made(CLAIM, dice, " ")
    if dice.random() < 0.7:
        read_statement(text, loss, "loss", "claim")
    else:
        read_where(text, loss, "claim")


def files(dice: random.Random) -> None:
    text = made(TOML, dice, "") if dice.random() < 0.5 else mutated(FILE, list(TOML), dice)
    parse_claims(text, "claims.toml")


def losses(dice: random.Random) -> None:
    whole = dice.choice(LOSSES)
    text = made(LOSS, dice, "") if dice.random() < 0.3 else mutated(whole, list(LOSS), dice)
    parse(text, "loss.toml")


@pytest.mark.parametrize(
    ("reader", "share"), [(latex, 0.45), (claims, 0.3), (files, 0.15), (losses, 0.1)]
)
def test_readers_read_or_refuse(reader: Callable[[random.Random], None], share: float) -> None:
    dice = random.Random(11)
    read = 0
    for number in range(int(COUNT * share)):
        start = time.process_time()
        try:
            reader(dice)
            read += 1
        except BadInput as trouble:
            assert "\n" not in str(trouble), f"input {number}"
            assert len(str(trouble)) < 600
        except Exception as fault:
            told = f"input {number}, {reader.__name__}: {fault!r}"
            raise AssertionError(told) from fault
        assert time.process_time() - start < SLOWEST, f"input {number}"
    assert read > 0
