"""How one loss is spoken of: its letters, its quantities, its printer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr, Symbol, oo

from derive.calculus.derivation import Derivation
from derive.calculus.presented import for_readers
from derive.calculus.reading import fold, tidy
from derive.definitions.loss import Loss
from derive.views.latex.layout import Layout
from derive.views.latex.letters import Letters, letters
from derive.views.latex.printer import Printer
from derive.views.latex.wanted import Wanted
from derive.views.latex.width import width

GAP = r", \qquad "
# After the brace of a case distinction a comma would hang in the air.
WIDE = r" \qquad "


@dataclass
class Voice:
    """A derivation with the letters and the layout that all its formulas share."""

    derivation: Derivation
    wanted: Wanted = field(default_factory=Wanted)
    letters: Letters = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        self.letters = letters(self.loss, self.wanted.symbols)
        self.layout = Layout(
            dict(self.letters.symbols), self.letters.short, self.wanted.line,
            self.loss.name if self.wanted.numbered else None,
        )  # fmt: skip

    @property
    def environment(self) -> str:
        return "align" if self.wanted.numbered else "align*"

    @cached_property
    def readable(self) -> Mapping[str, Expr]:
        """The quantities as people write them."""
        return for_readers(self.derivation)

    @property
    def loss(self) -> Loss:
        return self.derivation.loss

    @property
    def printer(self) -> Printer:
        return self.layout.printer

    def letter(self, symbol: Symbol) -> str:
        return self.letters.symbols[symbol.name]

    def special(self, word: str) -> str:
        """The letter of rho, psi, w, Z, p or of an integral's bound."""
        return self.letters.quantities[word]

    def call(self, word: str) -> str:
        """rho(x; alpha, c), or rho(x) where that would be long."""
        x, *parameters = (self.letter(v) for v in self.loss.variables)
        tail = f"; {', '.join(parameters)}" if parameters else ""
        full = f"{self.special(word)}({x}{tail})"
        return full if width(full) < self.layout.line / 4 else f"{self.special(word)}({x})"

    def quantity(self, name: str) -> str:
        """rho, psi or a partial derivative, by the name of a first-order quantity."""
        if name == "loss":
            return self.special("loss")
        x = self.loss.residual.name
        return self.special("d_x") if name == f"d_{x}" else self.partial(name.removeprefix("d_"))

    def partial(self, variable: str, order: int = 1) -> str:
        letter, rho = self.letters.symbols[variable], self.special("loss")
        if order == 1:
            return rf"\frac{{\partial {rho}}}{{\partial {letter}}}"
        below = f"({letter})" if "_" in letter else letter
        return rf"\frac{{\partial^{{{order}}} {rho}}}{{\partial {below}^{{{order}}}}}"

    def mixed(self, by: Sequence[Symbol]) -> str:
        """A second derivative in two variables."""
        rho = self.special("loss")
        below = r" \, ".join(rf"\partial {self.letter(v)}" for v in by)
        return rf"\frac{{\partial^{{2}} {rho}}}{{{below}}}"

    def tidied(self, e: Expr) -> Expr:
        """Readable, with the named sub-expressions put back."""
        return e if e in (oo, -oo) else fold(self.loss.where, tidy(self.loss.where, e))
