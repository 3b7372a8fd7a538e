"""A loss over classes as LaTeX: entries with their index, gradients for any class j."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr

from derive.calculus.classwise import ClasswiseDerivation
from derive.definitions.classes import Across, Entry, Hit, Largest, Other, Share, Softmax, Total
from derive.definitions.loss import Along
from derive.program.classwise import domain
from derive.views.latex import escape
from derive.views.latex.entry import Display, aligned
from derive.views.latex.entry import Entry as Page
from derive.views.latex.letters import letters
from derive.views.latex.printer import Printer, applied, brackets

WIDEST = 900
"""A formula of more characters of TeX is left out; `derive show` says how long it is."""


@dataclass(frozen=True)
class ClassPrinter(Printer):
    """index: of an entry outside of sums; free: the letters for what sums run over."""

    index: str = "j"
    free: tuple[str, ...] = ("k", "i", "l", "m", "n")

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
                name = r"\operatorname{softmax}"
                return f"{applied(name, self.plain(e.args[0]))}_{{{self.index}}}"
            case Across():
                return None
        return None

    def plain(self, e: Expr) -> str:
        """A vector as a whole, without an index."""
        return Printer(self.symbols)._print(e, True)


def page(derivation: ClasswiseDerivation) -> Page:
    """Everything that is said of one loss over classes."""
    loss = derivation.loss
    printer = ClassPrinter({**letters(loss).symbols, derivation.v.name: "v"})
    words = [domain(loss), loss.description, f"Source: {loss.source}."]
    displays = [_display("", [rf"\rho &= {printer.show(loss.expression)}"])]
    displays += _slopes(derivation, printer, "")
    if derivation.probabilities is not None:
        t = printer.symbols[str(loss.target)]
        soft = derivation.probabilities
        lead = f"Where ${t}_k$ is a probability of class $k$:"
        displays.append(_display(lead, [rf"\rho &= {printer.show(soft.loss.expression)}"]))
        displays += _slopes(soft, printer, "")
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


def _slopes(derivation: ClasswiseDerivation, printer: ClassPrinter, lead: str) -> list[Display]:
    rows = []
    for name, e in derivation.pretty.items():
        body = printer.show(e)
        if name != "loss" and len(body) <= WIDEST:
            rows.append(f"{_name(name, derivation, printer)} &= {body}")
    return [_display(lead, rows)] if rows else []


def _name(name: str, derivation: ClasswiseDerivation, printer: ClassPrinter) -> str:
    if name == "hessian_product":
        z = printer.symbols[derivation.loss.residual.name]
        return rf"\sum_k \frac{{\partial^2\rho}}{{\partial {z}_j \partial {z}_k}} v_k"
    symbol = next(v for v in derivation.loss.variables if name == f"d_{v.name}")
    return rf"\frac{{\partial\rho}}{{\partial {printer.show(symbol)}}}"
