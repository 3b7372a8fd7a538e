"""What is asked of the formulas, as one text: LaTeX, Markdown, MathML or BibTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derive.calculus.classwise import ClasswiseDerivation
from derive.calculus.derivation import Derivation
from derive.calculus.derivatives import quantity_names
from derive.definitions.catalogue import NAMES, load
from derive.definitions.loss import Loss
from derive.definitions.names import letter
from derive.errors import BadInput
from derive.recorded import recorded
from derive.views.latex.bibtex import bibliography
from derive.views.latex.entry import Entry, restored
from derive.views.latex.markdown import markdown
from derive.views.latex.mathml import page
from derive.views.latex.pages import document_of, entry, fragment_of
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

    @property
    def wanted(self) -> Wanted:
        columns = self.columns or (2 if self.form == "fragment" else 1)
        return Wanted(self.quantities, self.symbols, self.numbered, columns)

    def entry(self, derivation: Derivation | ClasswiseDerivation) -> Entry:
        """What is said of one loss."""
        return entry(derivation, self.wanted)

    def recorded(self, loss: Loss) -> Entry | None:
        """What was recorded of a loss of the catalogue, where nothing else is asked for."""
        plain = Wanted(columns=self.wanted.columns)
        if self.wanted != plain or loss.name not in NAMES or load(loss.name) is not loss:
            return None
        record = recorded(loss.name)
        return None if record is None else restored(record["latex"][str(plain.columns)])

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


def written(asked: Request, entries: Sequence[Entry], losses: Sequence[Loss]) -> str:
    """The text."""
    if asked.form == "bibtex":
        return bibliography(losses)
    if asked.form == "document":
        return document_of(entries, asked.wanted.columns)
    if asked.form == "fragment":
        return "\n".join(map(fragment_of, entries))
    return markdown(entries) if asked.form == "markdown" else page(entries)
