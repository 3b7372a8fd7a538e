"""The command line: reads what was asked, calls the pipeline, prints. Nothing else happens here.

The pipeline brings SymPy and NumPy along, so each command imports it when it runs: `--help` and
`list` answer at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from derive import processor, shell
from derive.commands.latex import latex
from derive.commands.options import JSON, Command
from derive.commands.options import LOSS as _LOSS
from derive.commands.plot import plot
from derive.commands.regenerate import regenerate
from derive.commands.verify import verify
from derive.console import PIPE_WIDTH, columns, run, say, screen
from derive.definitions.catalogue import TITLES
from derive.lines import narrowed
from derive.recorded import recorded
from derive.shell import losses as losses_that_fit
from derive.tables import aligned

# How many results of each kind SymPy remembers: a derivation needs more than its usual thousand.
REMEMBERED = str(1 << 16)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line (default: this process's) and exit with its code."""
    os.environ.setdefault("SYMPY_CACHE_SIZE", REMEMBERED)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["regenerate"]:
        processor.settle()
    sys.exit(run(lambda: _dispatch(given)))


def _dispatch(arguments: list[str]) -> int:
    if shell.asked():
        return shell.answer(derive)
    # Not click's own main: it would answer errors in several lines and end pipes in its own way.
    with derive.make_context("derive", arguments) as context:
        derive.invoke(context)
    return 0


def _version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib import metadata  # slow to import, and nothing else needs it

        try:
            version = metadata.version("derive-losses")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        say(f"derive {version}")
        context.exit()


class _Group(Command, click.Group):
    command_class = Command


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version.",
)  # fmt: skip
@click.pass_context
def derive(context: click.Context) -> None:
    """A loss function written down once: gradients, limits, densities, NumPy and PyTorch code,
    LaTeX and checks follow from its definition.

    Exit codes: 0 done, or everything holds; 1 a difference or a refutation; 2 bad input;
    3 undecided; 4 the environment (permission, disk, lock); 130 interrupted.
    """
    if context.invoked_subcommand is None:
        say(context.get_help())


@derive.command("list")
@JSON
def list_losses(as_json: bool) -> None:
    """The catalogue, a line each."""
    if as_json:
        say(json.dumps([{"name": n, "title": t} for n, t in TITLES.items()], indent=1))
        return
    first, *rest = TITLES.items()
    say(aligned(first, rest, columns(PIPE_WIDTH)))


@derive.command(epilog=_LOSS)
@click.argument("loss", shell_complete=losses_that_fit)
@click.option("--concordance", is_flag=True, help="What other libraries mean by this loss.")
@JSON
def show(loss: str, concordance: bool, as_json: bool) -> None:
    """Definition, gradients, limits and density of a loss."""
    if concordance:
        _show_concordance(loss, as_json)
        return
    record = recorded(loss) if loss in TITLES else None
    if as_json:
        say(_data(loss) if record is None else json.dumps(record["data"], indent=1))
        return
    say(narrowed(_shown(loss) if record is None else record["show"], columns(PIPE_WIDTH)))


def _data(loss: str) -> str:
    from derive import showing

    return showing.data(loss)


def _shown(loss: str) -> str:
    from derive import showing

    return showing.show(loss)


def _show_concordance(loss: str, as_json: bool) -> None:
    """What other libraries mean by a loss, a row each, and what is to be known beside them."""
    from derive import showing

    cells, notes = showing.concordance(loss)
    if as_json:
        keys = ("library", "is", "relation", "asked")
        say(json.dumps([dict(zip(keys, row, strict=True)) for row in cells], indent=1))
        return
    if not cells:
        say(f"{loss}: no library of the table has it")
        return
    header = ["library", "is", "relation", "library itself"]
    say(aligned(header, cells, screen()[0]) + "".join(f"{note}\n" for note in notes))


@derive.command(short_help="Make a shell complete commands, options and losses.")
@click.argument("name", metavar="[bash|zsh|fish]", type=click.Choice(shell.SHELLS))
def completion(name: str) -> None:
    """Print the script that makes a shell complete commands, options, losses and files.

    \b
    bash  add to ~/.bashrc:  eval "$(derive completion bash)"
    zsh   add to ~/.zshrc:   eval "$(derive completion zsh)"
    fish  derive completion fish > ~/.config/fish/completions/derive.fish
    """
    say(shell.script(name, derive))


derive.add_command(latex)
derive.add_command(plot)
derive.add_command(regenerate)
derive.add_command(verify)
