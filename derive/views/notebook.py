"""A loss and what follows from it, as a notebook shows them: one display of LaTeX each."""

from __future__ import annotations

from collections import Counter

from sympy import Expr

from derive.calculus.derivation import Derivation
from derive.calculus.presented import for_readers, gathered_logarithms
from derive.definitions.loss import Loss
from derive.definitions.quantity import Quantity
from derive.views.latex.letters import Letters, letters
from derive.views.latex.printer import Printer


def of_loss(loss: Loss) -> str:
    """The formula and its named parts."""
    return _display(_definition(loss, letters(loss)))


def of_derivation(derivation: Derivation) -> str:
    """The formula, every derivative, the weight, and log Z where it has a closed form."""
    loss = derivation.loss
    known = letters(loss)
    rows = _definition(loss, known)
    readable = for_readers(derivation)
    for name in derivation.quantities:
        if isinstance(name, Quantity) and name != "loss":
            rows.append((_label(name, known), _shown(readable[name], known)))
    log_partition = derivation.density.log_partition
    if log_partition is not None:
        log_z = gathered_logarithms(log_partition)
        rows.append((rf"\ln {known.quantities['Z']}", _shown(log_z, known)))
    return _display(rows)


def _definition(loss: Loss, known: Letters) -> list[tuple[str, str]]:
    arguments = ", ".join(known.symbols[v.name] for v in loss.variables)
    rows = [(f"{known.quantities['loss']}({arguments})", _shown(loss.loss, known))]
    return rows + [(known.symbols[v.name], _shown(v.definition, known)) for v in loss.where]


def _shown(value: Expr, known: Letters) -> str:
    return Printer(known.symbols).show(value)


def _label(name: Quantity, known: Letters) -> str:
    """d_x -> the partial derivative; weight -> w."""
    if not name.by:
        return known.quantities[name.of]
    rho = known.quantities["loss"]
    by = [v.name for v in name.by]
    order = f"^{{{len(by)}}}" if len(by) > 1 else ""
    below = "".join(
        rf"\,\partial {known.symbols[v]}" + (f"^{{{count}}}" if count > 1 else "")
        for v, count in Counter(by).items()
    ).removeprefix(r"\,")
    return rf"\frac{{\partial{order} {rho}}}{{{below}}}"


def _display(rows: list[tuple[str, str]]) -> str:
    lines = r" \\[1ex] ".join(f"{left} &= {right}" for left, right in rows)
    return rf"$\displaystyle \begin{{aligned}} {lines} \end{{aligned}}$"
