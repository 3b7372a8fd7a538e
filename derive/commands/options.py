"""What the commands share: their help, and options that several of them have."""

from __future__ import annotations

from pathlib import Path

import click

from derive.console import say

LOSS = "A LOSS is a name of the catalogue, a .toml loss file or a .py file that holds a Loss."
FOLDER = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


def show_help(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        say(context.get_help())
        context.exit()


class Command(click.Command):
    """A command whose help goes to standard output through `say`, like everything else."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        names = self.get_help_option_names(ctx)
        return click.Option(
            names, is_flag=True, is_eager=True, expose_value=False, callback=show_help,
            help="Show this message.",
        )  # fmt: skip


def settings(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    settings: dict[str, str] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (equals and value and name.isascii() and name.isidentifier()):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as alpha=1")
        if name in settings:
            raise click.BadParameter(f"{name} is set twice")
        settings[name] = value
    return settings
