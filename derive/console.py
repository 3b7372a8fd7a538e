"""Exit codes and streams: every ending of a command is a code and at most one line on stderr."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from derive.errors import DeriveError, EnvironmentTrouble
from derive.output.differences import visible

USAGE = 2
ENVIRONMENT = 4
# A fault of derive's own is none of 0 to 4: it must not pass for a refutation or for bad input.
# 70 is EX_SOFTWARE of sysexits.h.
INTERNAL = 70
PIPE_WIDTH = 120
INTERRUPTED = 130
TERMINATED = 143


class OutputGone(EnvironmentTrouble):
    """Standard output takes no more text; nothing is said where its reader just left."""


def say(text: str) -> None:
    """Print to standard output at once, so that a closed one is noticed before work goes on."""
    if sys.stdout is None:
        raise OutputGone("standard output is closed; redirect it to a file or a terminal")
    try:
        click.echo(text, nl=not text.endswith("\n"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputGone("") from None
    except OSError as error:
        raise OutputGone(
            f"standard output: {error.strerror or error}; redirect it elsewhere"
        ) from None


def screen() -> tuple[int, Callable[[str, str], str]]:
    """The width of standard output, and how a text gets a colour there.

    A pipe has room for every column and no colour; a terminal has one unless NO_COLOR is set.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        return PIPE_WIDTH, lambda text, _colour: text
    width = shutil.get_terminal_size().columns
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return width, lambda text, _colour: text
    return width, lambda text, colour: click.style(text, fg=colour) if colour else text


def columns(piped: int) -> int:
    """The width of a terminal on standard output; `piped` where there is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return piped
    return shutil.get_terminal_size().columns


def run(work: Callable[[], int]) -> int:
    """Do the work of a command and return the exit code; errors become one line on stderr."""
    with _prepared_streams():
        try:
            return work()
        except click.exceptions.Exit as end:
            return end.exit_code
        except click.ClickException as error:
            return complain(_usage(error), USAGE)
        except (click.Abort, KeyboardInterrupt):
            return complain("interrupted", INTERRUPTED)
        except DeriveError as error:
            return _told(error)
        except BrokenPipeError:
            return ENVIRONMENT
        except OSError as error:
            where = os.fsdecode(error.filename) if error.filename else "output"
            why = error.strerror or str(error)
            return complain(f"{where}: {why}; free it or choose another place", ENVIRONMENT)
        except MemoryError:
            return complain("out of memory; close other programs, or ask for less", ENVIRONMENT)
        except Exception as error:  # noqa: BLE001 (no traceback reaches a user)
            if os.environ.get("DERIVE_DEBUG"):
                traceback.print_exc()
            return complain(
                f"internal error: {type(error).__name__}: {error}; "
                "please report it; DERIVE_DEBUG=1 shows where it arose",
                INTERNAL,
            )


def _told(error: DeriveError) -> int:
    details = getattr(error, "details", "")
    if details:
        try:
            say(details)
        except OutputGone:
            pass  # the error itself matters more
    return complain(str(error), error.exit_code) if str(error) else error.exit_code


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    path = "derive" if context is None else context.command_path
    return f"{message.removesuffix('.')} (see {path} --help)"


def complain(message: str, code: int) -> int:
    """One printable line on stderr, whatever the message holds."""
    try:
        click.echo(f"derive: {visible(' '.join(message.split()))}", err=True)
    except (OSError, ValueError):
        pass  # nobody listens; the code says it
    return code


@contextmanager
def _prepared_streams() -> Iterator[None]:
    """No encoding error, a termination that unwinds, and no complaint from Python at its exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, _terminate)
    else:
        before = None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        for stream in (sys.stdout, sys.stderr):
            _give_up_if_broken(stream)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def _give_up_if_broken(stream: object) -> None:
    """Python flushes at exit and prints a warning where that fails: send the rest to nowhere."""
    try:
        stream.flush()  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        pass
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
        os.close(nowhere)
