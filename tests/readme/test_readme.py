"""The README's tour is run as it is written, and its outputs are those that come out.

Blocks by their language: `toml` (the first line names the file) is written down, `console` is typed
into a shell, `pycon` into Python; `...` in an output stands for any text. Every section has a
folder of its own, with the files that the README names.
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
HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks(text: str, *languages: str) -> Iterator[Block]:
    for found in BLOCK.finditer(text):
        if found[1] in languages:
            yield Block(found[1], found[2])


_, *PARTS = HEADING.split(README)
SECTIONS = dict(zip(PARTS[::2], PARTS[1::2], strict=True))
TOUR = [title for title, text in SECTIONS.items() if any(blocks(text, "console", "pycon"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the tour takes from the checkout, so that it writes nothing there."""
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    for block in blocks(README, "toml"):
        name = block.text.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(block.text, encoding="utf-8")
    return tmp_path


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


def test_there_is_a_tour() -> None:
    assert len(TOUR) > 5
    assert {language for language, _ in BLOCK.findall(README)} >= {"sh", "toml", "console", "pycon"}
    assert len(SECTIONS) == len(PARTS) / 2  # no title occurs twice


@pytest.mark.parametrize("section", TOUR)
def test_the_tour_runs_as_written(folder: Path, section: str) -> None:
    for block in blocks(SECTIONS[section], "console", "pycon"):
        if block.language == "console":
            assert COMMAND.match(block.text)
            for command, wanted in COMMAND.findall(block.text):
                got = _run(folder, "bash", "-c", command)
                assert _same(wanted, got), f"$ {command}\n{got}\n--- README:\n{wanted}"
        else:
            typed = folder / "typed.txt"
            typed.write_text(block.text, encoding="utf-8")
            doctested = ["-W", "error", "-m", "doctest", "-o", "ELLIPSIS", typed.name]
            said = _run(folder, sys.executable, *doctested)
            assert said == "", said


def test_a_wrong_output_would_be_noticed(folder: Path) -> None:
    assert not _same("huber\n", _run(folder, "bash", "-c", "echo cauchy"))
    typed = folder / "wrong.txt"
    typed.write_text(">>> 1 + 1\n3\n")
    assert "Expected:" in _run(folder, sys.executable, "-m", "doctest", typed.name)


def test_the_test_command_is_the_one_that_runs() -> None:
    setup, tests = (block.text.strip() for block in list(blocks(README, "sh"))[:2])
    assert "\n" not in setup + tests
    assert tests.replace(" -q ", " ") in (CHECKOUT / ".ci" / "run").read_text().replace(" -q ", " ")


def test_links_inside_the_repository_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    missing = [link for link in links if not (CHECKOUT / link).exists()]
    assert missing == []
