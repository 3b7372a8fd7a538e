"""`derive verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from derive import shell
from derive.commands.options import FOLDER, LOSS, Command
from derive.commands.options import settings as read_settings
from derive.console import say, screen
from derive.errors import Refuted, Undecided
from derive.progress import progress_on
from derive.statements import Statements


@click.command(
    cls=Command, epilog=LOSS.replace("LOSS is", "SUBJECT is"), short_help="Check losses and files."
)
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...", shell_complete=shell.losses)
@click.option(
    "--generated",
    "--out",
    "generated",
    type=FOLDER,
    metavar="DIR",
    help="The generated files to judge. Default: generated/ of the checkout.",
)
@click.option("--seed", type=int, default=0, metavar="N", help="Other points. Default: 0.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Points a function. Default: 800 everyday ones, 1600 over the whole range.",
)
@click.option("--record", is_flag=True, help="Write what was found to docs/accuracy.md.")
@click.option("--formula", metavar="TEXT", help="Judge a formula, in the grammar of loss files.")
@click.option("--latex", metavar="TEXT", help="Judge a formula in LaTeX.")
@click.option("--implementation", metavar="MODULE:FUNCTION", help="Judge somebody else's code.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=read_settings,
    metavar="NAME=VALUE",
    help="A parameter of that code. Repeatable.",
)
@click.option(
    "--loss",
    metavar="LOSS",
    shell_complete=shell.losses,
    help="The loss that code or a formula is compared with.",
)
@click.option("--quantity", default="loss", metavar="Q", help="Such as d_x. Default: loss.")
@click.option("--exact", is_flag=True, help="Another convention counts as a difference.")
@click.option("--explain", is_flag=True, help="Print how each claim was decided, step by step.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def verify(
    subjects: tuple[str, ...],
    generated: Path | None,
    seed: int,
    samples: int | None,
    record: bool,
    as_json: bool,
    implementation: str | None,
    settings: dict[str, str],
    **statements: Any,
) -> None:
    """Check losses and their generated files, claims files (TOML), a formula or somebody else's
    code; without SUBJECT everything."""
    if implementation is not None:
        _judge_code(
            implementation, settings, Statements(seed=seed, **statements), subjects, as_json
        )
        return
    if settings:
        raise click.UsageError("--set says the parameters of an --implementation")
    if _judged_statements(subjects, Statements(seed=seed, **statements), as_json):
        return
    from derive import pipeline

    with progress_on(sys.stderr) as progress:
        report = pipeline.verify(
            subjects, generated=generated, seed=seed, samples=samples, record=record,
            progress=progress,
        )  # fmt: skip
    say(report.to_json() if as_json else pipeline.shown(report, *screen()))
    if report.exit_code == Refuted.exit_code:
        raise Refuted("something does not hold; the lines above say what")
    if report.exit_code:
        raise Undecided("something was not decided; the lines above say what")


def _judge_code(
    subject: str, settings: dict[str, str], asked: Any, subjects: tuple[str, ...], as_json: bool
) -> None:
    """The verdict on a function of somebody else."""
    if subjects or asked.has_text or asked.loss is None:
        raise click.UsageError("--implementation wants --loss, and no SUBJECT or formula beside it")
    try:
        values = {name: float(text) for name, text in settings.items()}
    except ValueError:
        raise click.UsageError("--set: the value of a parameter is a number") from None
    from derive.definitions.find import find
    from derive.verification.callables.judge import judge
    from derive.verification.callables.shown import shown

    with progress_on(sys.stderr) as progress:
        progress.step(subject, 0, 1)
        found = judge(subject, find(asked.loss), asked.quantity, values, asked.seed)
    say(found.to_json() if as_json else shown(found, *screen()))
    code = found.exit_code(asked.exact)
    if code == Refuted.exit_code:
        raise Refuted("it is not what was asked for; the lines above say why")
    if code:
        raise Undecided("it was not decided; the lines above say why")


def _judged_statements(subjects: tuple[str, ...], asked: Any, as_json: bool) -> bool:
    """Whether claims or a formula were asked about; they are judged and told then."""
    if not (asked.has_text or any(s.endswith(".toml") for s in subjects)):
        return False
    from derive.verification.claims.asked import answer, complaint, text_of

    with progress_on(sys.stderr) as progress:
        found = answer(subjects, asked, progress)
    if found is None:
        return False
    say(found.to_json() if as_json else text_of(found, asked.explain, *screen()))
    trouble = complaint(found.exit_code)
    if trouble is not None:
        raise trouble
    return True
