"""LaTeX as people typeset it: read as they mean it, or refused with the place and the reason."""

from __future__ import annotations

import re

import pytest
import sympy
from verification.formulas.texts import READ, REFUSED

from derive.definitions.formula import read
from derive.errors import BadInput
from derive.verification.formulas.reader import read_latex


@pytest.mark.parametrize(("text", "meaning"), READ, ids=[t for t, _ in READ])
def test_what_a_text_means(text: str, meaning: str) -> None:
    found = read_latex(text).formulas[-1]
    names = {s.name: s for s in found.free_symbols}
    wanted = read(meaning, names, "test")
    assert found == wanted or sympy.simplify(found - wanted) == 0


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[ascii(t) for t, _ in REFUSED])
def test_what_is_refused_is_told_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as trouble:
        read_latex(text)
    message = str(trouble.value)
    assert reason in message
    assert "\n" not in message
    assert re.match(r"latex(, column \d+)?: ", message)


def test_the_left_side_names_the_letters() -> None:
    found = read_latex(r"L_\delta(a)=a^2")
    assert found.arguments == ("a",)
    assert found.subscripts == ("delta",)
    assert read_latex(r"\rho(x,\sigma)=x=y=z").formulas == tuple(
        sympy.Symbol(n, extended_real=True) for n in "xyz"
    )


def test_size_is_bounded() -> None:
    for text in ("x+" * 5_000 + "x", "(" * 200 + "x" + ")" * 200, r"\frac{1}{" * 500):
        with pytest.raises(BadInput):
            read_latex(text)
