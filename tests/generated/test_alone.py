"""A single file, copied into somebody's project, needs its array library and nothing else."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from table import LOSSES, TARGETS

ROOT = Path(__file__).parents[2]
LIBRARY = {"numpy": "numpy", "torch": "torch"}
STANDARD = {"__future__", "collections", "functools", "math", "typing", "warnings"}

PROBE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {refused!r}:
            raise ModuleNotFoundError("refused: " + name)
sys.meta_path.insert(0, Refuse())
import warnings
warnings.simplefilter("error")
import {name}
value = float({name}.loss(1.5))
assert 0 < value < 3, value
assert float({name}.value_and_grad(1.5)[0]) == value
assert {name}.__file__.startswith({folder!r})
assert not {refused!r} & {{n.split(".")[0] for n in sys.modules}}
print("fine")
"""


def _text(target: str, loss: str) -> str:
    return (ROOT / "generated" / f"for_{target}" / f"{loss}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("target", "losses"), [("numpy", LOSSES), ("torch", ("huber", "barron"))])
def test_a_copied_file_works_alone(tmp_path, target, losses):
    for loss in losses:
        name = f"borrowed_{loss}"
        folder = tmp_path / loss
        folder.mkdir()
        shutil.copy(ROOT / "generated" / f"for_{target}" / f"{loss}.py", folder / f"{name}.py")
        refused = {"derive", "generated", *({"torch"} if target == "numpy" else ())}
        if target == "numpy":
            refused |= {"sympy", "mpmath", "scipy"}
        probe = PROBE.format(refused=refused, name=name, folder=str(folder))
        # torch itself looks for SymPy, and does without a project's own
        done = subprocess.run(
            [sys.executable, "-c", probe], cwd=folder, capture_output=True, text=True, timeout=120
        )
        assert done.stdout == "fine\n", done.stderr


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_only_the_array_library_is_imported(loss, target):
    tree = ast.parse(_text(target, loss))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {a.name.partition(".")[0] for a in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])
    assert LIBRARY[target] in imported
    assert imported <= {LIBRARY[target], *STANDARD}
    inside = [
        n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)
        if isinstance(n, ast.Import)
    ]  # fmt: skip
    assert not inside


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_private_function_is_used(loss, target):
    text = _text(target, loss)
    tree = ast.parse(text)
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_"):
            assert node.name in names, node.name


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_page_is_a_page(loss, target):
    text = _text(target, loss)
    lines = text.split("\n")
    assert max(map(len, lines)) <= 100, max(lines, key=len)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text
    assert not [line for line in lines if line != line.rstrip()]
    assert not re.search(r"\d{4}-\d\d|\d\d:\d\d", "".join(lines[:3]))  # no date
    compile(text, f"{loss}.py", "exec", flags=0, dont_inherit=True)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_public_function_has_its_docstring(loss, target):
    tree = ast.parse(_text(target, loss))
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    module = importlib.import_module(f"generated.for_{target}.{loss}")
    for n in tree.body:  # on one line
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call):
            functions |= {t.id for t in n.targets if isinstance(t, ast.Name)}
    listed = [
        name
        for n in tree.body
        if isinstance(n, ast.Assign | ast.AugAssign)
        and getattr(n.targets[0] if isinstance(n, ast.Assign) else n.target, "id", "") == "__all__"
        for name in ast.literal_eval(n.value)
    ]
    assert len(set(listed)) == len(listed)
    for name in listed:
        assert name in functions
        assert inspect.getdoc(getattr(module, name)), name
    public = {n for n in functions if not n.startswith("_")}
    assert public == set(listed)
