"""What our own LaTeX export prints is read back to the same expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import sympy
from forms import derived
from sympy import Expr, nan, oo, zoo

from derive.definitions.catalogue import RESIDUAL as NAMES
from derive.definitions.find import find
from derive.verification.formulas.reader import read_latex
from derive.views.latex.letters import letters
from derive.views.latex.printer import Printer


def printed(name: str) -> Mapping[str, Expr]:
    """Every expression of the export: quantities, normalizers and limits."""
    derivation = derived(find(name))
    found = dict(derivation.pretty)
    density = derivation.density
    if density.log_partition is not None:
        found["log_partition"] = density.log_partition
    found |= {f"log Z at {p} = {v}": e for p, v, e in density.special}
    for limit in derivation.limits:
        if not limit.value.has(nan, zoo, oo):
            found[f"{limit.quantity} as {limit.variable} -> {limit.point}"] = limit.value
    return found


def read_back(text: str, symbols: Mapping[str, Any]) -> Expr:
    """The text with our own symbols for its letters."""
    found = read_latex(text).formulas[-1]
    moved = {}
    for symbol in found.free_symbols:
        moved[symbol] = symbols.get(symbol.name, sympy.E if symbol.name == "e" else symbol)
    return found.xreplace(moved)


def _numbers_out(e: sympy.Expr) -> sympy.Expr:
    """sqrt(2 - 2 tau) as sqrt(2) sqrt(1 - tau)."""
    return e.replace(
        lambda p: p.is_Pow and p.base.is_Add,
        lambda p: sympy.expand_power_base(sympy.factor_terms(p.base) ** p.exp),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_export_is_read_back(name: str) -> None:
    loss = find(name)
    written = letters(loss).symbols
    printer = Printer(written)
    symbols = {}
    for symbol in (*loss.variables, *loss.where):
        plain = written[symbol.name].replace("\\mathrm{", "").replace("_{", "_")
        symbols[plain.strip("\\}{").replace("}", "")] = symbol
    for quantity, expression in printed(name).items():
        for text in (printer.show(expression), printer.inline(expression)):
            found = read_back(text, symbols)
            wanted = expression.replace(
                lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.gamma),
                lambda e: sympy.loggamma(e.args[0].args[0]),
            )
            same = found == expression or sympy.simplify(found - wanted) == 0
            same = same or sympy.simplify(_numbers_out(found) - wanted) == 0
            assert same, f"{quantity}: {text}"
