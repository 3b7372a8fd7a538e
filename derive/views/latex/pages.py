"""From derivations to pages: entries are printed completely before a template sees them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from derive.calculus.classwise import ClasswiseDerivation
from derive.calculus.derivation import Derivation
from derive.emission.render import templates_folder
from derive.views.latex import classwise, escape
from derive.views.latex.about import description, memberships, special_cases, variables
from derive.views.latex.entry import Entry
from derive.views.latex.formulas import (
    chosen,
    definition,
    derivatives,
    limits,
    second_derivatives,
)
from derive.views.latex.normalizer import density
from derive.views.latex.voice import Voice
from derive.views.latex.wanted import Wanted


@cache
def environment() -> Environment:
    """Templates with marks that TeX does not use: <% %>, << >>, <# #>."""
    return Environment(
        loader=FileSystemLoader(templates_folder() / "latex"),
        undefined=StrictUndefined,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def fragment(derivation: Derivation | ClasswiseDerivation, wanted: Wanted | None = None) -> str:
    """The formulas of one loss, ready for \\input in a document that loads amsmath."""
    return fragment_of(entry(derivation, wanted))


def fragment_of(shown: Entry) -> str:
    template = environment().get_template("fragment.tex.j2")
    return template.render(heading=r"\subsection*", entry=shown)


def document(
    derivations: Sequence[Derivation | ClasswiseDerivation],
    standalone: bool = True,
    wanted: Wanted | None = None,
) -> str:
    """The formulas of several losses: a complete document, or only its entries in a row."""
    if not standalone:
        return "\n".join(fragment(derivation, wanted) for derivation in derivations)
    wanted = wanted or Wanted(columns=1)
    return document_of([entry(d, wanted) for d in derivations], wanted.columns)


def document_of(entries: Sequence[Entry], columns: int) -> str:
    template = environment().get_template("document.tex.j2")
    return template.render(heading=r"\section", entries=entries, columns=columns)


def entry(derivation: Derivation | ClasswiseDerivation, wanted: Wanted | None = None) -> Entry:
    """Everything that is said of one loss, as TeX. BadInput for a function without a notation."""
    if isinstance(derivation, ClasswiseDerivation):
        return classwise.page(derivation, wanted or Wanted())
    voice = Voice(derivation, wanted or Wanted())
    loss = derivation.loss
    if voice.wanted.quantities:
        shown = (chosen(voice),)
        return Entry(escape.text(loss.name), "", (), shown, (), ())
    # In the order of the page: a name is explained where it is first needed.
    stated = (
        definition(voice, variables(voice)), derivatives(voice), *second_derivatives(voice),
        *limits(voice),
    )  # fmt: skip
    normalized, remarks = density(voice)
    return Entry(
        name=escape.text(loss.name),
        title=escape.text(loss.title),
        paragraphs=description(loss, voice.printer),
        displays=(*stated, *normalized),
        remarks=(*remarks, *memberships(voice)),
        tables=special_cases(voice),
    )
