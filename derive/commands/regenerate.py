"""`derive regenerate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from derive import shell
from derive.commands.options import FOLDER, LOSS, Command
from derive.commands.options import settings as read_settings
from derive.console import columns, say
from derive.errors import Refuted
from derive.progress import Row, progress_on
from derive.tables import aligned


@click.command(cls=Command, epilog=LOSS, short_help="Derive losses and emit their code.")
@click.argument("losses", nargs=-1, metavar="[LOSS]...", shell_complete=shell.losses)
@click.option(
    "--target",
    "targets",
    multiple=True,
    shell_complete=shell.targets,
    metavar="T",
    help="A language or library to emit for; repeatable. Default: all.",
)
@click.option("--out", type=FOLDER, metavar="DIR", help="Default: generated/ of the checkout.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=read_settings,
    metavar="NAME=VALUE",
    help="Emit the loss specialised to that value; needs --out. Repeatable.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; print the diff, exit 1 if there is one."
)
@click.option("--bundle", is_flag=True, help="One self-contained file a loss; needs --out.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
@click.option("--follow", is_flag=True, help="Write although DIR is a symbolic link.")
def regenerate(
    losses: tuple[str, ...],
    targets: tuple[str, ...],
    out: Path | None,
    settings: dict[str, str],
    bundle: bool,
    check: bool,
    force: bool,
    follow: bool,
) -> None:
    """Derive losses and emit their code; without LOSS the whole catalogue."""  # fmt: skip
    if settings and out is None:
        raise click.UsageError("--set needs --out: it would replace the general loss")
    if settings and not losses:
        raise click.UsageError("--set needs the LOSS that it specialises")
    if bundle and out is None:
        raise click.UsageError("--bundle needs --out: it would replace the files of the loss")
    from derive import pipeline

    if not check:
        say(f"deriving {', '.join(losses) or 'the whole catalogue'}")
    told: list[Row] = []

    def tell(rows: Sequence[Row]) -> None:
        told.extend(rows)
        if rows and not check:
            say(_summary(rows))

    with progress_on(sys.stderr, tell) as progress:
        outcome = pipeline.regenerate(
            losses, targets=targets, out=out, settings=settings,
            joined=bundle, check=check, force=force, follow=follow, progress=progress,
        )  # fmt: skip
    if check and outcome.difference:
        say(outcome.difference)
        raise Refuted(
            f"{out or 'generated'}: differs from what derive makes; "
            "look at the diff, then run derive regenerate"
        )
    if check:
        say("no difference: the files are what derive makes")
        return
    if not told:
        tell(outcome.rows)
    if outcome.up_to_date:
        say("nothing to do: every file is up to date")
    else:
        count = len(outcome.changed)
        say(f"{count} {'file' if count == 1 else 'files'} written")
    for lossy in (text for row in told for text in row.lossy):
        click.echo(f"derive: warning: {lossy}; write the loss another way", err=True)


def _summary(rows: Sequence[Row]) -> str:
    cells = [[str(row.loss), str(row.derived), str(row.written_to), str(row.worst)] for row in rows]
    return aligned(["loss", "derived", "written to", "worst error"], cells, columns(80))
