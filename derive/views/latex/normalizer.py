"""The density of a loss and its normalizer, or why there is none."""

from __future__ import annotations

import sympy
from sympy import Expr, Symbol, expand_power_exp, powsimp

from derive.calculus.presented import gathered_logarithms
from derive.calculus.reasons import how_fast
from derive.views.latex.entry import Display, aligned
from derive.views.latex.layout import Statement
from derive.views.latex.sentences import sentence
from derive.views.latex.voice import GAP, Voice
from derive.views.latex.width import width

HEAD = r"\par\smallskip\noindent\textbf{Density.}"
BOUND = Symbol("bound of the integral", positive=True)


def density(voice: Voice) -> tuple[list[Display], list[str]]:
    """The displays, and the remarks that follow them."""
    if voice.loss.predictions:
        return [], []
    found = voice.derivation.density
    words = reasons(voice)
    if found.exists is None:
        return [], [f"{HEAD} {words}"]
    if found.exists == sympy.false:
        return [], [f"{HEAD} There is none. {words}"]
    z, rho = voice.special("Z"), voice.special("loss")
    power = rf"\exp(-{rho})" if voice.printer.has_letter_e else f"e^{{-{rho}}}"
    integral = rf"\int_{{-\infty}}^{{\infty}} {power} \, d{voice.letter(voice.loss.residual)}"
    p = rf"{voice.call('density')} &= \frac{{1}}{{{z}}} \exp(-{voice.call('loss')})"
    rows = [rf"{p}{GAP}{z} = {integral}"]
    rows += _closed_forms(voice, z)
    condition = "" if found.exists == sympy.true else (
        f" It exists for ${voice.printer.condition(found.exists)}$."
    )  # fmt: skip
    return [aligned(HEAD + condition, rows)], [words] if words else []


def reasons(voice: Voice) -> str:
    """Why the integral diverges where it does, and how fast."""
    found = voice.derivation.density
    voice.layout.symbols[BOUND.name] = voice.special("bound")
    told = [part for part in (found.why, how_fast(found.divergences)) if part]
    return " ".join(f"{sentence(voice.loss, part, voice.printer, BOUND)}." for part in told)


def _closed_forms(voice: Voice, z: str) -> list[str]:
    found, layout = voice.derivation.density, voice.layout
    if found.log_partition is not None:
        statements = [Statement(z, from_logarithm(found.log_partition))]
        if found.log_partition.is_Add:
            statements.append(Statement(rf"\ln {z}", gathered_logarithms(found.log_partition)))
        return layout.rows(statements)
    rows: list[str] = []
    for parameter, value, log_z in found.special:
        at = f"{voice.letter(parameter)} = {voice.printer.inline(value)}"
        left, total = rf"{z}\big|_{{{at}}}", from_logarithm(log_z)
        note = rf"{GAP}\ln {z} = {voice.printer.show(gathered_logarithms(log_z))}"
        if width(left + voice.printer.show(total) + note) > layout.line - 2:
            note = ""
        rows += layout.rows([Statement(left, total, note=note)])
    return rows


def from_logarithm(log_z: Expr) -> Expr:
    """Z from log Z."""
    return powsimp(expand_power_exp(sympy.exp(log_z)))
