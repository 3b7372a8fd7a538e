"""What a shell completes, and the scripts that make it do so. Imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

from derive.definitions.catalogue import TITLES

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_DERIVE_COMPLETE"
WHERE = {
    "bash": 'add to ~/.bashrc:  eval "$(derive completion bash)"',
    "zsh": 'add to ~/.zshrc:  eval "$(derive completion zsh)"',
    "fish": "run once:  derive completion fish > ~/.config/fish/completions/derive.fish",
}


def script(shell: str, command: click.Command) -> str:
    """The script that a shell has to read, and where it is told to read it."""
    found = get_completion_class(shell)
    assert found is not None
    return f"# {WHERE[shell]}\n{found(command, {}, 'derive', VARIABLE).source()}"


def asked() -> str:
    """What a shell asks for, in the environment; "" where none does."""
    return os.environ.get(VARIABLE, "")


def answer(command: click.Command) -> int:
    """What fits, for the shell that asked."""
    return shell_complete(command, {}, "derive", VARIABLE, asked())


def losses(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of the catalogue; where none begins so, files."""
    named = [
        CompletionItem(name, help=title)
        for name, title in TITLES.items()
        if name.startswith(incomplete)
    ]
    return named or [CompletionItem(incomplete, type="file")]


def targets(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The targets, by the names of their files: importing them takes long."""
    folder = Path(__file__).with_name("emission") / "targets"
    names = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
