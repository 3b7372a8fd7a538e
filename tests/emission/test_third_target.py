"""A target is a file and a folder: plain Python for scalars, under toy/, beside those of derive.

Nothing of derive knows of it: the file is found by listing a folder, its templates are one.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import mpmath
import pytest
from forms import derivation, of_catalogue

from derive.calculus.evaluate import evaluate
from derive.definitions.catalogue import RESIDUAL
from derive.emission import render as room
from derive.emission import targets
from derive.program.lowering import lower_module

TOY = Path(__file__).parent / "toy"
POINTS = (-40.0, -2.5, -0.8, -0.3, 0.0, 1e-3, 0.7, 1.6, 12.0)
PARAMETERS = {
    "alpha": (-1.4, 0.5, 1.0, 3.2), "scale": (1.7,), "delta": (0.9,), "beta": (0.9,),
    "df": (0.8, 4.3),
}  # fmt: skip


@pytest.fixture(scope="module")
def scalar():
    """The target as it is found, and a folder of templates that holds it, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "__path__", [*targets.__path__, str(TOY / "targets")])
        patch.setattr(room, "templates_folder", lambda: TOY / "templates")
        room.environment.cache_clear()
        yield targets.found()["scalar"]
    room.environment.cache_clear()


def test_it_is_small():
    files = [p for p in TOY.rglob("*") if p.suffix in (".py", ".j2")]
    assert sum(len(p.read_text().splitlines()) for p in files) <= 200


def _exact(expression, loss, values):
    point = {v: mpmath.mpf(values[v.name]) for v in loss.variables}
    with mpmath.workdps(60):
        return float(evaluate(expression, point))


# Choosing forms takes seconds a loss: the first ten stand for all.
@pytest.mark.parametrize("name", tuple(RESIDUAL)[:10])
def test_the_catalogue_in_a_third_language(name, scalar):
    form = of_catalogue(name)
    raw = derivation(form.loss)
    text = room.render(lower_module(raw, form, name), scalar)
    space: dict = {}
    exec(compile(text, f"{name}.py", "exec"), space)
    names = [p.name for p in form.loss.parameters]
    for parameters in itertools.product(*(PARAMETERS[n] for n in names)):
        for x in POINTS:
            values = dict(zip([v.name for v in form.loss.variables], (x, *parameters), strict=True))
            found = {q: space[q](x, *parameters) for q in form.names}
            assert space["value_and_grad"](x, *parameters) == (found["loss"], found["d_x"])
            for quantity, got in found.items():
                if x == 0 and quantity in ("weight", "d_x", "d2_x"):
                    continue  # 0/0 and kinks: limits, which the definition does not hold
                want = _exact(raw.quantities[quantity], form.loss, values)
                assert math.isclose(got, want, rel_tol=1e-11, abs_tol=1e-15), (quantity, values)
        assert math.isnan(space["loss"](math.nan, *parameters))


def test_it_reads_like_the_others(scalar):
    form = of_catalogue("huber")
    text = room.render(lower_module(derivation(form.loss), form, "huber"), scalar)
    assert "    return min(max(x, -delta), delta)\n" in text
    assert "abs(x) <= delta" in text
