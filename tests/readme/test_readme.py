"""The README's tour is run as it is written, and its outputs are those that come out.

Blocks by their language: `toml` (the first line names the file) is written down, `console` is typed
into a shell, `pycon` into Python; `...` in an output stands for any text.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks(language: str = "") -> Iterator[Block]:
    for found in BLOCK.finditer(README):
        if language in ("", found[1]):
            yield Block(found[1], found[2])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the tour takes from the checkout, so that it writes nothing there."""
    tour = tmp_path_factory.mktemp("tour")
    (tour / "examples").symlink_to(CHECKOUT / "examples")
    return tour


def _run(folder: Path, *command: str) -> str:
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "100"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def _same(wanted: str, got: str) -> bool:
    stripped = "".join(line.rstrip() + "\n" for line in got.splitlines())
    return doctest.OutputChecker().check_output(wanted, stripped, doctest.ELLIPSIS)


def test_the_tour_runs_as_written(folder: Path) -> None:
    kinds = set()
    for block in blocks():
        kinds.add(block.language)
        if block.language == "toml":
            name = block.text.splitlines()[0].removeprefix("# ")
            (folder / name).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            assert COMMAND.match(block.text)
            for command, wanted in COMMAND.findall(block.text):
                got = _run(folder, "bash", "-c", command)
                assert _same(wanted, got), f"$ {command}\n{got}\n--- README:\n{wanted}"
        elif block.language == "pycon":
            typed = folder / "typed.txt"
            typed.write_text(block.text, encoding="utf-8")
            doctested = ["-W", "error", "-m", "doctest", "-o", "ELLIPSIS", typed.name]
            said = _run(folder, sys.executable, *doctested)
            assert said == "", said
    assert kinds >= {"sh", "toml", "console", "pycon"}


def test_a_wrong_output_would_be_noticed(folder: Path) -> None:
    assert not _same("huber\n", _run(folder, "bash", "-c", "echo cauchy"))
    typed = folder / "wrong.txt"
    typed.write_text(">>> 1 + 1\n3\n")
    assert "Expected:" in _run(folder, sys.executable, "-m", "doctest", typed.name)


def test_the_test_command_is_the_one_that_runs() -> None:
    setup, tests = (block.text.strip() for block in list(blocks("sh"))[:2])
    assert "\n" not in setup + tests
    assert tests.replace(" -q ", " ") in (CHECKOUT / ".ci" / "run").read_text().replace(" -q ", " ")


def test_links_inside_the_repository_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    missing = [link for link in links if not (CHECKOUT / link).exists()]
    assert missing == []
