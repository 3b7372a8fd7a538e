"""What is asked of the formulas, as one text: LaTeX, Markdown, MathML or BibTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derive.calculus.derivation import Derivation
from derive.calculus.derivatives import quantity_names
from derive.definitions.loss import Loss
from derive.definitions.names import letter
from derive.errors import BadInput
from derive.views.latex.bibtex import bibliography
from derive.views.latex.markdown import markdown
from derive.views.latex.mathml import page
from derive.views.latex.pages import document, fragment
from derive.views.latex.wanted import Wanted


@dataclass(frozen=True)
class Request:
    form: str = "fragment"
    quantities: tuple[str, ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = False
    columns: int | None = None

    @property
    def needs_derivations(self) -> bool:
        return self.form != "bibtex"

    def check(self, losses: Sequence[Loss]) -> None:
        """BadInput for quantities and letters that none of the losses has."""
        known = dict.fromkeys(name for loss in losses for name in quantity_names(loss))
        for name in self.quantities:
            if name not in known:
                raise BadInput(f"no quantity {name[:40]!a}; there are {', '.join(known)}")
        variables = {v.name for loss in losses for v in (*loss.variables, *loss.where)}
        for name, word in self.symbols.items():
            if name not in variables:
                raise BadInput(
                    f"no variable {name[:40]!a}; there are {', '.join(sorted(variables))}"
                )
            letter(word)


def written(asked: Request, derivations: Sequence[Derivation], losses: Sequence[Loss]) -> str:
    """The text."""
    if asked.form == "bibtex":
        return bibliography(losses)
    wide = asked.form != "fragment"
    wanted = Wanted(
        asked.quantities, asked.symbols, asked.numbered, asked.columns or (1 if wide else 2)
    )
    if asked.form == "document":
        return document(derivations, wanted=wanted)
    if asked.form == "fragment":
        return "\n".join(fragment(d, wanted) for d in derivations)
    return markdown(derivations, wanted) if asked.form == "markdown" else page(derivations, wanted)
