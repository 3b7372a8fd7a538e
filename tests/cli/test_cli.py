"""What each command passes on, prints and answers."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from derive.cli import main
from derive.definitions.catalogue import TITLES
from derive.errors import BadInput, EnvironmentTrouble, Refuted, Undecided
from derive.progress import Progress, TerminalProgress, progress_on
from derive.tables import aligned

Capture = pytest.CaptureFixture[str]


def derive(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_list(capsys: Capture) -> None:
    assert derive("list") == 0
    out, err = capsys.readouterr()
    assert [line.split("  ")[0] for line in out.splitlines()] == list(TITLES)
    assert err == ""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(arguments: list[str], capsys: Capture) -> None:
    assert derive(*arguments) == 0
    out, err = capsys.readouterr()
    for command in ("list", "show", "regenerate", "latex", "verify", "plot"):
        assert f"\n  {command} " in out
    assert max(map(len, out.splitlines())) <= 80
    assert "..." not in out.replace("[ARGS]...", "")
    assert err == ""


def test_show(pipeline: Any, capsys: Capture) -> None:
    assert derive("show", "huber") == 0
    assert pipeline.called == {"subject": "huber"}
    assert capsys.readouterr().out == "ρ(x) = …\n"


def test_regenerate(pipeline: Any, capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert derive("regenerate", "--out", out) == 0
    assert pipeline.called == {
        "subjects": (), "targets": (), "out": out, "settings": {},
        "joined": False, "check": False, "force": False, "follow": False,
    }  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        "deriving the whole catalogue",
        "loss    derived                                written to            worst error",
        "huber   density                                for_numpy, for_torch  1.2 ULP",
        "barron  10 limits confirmed, density for       for_numpy, for_torch  9 ULP",
        "        alpha >= 0",
        "2 files written",
    ]
    assert derive("regenerate", "--out", out) == 0
    assert capsys.readouterr().out.endswith("nothing to do: every file is up to date\n")


def test_regenerate_passes_every_option(pipeline: Any, tmp_path: Path) -> None:
    arguments = [
        "regenerate",
        "barron",
        "huber",
        "--target",
        "numpy",
        "--target",
        "torch",
        "--force",
        "--follow",
        "--bundle",
    ]
    assert derive(*arguments, "--set", "alpha=1", "--set", "scale = 2", "--out", tmp_path) == 0
    assert pipeline.called == {
        "subjects": ("barron", "huber"), "targets": ("numpy", "torch"), "out": tmp_path,
        "settings": {"alpha": "1", "scale": "2"}, "joined": True, "check": False,
        "force": True, "follow": True,
    }  # fmt: skip


def test_a_bundle_never_replaces_the_files_of_the_checkout(pipeline: Any, capsys: Capture) -> None:
    assert derive("regenerate", "huber", "--bundle") == 2
    assert "--bundle needs --out" in capsys.readouterr().err


def test_the_table_is_printed_once_even_if_nobody_announced_it(
    pipeline: Any, capsys: Capture, tmp_path: Path
) -> None:
    for announce in (True, False):
        pipeline.announce = announce
        assert derive("regenerate", "--out", tmp_path / str(announce)) == 0
        out = capsys.readouterr().out
        assert out.count("worst error") == 1
        assert out.endswith("2 files written\n")


def test_check(pipeline: Any, capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert derive("regenerate", "--out", out, "--check") == 1
    printed, err = capsys.readouterr()
    assert "for_numpy/huber.py: missing" in printed
    assert err == f"derive: {out}: differs from what derive makes; look at the diff, then run " \
        "derive regenerate\n"  # fmt: skip
    assert not out.exists()
    assert derive("regenerate", "--out", out) == 0
    capsys.readouterr()
    assert derive("regenerate", "--out", out, "--check") == 0
    assert capsys.readouterr().out == "no difference: the files are what derive makes\n"
    (out / "for_numpy/huber.py").write_text("edited\n")
    assert derive("regenerate", "--out", out, "--check") == 1
    assert "-edited\n+# huber\n" in capsys.readouterr().out


def test_hand_edits_are_refused_with_the_diff(
    pipeline: Any, capsys: Capture, tmp_path: Path
) -> None:
    assert derive("regenerate", "--out", tmp_path / "out") == 0
    (tmp_path / "out/for_numpy/huber.py").write_text("edited\n")
    capsys.readouterr()
    assert derive("regenerate", "--out", tmp_path / "out") == 2
    out, err = capsys.readouterr()
    assert "-edited\n+# huber\n" in out
    assert err.count("\n") == 1
    assert "--force" in err
    assert derive("regenerate", "--out", tmp_path / "out", "--force") == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["--nonsense"], "--nonsense"),
        (["show"], "LOSS"),
        (["show", "a", "b"], "b"),
        (["regenerate", "--nonsense"], "--nonsense"),
        (["regenerate", "--target"], "--target"),
        (["regenerate", "huber", "--set", "delta=1"], "--set needs --out"),
        (["regenerate", "--out", "o", "--set", "delta=1"], "--set needs the LOSS"),
        (["regenerate", "huber", "--out", "o", "--set", "delta"], "NAME=VALUE"),
        (["regenerate", "huber", "--out", "o", "--set", "=1"], "NAME=VALUE"),
        (["regenerate", "huber", "--out", "o", "--set", "delta="], "NAME=VALUE"),
        (["regenerate", "huber", "--out", "o", "--set", "a b=1"], "NAME=VALUE"),
        (["regenerate", "huber", "--out", "o", "--set", "a=1", "--set", "a=2"], "a is set twice"),
        (["regenerate", "huber", "--out", "o", "--set", "\x1b[2J\n=1"], "\\x1b"),
        (["verify", "--samples", "0"], "--samples"),
        (["verify", "--samples", "many"], "many"),
        (["latex", "--out"], "--out"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_line(
    pipeline: Any, capsys: Capture, arguments: list[str], named: str
) -> None:
    assert derive(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("derive: ")
    assert err.endswith(" --help)\n")
    assert err[:-1].isprintable()
    assert named in err
    assert pipeline.called == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refuted("a: is not b"), 1),
        (BadInput("a: not\nread\x1b[31m; say b"), 2),
        (Undecided("a: not decided"), 3),
        (EnvironmentTrouble("a: locked"), 4),
        (PermissionError(13, "Permission denied", "/a"), 4),
        (OSError(28, "No space left on device"), 4),
        (MemoryError(), 4),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("division by zero"), 70),
        (RecursionError("too deep"), 70),
    ],
    ids=repr,
)
def test_every_error_is_one_line_and_a_code(
    pipeline: Any, capsys: Capture, error: BaseException, code: int
) -> None:
    pipeline.raises = error
    for arguments in (
        ["regenerate", "--check"],
        ["show", "a"],
        ["latex"],
        ["verify"],
        ["plot", "a"],
    ):
        assert derive(*arguments) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("derive: ")
        assert err[:-1].isprintable()


def test_debugging_shows_the_traceback(
    pipeline: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.raises = ZeroDivisionError("division by zero")
    monkeypatch.setenv("DERIVE_DEBUG", "1")
    assert derive("show", "a") == 70
    assert "Traceback" in capsys.readouterr().err


def test_verify(pipeline: Any, fakes: Any, capsys: Capture, tmp_path: Path) -> None:
    assert derive("verify") == 0
    assert capsys.readouterr().out == "the table\n"
    nothing = {"seed": 0, "samples": None, "record": False}
    assert pipeline.called == {"subjects": (), "generated": None, **nothing}
    out = ["--out", tmp_path]
    assert derive("verify", "huber", "--json", "--samples", 7, "--seed", 3, "--record", *out) == 0
    assert capsys.readouterr().out == '[{"verdict": "agrees"}]\n'
    assert pipeline.called == {
        "subjects": ("huber",), "generated": tmp_path, "seed": 3, "samples": 7, "record": True
    }  # fmt: skip
    for holds, undecided, code in [(False, False, 1), (False, True, 1), (True, True, 3)]:
        pipeline.report = fakes.Report(holds, undecided)
        assert derive("verify", "--json") == code
        printed, err = capsys.readouterr()
        assert printed == '[{"verdict": "agrees"}]\n'
        assert err.count("\n") == 1


def test_latex_and_plot(pipeline: Any, capsys: Capture, tmp_path: Path) -> None:
    assert derive("latex", "huber", "barron") == 0
    assert pipeline.called == {"subjects": ("huber", "barron"), "out": None}
    assert capsys.readouterr().out == "\\rho\n"
    assert derive("latex", "--out", tmp_path / "all.tex") == 0
    assert pipeline.called == {"subjects": (), "out": tmp_path / "all.tex"}
    assert capsys.readouterr().out == f"{tmp_path / 'all.tex'} written\n"
    assert derive("plot", "huber") == 0
    assert capsys.readouterr().out == "huber.png written\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert type(progress_on(None)) is Progress
    assert type(progress_on(io.StringIO())) is Progress
    terminal = Terminal()
    rows: list[object] = []
    with progress_on(terminal, rows.extend) as progress:
        assert type(progress) is TerminalProgress
        progress.step("limits of [red]barron", 3, 7)
        progress.ready([1])  # type: ignore[list-item]
        shown = terminal.getvalue()
        progress.step("writing", 7, 7)
    assert "limits of [red]barron" in shown
    assert "3/7" in shown
    assert rows == [1]
    assert terminal.getvalue().rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # cursor back
    monkeypatch.setenv("TERM", "dumb")
    assert type(progress_on(terminal)) is Progress


def test_tables_wrap_and_cut_nothing() -> None:
    rows = [["huber", "one two three four", "/a/very/long/path/to/a/folder"], ["b", "", "x"]]
    wide = aligned(["loss", "derived", "where"], rows)
    assert wide.splitlines()[1] == "huber  one two three four  /a/very/long/path/to/a/folder"
    narrow = aligned(["loss", "derived", "where"], rows, width=48)
    assert max(map(len, narrow.splitlines())) <= 48
    assert sorted(narrow.split()) == sorted(wide.split())
    assert aligned(["loss"], []) == "loss\n"


def test_closed_standard_output(
    pipeline: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert derive("regenerate", "--out", tmp_path / "out") == 4
    assert pipeline.called == {}
    assert capsys.readouterr().err.startswith("derive: standard output is closed")
