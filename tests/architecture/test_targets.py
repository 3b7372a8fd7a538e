"""Every target has a word for every operation of the vocabulary, the word exists there, and no
line outside of its own file and folder names it."""

from __future__ import annotations

import builtins
import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from derive.emission.printer import NoSpelling, Printer
from derive.emission.render import templates_folder
from derive.emission.targets import TARGETS
from derive.numerics.nodes import OPERATIONS, Call, Name
from derive.numerics.nodes import node as as_node

ROOT = Path(__file__).parents[2]


def _call(op):
    arity = OPERATIONS[op][0]
    if arity < 0:
        return Call(op, (Name("x"), *(as_node(k) for k in (2, 3))))
    return Call(op, tuple(Name(n) for n in "xyz"[:arity]))


def _exists(word, target, op):
    """Whether a dotted or private name means something in a file of this target."""
    if word == "lambda" or hasattr(builtins, word):
        return True
    if word.startswith("_"):
        folder = templates_folder() / target.name / "library"
        sources = [p.read_text() for p in folder.glob(f"{op}.*")]
        return any(re.search(rf"^def {word}\(", s, re.MULTILINE) for s in sources)
    module, _, name = word.rpartition(".")
    library = {"np": "numpy", "torch": "torch", "math": "math"}[module]
    return hasattr(importlib.import_module(library), name)


def lacking(target):
    """The operations that a target cannot say."""
    printer = Printer(target.syntax)
    missing = set()
    for op in OPERATIONS:
        try:
            words = re.findall(r"([\w.]+)\(", printer.expression(_call(op)))
        except NoSpelling:
            missing.add(op)
        else:
            missing |= {op for w in words if not w.startswith(".") and not _exists(w, target, op)}
    return missing


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_says_every_operation(target):
    assert lacking(target) == set()


def test_a_target_that_lacks_one_is_noticed():
    numpy = TARGETS["numpy"]
    words = dict(numpy.syntax.operations)
    del words["erfc"]
    assert lacking(replace(numpy, syntax=replace(numpy.syntax, operations=words))) == {"erfc"}
    words = {**numpy.syntax.operations, "erfc": numpy.syntax.operations["erf"]}
    assert lacking(replace(numpy, syntax=replace(numpy.syntax, operations=words))) == {"erfc"}


# Lines that mean the library itself, by which derive computes, not the target.
COMPUTES = re.compile(
    r"^\s*(import numpy|from numpy|import torch)|numpy\.|\[numpy|m in \(|in sys.modules|metadata\."
)


def test_no_line_outside_a_target_s_file_names_it():
    named = {}
    for path in sorted((ROOT / "derive").rglob("*.py")):
        room = path.relative_to(ROOT / "derive").parts
        if room[:2] == ("emission", "targets") or room == ("definitions", "names.py"):
            continue  # names.py lists the packages of Python that a file must not shadow
        if room[0] == "verification":
            continue  # the judge runs other people's code, whatever library it is written for
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = set(re.findall(r"[A-Za-z_]+", line)) & {*TARGETS, "for_numpy", "for_torch"}
            if words and not COMPUTES.search(line) and not _is_prose(line):
                named[f"{'/'.join(room)}:{number}"] = line.strip()
    assert not named


def _is_prose(line):
    """A comment, an example of a docstring, or a sentence of one, which holds no code."""
    text = line.strip()
    return text.startswith(("#", '"""', ">>>", "source=")) or not re.search(
        r"[=(\[{]|^import|^from|^\"", text
    )
