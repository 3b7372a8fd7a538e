"""A loss over classes as LaTeX: entries with their index, gradients for any class j."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import sympy
from sympy import Expr, Symbol

from derive.calculus.classwise import ClasswiseDerivation
from derive.definitions.classes import (
    COUNT,
    Across,
    Entry,
    Hit,
    Largest,
    Other,
    Share,
    Softmax,
    Total,
    varies,
)
from derive.definitions.loss import Along, Loss
from derive.definitions.order import terms
from derive.views.latex import escape
from derive.views.latex.about import description, domain
from derive.views.latex.entry import Display, aligned
from derive.views.latex.entry import Entry as Page
from derive.views.latex.letters import letters
from derive.views.latex.printer import Printer, applied, brackets
from derive.views.latex.wanted import Wanted
from derive.views.latex.width import width

WIDEST = 900
"""A formula of more characters of TeX is left out; `derive show` says how long it is."""


@dataclass(frozen=True)
class ClassPrinter(Printer):
    """index: of an entry outside of sums; free: the letters for what sums run over; soft: that of
    the softmax of the logits, whose name is given; count: of the number of classes."""

    index: str = "j"
    free: tuple[str, ...] = ("k", "i", "l", "m", "n")
    soft: str = "q"
    logits: str = ""
    count: str = "K"

    def _print(self, e: Expr, inline: bool) -> str:
        if isinstance(e, Along) and e.sort != "index":
            return f"{self.symbols[e.name]}_{{{self.index}}}"
        return super()._print(e, inline)

    def _applied(self, e: Expr, inline: bool, power: str) -> str:
        text = self._of_classes(e, inline)
        if text is None:
            return super()._applied(e, inline, power)
        return f"{brackets(text)}^{{{power}}}" if power else text

    def _of_classes(self, e: Expr, inline: bool) -> str | None:
        """The words of classes; None for any other function."""
        match e:
            case Total() | Largest() | Share():
                if e == COUNT:
                    return self.count
                inner = replace(self, index=self.free[0], free=self.free[1:])
                body = inner._print(e.args[0], inline)
                body = brackets(body) if e.args[0].is_Add else body
                if isinstance(e, Share):
                    own = self._print(e.args[0], True)
                    return rf"\left[{own} = \max_{{{inner.index}}} {body}\right]"
                sign = r"\sum" if isinstance(e, Total) else r"\max"
                return rf"{sign}_{{{inner.index}}} {body}"
            case Entry():
                at = replace(self, index=self.symbols[e.args[1].name])
                return at._print(e.args[0], inline)
            case Hit():
                relation = r"\ne" if isinstance(e, Other) else "="
                return rf"[{self.index} {relation} {self.symbols[e.args[0].name]}]"
            case Softmax():
                if e.args[0].is_Symbol and e.args[0].name == self.logits:
                    return f"{self.soft}_{{{self.index}}}"
                name = r"\operatorname{softmax}"
                return f"{applied(name, self.plain(e.args[0]))}_{{{self.index}}}"
            case Across():
                return None
        return None

    def plain(self, e: Expr) -> str:
        """A vector as a whole, without an index."""
        return Printer(self.symbols)._print(e, True)


def page(derivation: ClasswiseDerivation, wanted: Wanted) -> Page:
    """Everything that is said of one loss over classes, or only the formulas that are wanted."""
    loss = derivation.loss
    found = letters(loss, wanted.symbols)
    soft, *short = (s for s in found.short if s not in ("v", loss.residual.axis, *INDICES))
    printer = ClassPrinter(
        {**found.symbols, derivation.v.name: "v"}, soft=soft, logits=loss.residual.name,
        count=next(c for c in COUNTS if c not in found.symbols.values()),
    )  # fmt: skip
    rows = _Rows(derivation, printer, tuple(short), wanted)
    if wanted.quantities:
        return Page(escape.text(loss.name), "", (), tuple(rows.displays(derivation)), (), ())
    displays = rows.displays(derivation, _variables(loss, printer))
    if derivation.probabilities is not None:
        lead = f"Where ${printer.symbols[str(loss.target)]}_k$ is a probability of class $k$:"
        displays += rows.displays(derivation.probabilities, lead)
    z = printer.symbols[loss.residual.name]
    shifted = (
        rf"$\rho({z} + a) = \rho({z})$ for every number $a$: the entries of the gradient sum to 0."
    )
    return Page(
        name=escape.text(loss.name),
        title=escape.text(loss.title),
        paragraphs=description(loss, Printer(printer.symbols)),
        displays=tuple(displays),
        remarks=(shifted,) if derivation.facts else (),
        tables=(),
    )


def _variables(loss: Loss, printer: ClassPrinter) -> str:
    told = []
    for v in loss.variables:
        letter = printer.symbols[v.name]
        if isinstance(v, Along):
            index = "" if v.sort == "index" else f"_{{{v.axis}}}"
            told.append(f"${letter}{index}$ {SORTS[v.sort].format(axis=f'${v.axis}$')}")
        else:
            told.append(domain(loss, letter, Printer(printer.symbols), v))
    axis = loss.residual.axis
    return (
        rf"\par\noindent Variables: {', '.join(told)}. Sums run over ${axis}$, "
        rf"one of ${printer.count}$ classes."
    )


SORTS = {"real": "real", "probability": "probabilities", "index": "one of the classes {axis}"}
INDICES = ("j", "k", "i", "l", "m", "n")
COUNTS = ("K", "N", r"\mathcal{K}")


@dataclass
class _Rows:
    """The rows of a page: within the line, numbered where that is wanted, with names for what
    stands in a formula several times where the formula would be too long."""

    derivation: ClasswiseDerivation
    printer: ClassPrinter
    short: tuple[str, ...]
    wanted: Wanted
    names: dict[Expr, Symbol] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)

    def displays(self, given: ClasswiseDerivation, lead: str = "") -> list[Display]:
        """The loss and its derivatives, each followed by the names that it needs."""
        rows: list[str] = []
        for name, e in given.pretty.items():
            value = self._stated(given.loss.expression, e, self._room) if name == "loss" else e
            if self._is_wanted(name) and len(self.printer.show(value)) <= WIDEST:
                rows += self._of(name, value)
        if not rows:
            return []
        if any(f"{self.printer.soft}_{{" in row for row in rows):
            z = self.printer.symbols[self.derivation.loss.residual.name]
            total = rf"\sum_{{k}} e^{{{z}_{{k}}}}"
            right = rf"\frac{{e^{{{z}_{{j}}}}}}{{{total}}}"
            rows += self._labelled([f"{self.printer.soft}_{{j}} &= {right}"], "softmax")
        return [aligned(lead, rows, "align" if self.wanted.numbered else "align*")]

    @property
    def _room(self) -> float:
        """What stands left of = is as wide as the widest of its column."""
        lefts = [self._name(name) for name in self.derivation.quantities if self._is_wanted(name)]
        return self.wanted.line - max(width(f"{left} = ") for left in lefts)

    def _is_wanted(self, name: str) -> bool:
        return not self.wanted.quantities or name in self.wanted.quantities

    def _stated(self, stated: Expr, read: Expr, room: float) -> Expr:
        """The loss as it was stated; with softmax by its name where that is shorter, or fits."""
        wide, short = (width(self.printer.show(e)) for e in (stated, read))
        return read if short < wide or wide > room else stated

    def _of(self, name: str, e: Expr) -> list[str]:
        before = len(self.names)
        room = self._room
        rows = self._labelled(self._rows(self._name(name), self._abbreviated(e, room), room), name)
        while before < len(self.names):
            part, symbol = list(self.names.items())[before]
            part, before = self._abbreviated(part, room), before + 1
            rows += self._labelled(self._rows(self.printer.show(symbol), part, room), symbol.name)
        return rows

    def _rows(self, left: str, e: Expr, room: float) -> list[str]:
        """left &= right, broken at signs where it is too long."""
        lines = _lines(e, self.printer, room)
        return [f"{left} &= {lines[0]}", *(rf"&\quad {part}" for part in lines[1:])]

    def _abbreviated(self, e: Expr, room: float) -> Expr:
        """Sums and softmaxes that stand in several places under a name, until all fits."""
        for part, name in self.names.items() if self._is_long(e, room) else ():
            if e != part:
                e = _signs_out(e.xreplace({part: name, _negative(part): -name}))
        while self._is_long(e, room):
            sums: Counter[Expr] = Counter()
            for part in sympy.preorder_traversal(e):
                if part.is_Add and not part.has(Total, Largest, Share, Softmax, Hit, *KNOWN):
                    sums[part] += 1
                if isinstance(part, Softmax) and not part.args[0].is_Symbol:
                    sums[part] += 1
                if isinstance(part, sympy.Piecewise):
                    sums[part] += 2
            often = [
                part for part, count in sums.items()
                if count > 1 and (len(part.args) > 2 or not part.is_Add) and part != e
            ]  # fmt: skip
            if not often or len(self.names) == len(self.short):
                break
            longest = max(often, key=lambda part: (part.count_ops(), sympy.default_sort_key(part)))
            name = self._named(longest)
            e = _signs_out(e.xreplace({longest: name, _negative(longest): -name}))
        return e

    def _is_long(self, e: Expr, room: float) -> bool:
        return max(width(line) for line in _lines(e, self.printer, room)) > room

    def _named(self, part: Expr) -> Symbol:
        if part not in self.names:
            name = f"short {len(self.names)}"
            known = {**self.printer.symbols, name: self.short[len(self.names)]}
            self.printer = replace(self.printer, symbols=known)
            z = self.derivation.loss.residual
            self.names[part] = Along(name, "real", z.axis) if varies(part) else Symbol(name)
        return self.names[part]

    def _labelled(self, rows: list[str], name: str) -> list[str]:
        if not self.wanted.numbered:
            return rows
        *broken, last = rows
        label = f"eq:{self.derivation.loss.name}:{name}".replace(" ", "")
        if label in self.labels:  # the same for probabilities
            label += ":probabilities"
        self.labels.add(label)
        return [*(rf"{row} \notag" for row in broken), rf"{last} \label{{{label}}}"]

    def _name(self, name: str) -> str:
        if name == "loss":
            return r"\rho"
        if name == "hessian_product":
            return r"(\nabla^2 \rho \, v)_j"
        symbol = next(v for v in self.derivation.loss.variables if name == f"d_{v.name}")
        return rf"\frac{{\partial\rho}}{{\partial {self.printer.show(symbol)}}}"


def _signs_out(e: Expr) -> Expr:
    """sum(-r) as -sum(r)."""
    return e.replace(
        Total, lambda i: -Total(-i) if i.is_Mul and i.could_extract_minus_sign() else Total(i)
    )


def _negative(e: Expr) -> Expr:
    """-e, of cases branch by branch."""
    if not isinstance(e, sympy.Piecewise):
        return -e
    return sympy.Piecewise(*((-value, when) for value, when in e.args))


KNOWN = (sympy.Piecewise, sympy.Max)


def _lines(e: Expr, printer: ClassPrinter, room: float) -> list[str]:
    """A formula on one line, or broken at the signs of its sum, or of a sum in brackets."""
    whole = printer.show(e)
    if width(whole) <= room:
        return [whole]
    if e.is_Add:
        return _summed(e, printer, room - 1)
    inner = next((f for f in e.args if f.is_Add), None) if e.is_Mul else None
    if inner is None:
        return [whole]
    rest = printer.show(e / inner)
    lines = _summed(inner, printer, room - 1 - width(rest))
    size = "Biggl" if any("{cases}" in line for line in lines) else "bigl"
    closed = size[:-1] + "r"
    if len(lines) == 1:
        return [rf"\{size}({lines[0]}\{closed}) {rest}"]
    return [rf"\{size}({lines[0]}", *lines[1:-1], rf"{lines[-1]}\{closed}) {rest}"]


def _summed(e: Expr, printer: ClassPrinter, room: float) -> list[str]:
    lines: list[str] = []
    for term in terms(e):
        negative = term.could_extract_minus_sign() and not term.is_Add
        sign = "-" if negative else "+"
        first, *more = _lines(-term if negative else term, printer, room)
        if not lines:
            lines.append(f"-{first}" if negative else first)
        elif not more and width(f"{lines[-1]} {sign} {first}") <= room:
            lines[-1] += f" {sign} {first}"
        else:
            lines.append(f"{{}} {sign} {first}")
        lines += more
    return lines
