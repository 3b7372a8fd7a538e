"""`derive plot`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from derive.commands.options import FOLDER, LOSS, Command, settings
from derive.console import say
from derive.progress import progress_on
from derive.shell import losses as losses_that_fit


@click.command(cls=Command, epilog=LOSS)
@click.argument(
    "losses", nargs=-1, required=True, metavar="LOSS...", shell_complete=losses_that_fit
)
@click.option(
    "--out", type=FOLDER, metavar="FILE",
    help="Ends in .png, .svg or .pdf; in .gif or .mp4 for an animation. "
    "Default: LOSS.png or LOSS.gif.",
)  # fmt: skip
@click.option(
    "--kind", default="", metavar="KIND",
    help="panels, lecture, family, weights, surface, balance, fit or animation. "
    "Default: family where the loss has one, else panels.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, callback=settings, metavar="NAME=VALUE",
    help="A parameter. Default: those of the loss. Repeatable.",
)  # fmt: skip
@click.option(
    "--over", metavar="NAME=V,V,...", help="The parameter that varies in a family or a surface."
)
@click.option(
    "--range", "ends", type=float, nargs=2, metavar="A B",
    help="The residuals. Default: every kink and the beginning of the tails.",
)  # fmt: skip
@click.option("--size", type=float, nargs=2, metavar="W H", help="In inches.")
@click.option(
    "--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True,
    help="Colours on white or on black.",
)  # fmt: skip
@click.option("--interval", is_flag=True, help="The density has area 1 over A B, not the line.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def plot(losses: tuple[str, ...], out: Path | None, force: bool, **wanted: Any) -> None:
    """The picture of a loss, or of several in one."""
    from derive import showing

    with progress_on(sys.stderr) as progress:
        made = showing.plot(losses, out, progress, force=force, **wanted)
    say(f"{made} written")
