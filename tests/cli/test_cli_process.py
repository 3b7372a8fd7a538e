"""The command line as a process: streams that close, signals, several at once, its speed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from derive.output.writer import check, write

FAKE = Path(__file__).with_name("fake_pipeline.py")
CHECKOUT = FAKE.parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
OLD = {"for_numpy/huber.py": "# the old one\n"}


def start(*arguments: object, pause: float = 0.0, **options: Any) -> subprocess.Popen[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    command = [sys.executable, str(FAKE), str(pause), *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, **options)


def beside(root: Path) -> list[str]:
    return sorted(path.name for path in root.parent.iterdir())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(OLD, tmp_path / "generated")
    return tmp_path / "generated"


def test_reader_that_leaves_after_one_line(root: Path) -> None:
    with start("regenerate", "--out", root, pause=0.3) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "deriving the whole catalogue\n"
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (4, "")
    assert not check(OLD, root)
    assert beside(root) == ["generated"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", [["regenerate", "--out"], ["list"], ["--help"], ["verify"], ["show", "huber"]]
)
def test_output_on_a_full_device(root: Path, arguments: list[str]) -> None:
    given = [*arguments, root] if arguments[-1] == "--out" else arguments
    with open("/dev/full", "w") as full, start(*given, stdout=full) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 4
    assert err == "derive: standard output: No space left on device; redirect it elsewhere\n"
    assert not check(OLD, root)


def test_no_streams_at_all(root: Path) -> None:
    for closing, code in ((">&-", 4), ("2>&-", 0), (">&- 2>&-", 4), ("2>/dev/full", 0)):
        line = f'exec "$@" {closing}'
        command = ["sh", "-c", line, "sh", sys.executable, str(FAKE), "0", "show", "huber"]
        ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False)
        assert (closing, ended.returncode) == (closing, code)
        assert b"Traceback" not in ended.stderr


def test_errors_without_anybody_listening(root: Path) -> None:
    command = ["sh", "-c", 'exec "$@" 2>/dev/full', "sh", sys.executable, str(FAKE), "0", "what"]
    assert subprocess.run(command, env=ENVIRONMENT, check=False).returncode == 2


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_signals(root: Path, number: signal.Signals, code: int) -> None:
    with start("regenerate", "--out", root, pause=10) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert err == ("derive: interrupted\n" if code == 130 else "")
    assert not check(OLD, root)
    assert beside(root) == ["generated"]


def test_eight_runs_at_once(root: Path, fakes: ModuleType) -> None:
    running = [start("regenerate", "--out", root) for _ in range(8)]
    for process in running:
        with process:
            _, err = process.communicate(timeout=60)
        assert process.returncode == 0 or (process.returncode == 4 and "locked" in err)
        assert err.count("\n") <= 1
    assert not check(fakes.TREE, root)
    assert beside(root) == ["generated"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal(encoding: str) -> None:
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": encoding}
    command = [sys.executable, str(FAKE), "0", "show", "huber"]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"(x) = " in ended.stdout


def test_as_a_module_and_outside_the_checkout(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derive", "list"]
    ended = subprocess.run(
        command, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "huber" in ended.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["regenerate", "--help"], ["what"]])
def test_quick_answers_import_nothing_heavy(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "derive", *arguments]
    begun = time.monotonic()
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert time.monotonic() - begun < 10
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "derive.cli" in imported
    assert not imported & {"sympy", "mpmath", "numpy", "torch", "rich", "jinja2", "matplotlib"}
