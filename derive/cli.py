"""The command line: reads what was asked, calls the pipeline, prints. Nothing else happens here.

The pipeline brings SymPy and NumPy along, so each command imports it when it runs: `--help` and
`list` answer at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from derive import shell
from derive.console import PIPE_WIDTH, columns, run, say, screen
from derive.definitions.catalogue import TITLES
from derive.errors import Refuted, Undecided
from derive.progress import Row, progress_on
from derive.shell import losses as losses_that_fit
from derive.statements import Statements
from derive.tables import aligned, narrowed

_LOSS = "A LOSS is a name of the catalogue, a .toml loss file or a .py file that holds a Loss."
_FOLDER = click.Path(path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line (default: this process's) and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
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


def _help(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        say(context.get_help())
        context.exit()


class _Command(click.Command):
    """A command whose help goes to standard output through `say`, like everything else."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        names = self.get_help_option_names(ctx)
        return click.Option(
            names, is_flag=True, is_eager=True, expose_value=False, callback=_help,
            help="Show this message.",
        )  # fmt: skip


class _Group(_Command, click.Group):
    command_class = _Command


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
@_JSON
def list_losses(as_json: bool) -> None:
    """The catalogue, a line each."""
    if as_json:
        say(json.dumps([{"name": n, "title": t} for n, t in TITLES.items()], indent=1))
        return
    width = max(map(len, TITLES))
    lines = "".join(f"{name:<{width}}  {title}\n" for name, title in TITLES.items())
    say(narrowed(lines, columns(PIPE_WIDTH)))


@derive.command(epilog=_LOSS)
@click.argument("loss", shell_complete=losses_that_fit)
@click.option("--concordance", is_flag=True, help="What other libraries mean by this loss.")
@_JSON
def show(loss: str, concordance: bool, as_json: bool) -> None:
    """Definition, gradients, limits and density of a loss."""
    from derive import pipeline

    if concordance:
        _show_concordance(loss, as_json)
        return
    say(pipeline.data(loss) if as_json else narrowed(pipeline.show(loss), columns(PIPE_WIDTH)))


def _show_concordance(loss: str, as_json: bool) -> None:
    """What other libraries mean by a loss, a row each, and what is to be known beside them."""
    from derive import pipeline

    cells, notes = pipeline.concordance(loss)
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


def _settings(
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


@derive.command(epilog=_LOSS, short_help="Derive losses and emit their code.")
@click.argument("losses", nargs=-1, metavar="[LOSS]...", shell_complete=losses_that_fit)
@click.option(
    "--target",
    "targets",
    multiple=True,
    shell_complete=shell.targets,
    metavar="T",
    help="A language or library to emit for; repeatable. Default: all.",
)
@click.option("--out", type=_FOLDER, metavar="DIR", help="Default: generated/ of the checkout.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_settings,
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


@derive.command(epilog=_LOSS, short_help="The formulas as LaTeX, Markdown or MathML.")
@click.argument("losses", nargs=-1, metavar="[LOSS]...", shell_complete=losses_that_fit)
@click.option("--out", type=_FOLDER, metavar="FILE", help="Default: standard output.")
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
    "--symbol", "symbols", multiple=True, callback=_settings, metavar="NAME=LETTER",
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
    from derive import pipeline

    with progress_on(sys.stderr) as progress:
        text = pipeline.latex(losses, out, progress, force=force, **wanted)
    say(text if out is None else f"{out} written")


@derive.command(epilog=_LOSS.replace("LOSS is", "SUBJECT is"), short_help="Check losses and files.")
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...", shell_complete=losses_that_fit)
@click.option(
    "--generated",
    "--out",
    "generated",
    type=_FOLDER,
    metavar="DIR",
    help="The generated files to judge. Default: generated/ of the checkout.",
)
@click.option("--seed", type=int, default=0, metavar="N", help="Other points. Default: 0.")
@click.option("--samples", type=click.IntRange(min=1), metavar="N", help="Points a function.")
@click.option("--record", is_flag=True, help="Write what was found to docs/accuracy.md.")
@click.option("--formula", metavar="TEXT", help="Judge a formula, in the grammar of loss files.")
@click.option("--latex", metavar="TEXT", help="Judge a formula in LaTeX.")
@click.option("--implementation", metavar="MODULE:FUNCTION", help="Judge somebody else's code.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_settings,
    metavar="NAME=VALUE",
    help="A parameter of that code. Repeatable.",
)
@click.option(
    "--loss",
    metavar="LOSS",
    shell_complete=losses_that_fit,
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


@derive.command(epilog=_LOSS)
@click.argument(
    "losses", nargs=-1, required=True, metavar="LOSS...", shell_complete=losses_that_fit
)
@click.option(
    "--out", type=_FOLDER, metavar="FILE",
    help="Ends in .png, .svg, .pdf, or .gif for an animation. Default: LOSS.png.",
)  # fmt: skip
@click.option(
    "--kind", default="", metavar="KIND",
    help="panels, lecture, family, weights, surface, balance, fit or animation. "
    "Default: family where the loss has one, else panels.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, callback=_settings, metavar="NAME=VALUE",
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
    from derive import pipeline

    with progress_on(sys.stderr) as progress:
        made = pipeline.plot(losses, out, progress, force=force, **wanted)
    say(f"{made} written")
