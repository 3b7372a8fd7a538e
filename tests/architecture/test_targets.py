"""Every target has a word for every operation of the vocabulary, and the word exists there."""

from __future__ import annotations

import importlib
import itertools
import re
from dataclasses import replace

import pytest

from derive.emission.printer import Printer
from derive.emission.targets import TARGETS
from derive.numerics.nodes import OPERATIONS, Call, Name
from derive.numerics.nodes import node as as_node

VARYING = Name("x")
PARAMETER = Name("alpha")


def _calls(op):
    """The operation with every mixture of arrays and parameters as its arguments."""
    arity = OPERATIONS[op][0]
    if arity < 0:
        coefficients = tuple(as_node(k) for k in (2, 3))
        return [Call(op, (first, *coefficients)) for first in (VARYING, PARAMETER)]
    return [Call(op, args) for args in itertools.product((VARYING, PARAMETER), repeat=arity)]


def _exists(word, target):
    """Whether a dotted or private name means something in a file of this target."""
    if word in ("abs", "lambda"):
        return True
    if word.startswith("_"):
        source = "\n".join(target.runtime.values())
        return re.search(rf"^def {word}\(", source, re.MULTILINE) is not None
    module, _, name = word.rpartition(".")
    library = {"np": "numpy", "torch": "torch", "math": "math"}[module]
    return hasattr(importlib.import_module(library), name)


def lacking(target):
    """The operations that a target cannot say."""
    printer = Printer(target.dialect, frozenset(), frozenset({"x"}), "x, alpha", "x")
    missing = set()
    for op in OPERATIONS:
        for call in _calls(op):
            try:
                words = re.findall(r"([\w.]+)\(", printer.expression(call))
            except KeyError:
                missing.add(op)
            else:
                missing |= {op for word in words if not _exists(word, target)}
    return missing


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_says_every_operation(target):
    assert lacking(target) == set()


def test_a_target_that_lacks_one_is_noticed():
    numpy = TARGETS["numpy"]

    def spell(op, varies):
        if op == "erfc":
            raise KeyError(op)
        return numpy.dialect.spell(op, varies)

    without_a_word = replace(numpy, dialect=replace(numpy.dialect, spell=spell))
    assert lacking(without_a_word) == {"erfc"}
    without_a_body = replace(
        numpy, runtime={k: v for k, v in numpy.runtime.items() if k != "trigamma"}
    )
    assert lacking(without_a_body) == {"trigamma"}
