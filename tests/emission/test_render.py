"""Whole files as text: prose that is data, pages that are pages, the same bytes every time."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import sympy
from forms import of_catalogue, stable_form

from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.emission import wording
from derive.emission.render import Prose, context, render
from derive.emission.targets import TARGETS
from derive.program.density import DensityForm
from derive.program.lowering import lower_module

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


def _written(text, target, where="description"):
    huber = of_catalogue("huber")
    change = {"description": text} if where == "description" else {where: text}
    loss = dataclasses.replace(huber.loss, **change)
    form = dataclasses.replace(huber, loss=loss)
    prose = Prose("huber", (text, "") if where == "description" else (), {})
    return render(lower_module(form, DensityForm()), form, target, prose)


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
    assert _words(text.rstrip(".") if where == "title" else text) in found
    if where == "title":
        functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        for n in ("loss", "HuberLoss")[: 2 if target.name == "torch" else 1]:
            assert _words(text.rstrip(".")) in _words(ast.get_docstring(functions[n]))


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


@pytest.mark.parametrize("indent", [0, 4])
@pytest.mark.parametrize("name", HOSTILE)
def test_docstrings_mean_their_text(name, indent):
    for lines in ([HOSTILE[name]], ["First.", "", HOSTILE[name]], [HOSTILE[name], "Last."]):
        text = wording.docstring(lines, indent)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value = ast.literal_eval(text.strip())
        assert _words(value) == _words(" ".join(lines))
        assert text.startswith(" " * indent + '"""')


def test_long_prose_is_wrapped():
    text = wording.docstring(["word " * 100, "", "    loss = " + "x + " * 60 + "1"], 4)
    assert max(map(len, text.split("\n"))) <= wording.WIDTH


@targets
@pytest.mark.parametrize("name", ["huber", "barron", "welsch", "absolute"])
def test_rendering_twice_gives_the_same_bytes(name, target):
    form = of_catalogue(name)
    prose = Prose(name, (), {})
    texts = {render(lower_module(form, DensityForm()), form, target, prose) for _ in range(3)}
    assert len(texts) == 1
    (text,) = texts
    assert text.endswith("\n")
    assert not [line for line in text.split("\n") if line != line.rstrip()]


PROGRAM = """
import sys
sys.path[:0] = {paths!r}
from forms import of_catalogue
from derive.emission.render import Prose, render
from derive.emission.targets import TARGETS
from derive.program.density import DensityForm
from derive.program.lowering import lower_module
import hashlib
total = hashlib.sha256()
for name in ("huber", "cauchy"):
    form = of_catalogue(name)
    for target in TARGETS.values():
        text = render(lower_module(form, DensityForm()), form, target, Prose(name, (), {{}}))
        total.update(text.encode())
print(total.hexdigest())
"""


def test_no_hash_seed_and_no_folder_shows_in_the_text(tmp_path):
    paths = [str(Path(__file__).parents[1] / "numerics"), str(Path(__file__).parents[2])]
    seen = set()
    for seed, zone in (("0", "UTC"), ("31", "Asia/Kathmandu")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(paths=paths)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


@targets
def test_the_context_is_text_only(target):
    """All printing is over before a template is opened: strings, lists and dictionaries of them."""
    form = of_catalogue("cauchy")

    def check(value):
        if isinstance(value, dict):
            return all(isinstance(k, str) and check(v) for k, v in value.items())
        if isinstance(value, list | tuple):
            return all(map(check, value))
        return isinstance(value, str | bool)

    found = context(lower_module(form, DensityForm()), form, target, Prose("cauchy", (), {}))
    assert {k for k, v in found.items() if not check(v)} == set()


@targets
def test_a_file_says_where_it_comes_from(target):
    loss = load("cauchy")
    form = of_catalogue("cauchy")
    text = render(
        lower_module(form, DensityForm()), form, target, Prose("cauchy", (), {"loss": "Exact."})
    )
    head = text.split('"""')[0]
    assert loss.digest in head
    assert f"derive regenerate cauchy --target {target.name}" in head
    tree = ast.parse(text)
    documents = ast.get_docstring(tree)
    assert loss.source in documents
    assert loss.title in documents
    assert "scale > 0" in documents
    (function,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "loss")
    assert "Exact." in ast.get_docstring(function)


@targets
def test_parameters_may_be_called_like_the_file_s_own_words(target):
    x, y, u = sympy.Symbol("x", real=True), *sympy.symbols("y u", positive=True)
    loss = Loss(
        name="collide", title="Collide", source="tests", variables=(x, y, u),
        loss=sympy.log(1 + (x / y) ** 2) * u,
    )  # fmt: skip
    form = stable_form(loss)
    text = render(lower_module(form, DensityForm()), form, target, Prose("collide", (), {}))
    space = {"__name__": "collide"}
    exec(compile(text, "collide", "exec"), space)
    assert float(space["loss"](1.5, 2.0, 3.0)) == pytest.approx(3 * 0.4462871026284195, rel=1e-6)
    assert float(space["d_u"](1.5, 2.0, 3.0)) == pytest.approx(0.4462871026284195, rel=1e-6)
