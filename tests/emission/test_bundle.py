"""A bundle is one file that needs no other one, and does what the three do."""

from __future__ import annotations

import pytest

from derive.emission.bundle import bundle

LOSS = '''# The head.
"""A loss."""

from functools import wraps

import numpy as np

__all__ = ["d_x", "loss"]


def loss(x):
    return _half(x) * x


def d_x(x):
    return x


def _half(x):
    return np.float64(x) / 2
'''
SHARED = '''"""For all densities."""

from __future__ import annotations

import numpy as np
from numpy.linalg import norm

from ._tools import _half as _halved, twice


class Density:
    def __init__(self, loss):
        self.loss = loss

    def total(self, x):
        return twice(self.loss(x)) + _halved(2) + _half(7) + float(norm([3, 4]))


def _half(x):
    """Another one: of whole numbers."""
    return x // 2
'''
TOOLS = '''"""Tools."""

import math


def twice(x):
    return 2 * x


def _half(x):
    return math.ldexp(x, -1)


def loss(x):
    """Nobody's."""
    return None
'''
DENSITY = '''"""Its density."""

from __future__ import annotations

from .._shared import Density
from ..parabola import loss

__all__ = ["total"]

_DENSITY = Density(loss)
total = _DENSITY.total
'''


@pytest.fixture(scope="module")
def text():
    return bundle(
        "parabola", LOSS, {"_shared": SHARED, "_tools": TOOLS, "_idle": "IDLE = 1\n"}, DENSITY
    )


def test_it_does_the_same(text):
    space: dict = {"__name__": "parabola"}
    exec(compile(text, "parabola", "exec"), space)
    assert space["loss"](4.0) == 8.0
    assert space["total"](4.0) == 16.0 + 1.0 + 3 + 5.0
    assert sorted(space["__all__"]) == ["d_x", "loss", "total"]


def test_it_begins_as_the_loss_file_does_and_imports_no_sibling(text):
    assert text.startswith('# The head.\n"""A loss."""\n')
    assert "from ." not in text
    assert text.count("import numpy as np") == 1
    assert text.index("import") < text.index("__all__")
    assert "from __future__ import annotations\n\nimport math\nfrom functools import wraps" in text


def test_what_nobody_needs_stays_out(text):
    assert "IDLE" not in text
