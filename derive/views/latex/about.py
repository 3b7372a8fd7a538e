"""What is said of a loss in words, and the table of its special cases."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol, oo

from derive.definitions.catalogue import NAMES, TITLES, catalogue, load
from derive.definitions.loss import Loss
from derive.definitions.relations import shown
from derive.views.latex import escape
from derive.views.latex.entry import Table
from derive.views.latex.letters import letters
from derive.views.latex.printer import Printer
from derive.views.latex.prose import typeset
from derive.views.latex.voice import Voice


def description(loss: Loss, printer: Printer) -> tuple[str, ...]:
    """What the loss is for and who said it, where that was told."""
    told = []
    if loss.description.strip():
        told.append(typeset(_closed(loss.description), loss, printer))
    if loss.source.strip():
        told.append(f"Source: {_with_powers(_closed(loss.source), loss, printer)}")
    return (" ".join(told),) if told else ()


def _with_powers(words: str, loss: Loss, printer: Printer) -> str:
    """A source, in which a single letter is somebody's initial and only a power is a formula."""
    parts = re.split(r"(\S*\^\S*)", words)
    return "".join(
        typeset(part, loss, printer) if "^" in part else escape.text(part) for part in parts if part
    )


def variables(voice: Voice) -> str:
    """The variables with their domains."""
    told = [domain(voice.loss, voice.letter(v), voice.printer, v) for v in voice.loss.variables]
    if voice.loss.require:
        relations = shown(voice.loss.require, voice.letter, r"\le")
        told.append(f"${relations}$")
    return rf"\par\noindent Variables: {', '.join(told)}."


def domain(loss: Loss, letter: str, printer: Printer, v: Symbol) -> str:
    """A variable's letter, its domain, and its name where the letter does not tell it."""
    plain = {v.name, rf"\{v.name}", rf"\mathrm{{{escape.text(v.name)}}}"}
    named = "" if letter in plain else rf" (\texttt{{{escape.text(v.name)}}})"
    where = loss.domain(v)
    if isinstance(where, sympy.FiniteSet):
        labels = ", ".join(printer.inline(e) for e in sorted(where, key=float))
        return rf"${letter} \in \{{{labels}\}}${named}"
    low, high = where.inf, where.sup
    with_low, with_high = (where.contains(end) == sympy.true for end in (low, high))
    if (low, high) == (-oo, oo) and not with_high:
        return f"${letter}$ real{named}"
    if high == oo and low.is_finite and not with_high:
        relation = r"\ge" if with_low else ">"
        return f"${letter} {relation} {printer.inline(low)}${named}"
    left, right = "[" if with_low else "(", "]" if with_high else ")"
    ends = f"{printer.inline(low)}, {printer.inline(high)}"
    return rf"${letter} \in {left}{ends}{right}${named}"


def memberships(voice: Voice) -> tuple[str, ...]:
    """The wider losses that this one is a case of, and how that was proved."""
    told = []
    for member in voice.derivation.members:
        wider = _letters_of(member.wider, member.at)
        at = ", ".join(
            f"{wider[name]} = {voice.printer.inline(value)}"
            for name, value in sorted(member.at.items())
        )
        title = TITLES.get(member.wider)
        called = f" ({escape.text(title)})" if title else ""
        how = "as a limit" if member.method.startswith("limit") else "by substitution"
        told.append(
            rf"\par\smallskip\noindent\textbf{{Special case.}} Equal to "
            rf"\texttt{{{escape.text(member.wider)}}}{called} at ${at}$; proved {how}."
        )
    return tuple(told)


def _letters_of(wider: str, at: Mapping[str, Expr]) -> dict[str, str]:
    if wider in NAMES:
        return dict(letters(load(wider)).symbols)
    return {name: rf"\mathrm{{{escape.text(name)}}}" for name in at}


def special_cases(voice: Voice) -> tuple[Table, ...]:
    """The members of a loss of the catalogue, from what they say of themselves."""
    loss = voice.loss
    if loss.name not in NAMES or load(loss.name).digest != loss.digest:
        return ()
    members = [m for m in catalogue() if m.member_of and m.member_of[0] == loss.name]
    if not members:
        return ()
    members.sort(key=lambda m: [-float(value) for _, value in _values(m)])
    names = [name for name, _ in _values(members[0])]
    heads = [f"${voice.letters.symbols[name]}$" for name in names]
    rows = []
    for member in members:
        cells = [f"${voice.printer.inline(value)}$" for _, value in _values(member)]
        cells += [escape.text(member.title), f"${_formula(voice, member)}$"]
        rows.append(" & ".join(cells))
    head = " & ".join([*heads, "loss", f"${voice.special('loss')}$"])
    closed = tuple(rf"{row} \\" for row in rows)
    return (
        Table(
            r"\par\smallskip\noindent\textbf{Special cases.}", "r" * len(heads) + "ll", head, closed
        ),
    )


def _values(member: Loss) -> list[tuple[str, Expr]]:
    assert member.member_of is not None
    return sorted(member.member_of[1].items())


def _formula(voice: Voice, member: Loss) -> str:
    """A member's loss with the wider loss's named sub-expressions."""
    symbols = {**letters(member).symbols, **voice.letters.symbols}
    return Printer(symbols).inline(voice.tidied(member.expression))


def _closed(words: str) -> str:
    words = words.strip()
    return words if words.endswith((".", "!", "?")) else f"{words}."
