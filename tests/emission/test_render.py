"""Whole files as text: prose that is data, pages that are pages, the same bytes every time."""

from __future__ import annotations

import ast
import dataclasses
import warnings

import pytest
import sympy
from forms import derivation, of_catalogue

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.emission.printer import Printer
from derive.emission.render import context, function, render
from derive.emission.targets import TARGETS
from derive.emission.text import fitted, paragraph, quoted
from derive.numerics.forms import Regime, StableForm
from derive.numerics.nodes import Call, Local, Name, call, node, patch
from derive.pipeline import build
from derive.program.lowering import lower_module
from derive.program.module import Assignment, Block, Branch, Helper
from derive.progress import Progress

targets = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda t: t.name)
HOSTILE = {
    "triple quotes": '"""; import os; os.system("touch PWNED"); """',
    "quote at the end": 'ends with "',
    "four quotes": 'a """" b """"""',
    "single quotes": "''' ' \\' '''",
    "backslash at the end": "ends with a backslash \\",
    "backslashes": "\\N{BULLET} \\x41 \\d \\u0041 \\\\ \\",
    "backslash and quotes": '\\"""\\"',
    "template": "{{ cycler.__init__.__globals__.os.popen('touch PWNED').read() }}",
    "statements": "{% for i in range(99999) %}x{% endfor %} {# gone #}",
    "formats": "100% {name} {0} %s $x",
    "unicode": "Größe ρ(x) → ∞ 損失 𝛼 ½ ﬁ",
    "comment": "# not a comment",
    "long word": "x" * 300,
    "many words": "word " * 200,
    "TeX": "100% & $5 #1 _x ^2 ~ \\",
}


def _text(loss, form, target, subject="huber"):
    form = dataclasses.replace(form, loss=loss)
    return render(lower_module(derivation(loss), form, subject), target)


def _written(text, target, where="description"):
    huber = of_catalogue("huber")
    return _text(dataclasses.replace(huber.loss, **{where: text}), huber, target)


def _words(text):
    return " ".join(text.split())


@targets
@pytest.mark.parametrize("where", ["description", "title", "source"])
@pytest.mark.parametrize("name", HOSTILE)
def test_prose_is_data(name, where, target):
    text = HOSTILE[name]
    module = _written(text, target, where)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = ast.parse(module)
        compile(module, "generated", "exec")
    found = _words(ast.get_docstring(tree))
    assert _words(text if where == "description" else text.rstrip(".")) in found


@targets
@pytest.mark.parametrize("where", ["description", "title", "source"])
@pytest.mark.parametrize("name", HOSTILE)
def test_prose_adds_no_code(name, where, target):
    """The code of the file, docstrings apart, is that of the file with plain prose."""

    def code(text):
        tree = ast.parse(_written(text, target, where))
        for n in ast.walk(tree):
            if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(n):
                n.body = n.body[1:] or [ast.Pass()]
        return ast.dump(tree)

    assert code(HOSTILE[name]) == code("Plain words.")


@targets
@pytest.mark.parametrize("name", HOSTILE)
def test_quoted_text_means_itself(name, target):
    inside = quoted(HOSTILE[name], target.syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ast.literal_eval(f'"""{inside}\n"""') == HOSTILE[name] + "\n"


def test_long_prose_is_wrapped():
    lines = paragraph("word " * 100, 90, TARGETS["numpy"].syntax)
    assert len(lines) > 3
    assert max(map(len, lines)) <= 90


@pytest.mark.parametrize(
    ("items", "each", "text"),
    [
        (["a", "b"], False, "function(a, b)"),
        (["a" * 50, "b" * 32], False, f"function(\n    {'a' * 50}, {'b' * 32}\n)"),
        (["a" * 50, "b" * 32], True, f"function(\n    {'a' * 50},\n    {'b' * 32},\n)"),
        (["a" * 60, "b" * 60], False, f"function(\n    {'a' * 60},\n    {'b' * 60},\n)"),
    ],
)
def test_lists_fit_the_page(items, each, text):
    assert fitted(items, "function(", ")", each=each, width=90) == text


@targets
@pytest.mark.parametrize("name", ["huber", "welsch", "absolute"])
def test_rendering_twice_gives_the_same_bytes(name, target):
    form = of_catalogue(name)
    texts = {_text(form.loss, form, target, name) for _ in range(3)}
    assert len(texts) == 1
    (text,) = texts
    assert text.endswith("\n")
    assert not [line for line in text.split("\n") if line != line.rstrip()]


@targets
def test_the_context_is_text_only(target):
    """All printing is over before a template is opened: strings, lists and dictionaries of them."""
    form = of_catalogue("cauchy")

    def check(value):
        if isinstance(value, dict):
            return all(isinstance(k, str) and check(v) for k, v in value.items())
        if isinstance(value, list | tuple):
            return all(map(check, value))
        return isinstance(value, str | bool | int)

    found = context(lower_module(derivation(form.loss), form, "cauchy"), target)
    assert {k for k, v in found.items() if not check(v)} == set()


@targets
def test_a_file_says_where_it_comes_from(target):
    loss = load("cauchy")
    text = _text(loss, of_catalogue("cauchy"), target, "cauchy")
    head = text.split('"""')[0]
    assert "SPDX-License-Identifier: MIT" in head
    assert "Copyright" in head
    assert loss.digest in head
    assert f"derive regenerate cauchy --target {target.name}" in _words(head.replace("#", ""))
    documents = ast.get_docstring(ast.parse(text))
    assert loss.source in _words(documents)
    assert loss.title in documents
    assert "scale > 0" in documents
    assert "docs/accuracy.md" in documents


def _collide(*names):
    x, (y, u) = sympy.Symbol("x", real=True), sympy.symbols(names, positive=True)
    return Loss(
        name="collide", title="Collide", source="tests", variables=(x, y, u),
        loss=sympy.sqrt(1 + (x / y) ** 2) * u - u,
    )  # fmt: skip


@pytest.fixture(scope="module")
def collision():
    """A loss of two parameters, and its form: Charbonnier's times a number."""
    of = of_catalogue("charbonnier").regimes[0].quantities
    u = Name("u")
    quantities = {
        "loss": of["loss"] * u, "d_x": of["d_x"] * u, "d_scale": of["d_scale"] * u,
        "d_u": of["loss"], "d2_x": of["d2_x"] * u, "d2_x_scale": of["d2_x_scale"] * u,
        "d2_x_u": of["d_x"], "d2_scale": of["d2_scale"] * u, "d2_scale_u": of["d_scale"],
        "d2_u": node(0), "weight": of["weight"] * u,
    }  # fmt: skip
    regime = Regime("general", "otherwise", None, quantities)
    return StableForm(_collide("scale", "u"), (regime,), (), {}, "")


WORDS = [
    ("y", "u"), ("q", "p"), ("formula", "found"), ("part", "rest"), ("value", "slope"),
    ("parameters", "array"), ("far", "near"), ("size", "half"), ("rows", "name"), ("w", "r"),
    ("accepts", "rule"), ("flat", "outs"), ("terms", "kinds"), ("evaluate", "wraps"),
]  # fmt: skip


@targets
@pytest.mark.parametrize("names", WORDS, ids="-".join)
def test_parameters_may_be_called_like_the_file_s_own_words(names, target, collision):
    loss = _collide(*names)
    text = _text(loss, _with_letters(collision, loss), target, "collide")
    space = {"__name__": "collide"}
    exec(compile(text, "collide", "exec"), space)
    assert float(space["loss"](1.5, 2.0, 3.0)) == pytest.approx(0.75, rel=1e-6)
    assert float(space[f"d_{names[1]}"](1.5, 2.0, 3.0)) == pytest.approx(0.25, rel=1e-6)
    assert float(space["loss"](1.5, **{names[1]: 3.0, names[0]: 2.0})) == pytest.approx(0.75)
    with pytest.raises(ValueError, match=f"{names[0]} must be > 0 and finite"):
        space["loss"](1.5, -2.0, 3.0)


def _with_letters(form, loss):
    """The form of the same loss under other letters."""
    letters = {v.name: w.name for v, w in zip(form.loss.variables, loss.variables, strict=True)}

    def renamed(n):
        if isinstance(n, Name):
            return Name(letters.get(n.name, n.name))
        if isinstance(n, Local):
            return Local(n.name, renamed(n.value))
        return Call(n.op, tuple(map(renamed, n.args))) if isinstance(n, Call) else n

    def word(quantity):
        return "_".join(letters.get(part, part) for part in quantity.split("_"))

    regimes = tuple(
        dataclasses.replace(r, quantities={word(q): renamed(n) for q, n in r.quantities.items()})
        for r in form.regimes
    )
    return dataclasses.replace(form, loss=loss, regimes=regimes, diverging={})


def test_a_value_that_two_branches_begin_with_stands_after_what_it_needs():
    """`far` is the same text in both, but w is not the same value in both."""
    w, far = Name("w"), Assignment("far", call("le", 9, Name("w")))
    ways = (Assignment("w", Name("y") * 2), far), (Assignment("w", Name("y") * Name("b")), far)
    blocks = [Block(way, (patch(Name("far"), 0, w),)) for way in ways]
    branch = Branch(call("lt", Name("b"), 2), "", blocks[0])
    found = function(
        Helper("h", ("y", "b"), "A helper.", (branch,), blocks[1]), Printer(TARGETS["numpy"].syntax)
    )
    assert not found["shared"]


def test_a_helper_without_its_shortcut_keeps_the_lines_that_both_begin_with():
    """PyTorch's files have no branches on parameters."""
    w, r = Assignment("w", Name("y") * Name("y")), 1 + Name("w")
    cheap = Branch(call("le", Name("q"), 2), "", Block((w,), (r,)))
    helper = Helper("h", ("y", "q"), "What it is.", (cheap,), Block((w,), (r * Name("q"),)))
    form = of_catalogue("absolute")
    module = lower_module(derivation(form.loss), form, "absolute")
    text = render(dataclasses.replace(module, helpers=(helper,)), TARGETS["torch"])
    assert "    w = y * y\n" in text[text.index("def _h(") :]


def test_a_long_name_is_imported_between_brackets():
    x = sympy.Symbol("x", real=True)
    name = "absolute_" + "long_" * 12 + "name"
    files = build(Loss(name, variables=(x,), loss=sympy.Abs(x)), tuple(TARGETS), name, Progress())
    for path, text in files.files.items():
        ast.parse(text)
        long = [
            line for line in text.splitlines() if line.startswith("from ..") and len(line) > 100
        ]
        assert not long, path
