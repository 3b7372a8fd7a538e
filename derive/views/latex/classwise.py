"""A loss over classes as LaTeX: entries with their index, gradients for any class j."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr

from derive.calculus.classwise import ClasswiseDerivation
from derive.definitions.classes import Across, Entry, Hit, Largest, Other, Share, Softmax, Total
from derive.definitions.loss import Along
from derive.definitions.order import terms
from derive.program.classwise import domain
from derive.views.latex import escape
from derive.views.latex.entry import Display, aligned
from derive.views.latex.entry import Entry as Page
from derive.views.latex.layout import LINE
from derive.views.latex.letters import letters
from derive.views.latex.printer import Printer, applied, brackets
from derive.views.latex.width import width

WIDEST = 900
"""A formula of more characters of TeX is left out; `derive show` says how long it is."""


@dataclass(frozen=True)
class ClassPrinter(Printer):
    """index: of an entry outside of sums; free: the letters for what sums run over; soft: that of
    the softmax of the logits, whose name is given."""

    index: str = "j"
    free: tuple[str, ...] = ("k", "i", "l", "m", "n")
    soft: str = "q"
    logits: str = ""

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


def page(derivation: ClasswiseDerivation, line: float = LINE) -> Page:
    """Everything that is said of one loss over classes; rows stay within `line`."""
    loss = derivation.loss
    found = letters(loss)
    soft = next(s for s in found.short if s != "v")
    printer = ClassPrinter(
        {**found.symbols, derivation.v.name: "v"}, soft=soft, logits=loss.residual.name
    )
    words = [domain(loss), loss.description, f"Source: {loss.source}."]
    displays = [_display("", _rows(r"\rho", loss.expression, printer, line))]
    displays += _slopes(derivation, printer, line)
    if derivation.probabilities is not None:
        t = printer.symbols[str(loss.target)]
        given = derivation.probabilities
        lead = f"Where ${t}_k$ is a probability of class $k$:"
        displays.append(_display(lead, _rows(r"\rho", given.loss.expression, printer, line)))
        displays += _slopes(given, printer, line)
    return Page(
        name=escape.text(loss.name),
        title=escape.text(loss.title),
        paragraphs=tuple(escape.text(w) for w in words if w),
        displays=tuple(displays),
        remarks=tuple(escape.text(f"{fact}.") for fact in derivation.facts),
        tables=(),
    )


def _display(lead: str, rows: list[str]) -> Display:
    return aligned(lead, rows)


def _slopes(derivation: ClasswiseDerivation, printer: ClassPrinter, line: float) -> list[Display]:
    rows: list[str] = []
    for name, e in derivation.pretty.items():
        if name != "loss" and len(printer.show(e)) <= WIDEST:
            rows += _rows(_name(name, derivation, printer), e, printer, line)
    if any(f"{printer.soft}_{{" in row for row in rows):
        z = printer.symbols[derivation.loss.residual.name]
        total = rf"\sum_{{k}} e^{{{z}_{{k}}}}"
        rows.append(rf"{printer.soft}_{{j}} &= \frac{{e^{{{z}_{{j}}}}}}{{{total}}}")
    return [_display("", rows)] if rows else []


def _rows(left: str, e: Expr, printer: ClassPrinter, line: float) -> list[str]:
    """left &= right, broken at signs where it is too long."""
    lines = _lines(e, printer, line - width(f"{left} = "))
    return [f"{left} &= {lines[0]}", *(rf"&\quad {part}" for part in lines[1:])]


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
    lines = _summed(inner, printer, room - 1)
    rest = printer.show(e / inner)
    if len(lines) == 1:
        return [rf"\bigl({lines[0]}\bigr) {rest}"]
    return [rf"\bigl({lines[0]}", *lines[1:-1], rf"{lines[-1]}\bigr) {rest}"]


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


def _name(name: str, derivation: ClasswiseDerivation, printer: ClassPrinter) -> str:
    if name == "hessian_product":
        z = printer.symbols[derivation.loss.residual.name]
        return rf"\sum_k \frac{{\partial^2\rho}}{{\partial {z}_j \partial {z}_k}} v_k"
    symbol = next(v for v in derivation.loss.variables if name == f"d_{v.name}")
    return rf"\frac{{\partial\rho}}{{\partial {printer.show(symbol)}}}"
