"""`derive latex`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from derive.commands.options import FOLDER, LOSS, Command, settings
from derive.console import say
from derive.progress import progress_on
from derive.shell import losses as losses_that_fit


@click.command(cls=Command, epilog=LOSS, short_help="The formulas as LaTeX, Markdown or MathML.")
@click.argument("losses", nargs=-1, metavar="[LOSS]...", shell_complete=losses_that_fit)
@click.option("--out", type=FOLDER, metavar="FILE", help="Default: standard output.")
@click.option(
    "--format", "form", metavar="FORMAT",
    type=click.Choice(["fragment", "document", "markdown", "mathml", "bibtex"]),
    help="fragment (for \\input), document, markdown, mathml, or bibtex of the sources. "
    "Default: fragment of one loss, document of several.",
)  # fmt: skip
@click.option(
    "--quantity", "quantities", multiple=True, metavar="Q",
    help="Only this formula, such as d_x or d2_x_alpha. Repeatable.",
)  # fmt: skip
@click.option(
    "--symbol", "symbols", multiple=True, callback=settings, metavar="NAME=LETTER",
    help="A letter for a variable, such as df=nu or eps=varepsilon. Repeatable.",
)  # fmt: skip
@click.option("--numbered", is_flag=True, help="Equation numbers, with labels eq:LOSS:QUANTITY.")
@click.option(
    "--columns", type=click.IntRange(1, 2), metavar="N",
    help="Of the page. Default: 2 for a fragment (lines of 3.4 in), 1 for a document.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def latex(losses: tuple[str, ...], out: Path | None, force: bool, **wanted: Any) -> None:
    """The formulas as LaTeX; without LOSS those of the whole catalogue."""
    from derive import showing

    with progress_on(sys.stderr) as progress:
        text = showing.latex(losses, out, progress, force=force, **wanted)
    say(text if out is None else f"{out} written")
