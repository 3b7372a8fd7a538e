"""generated/ is what derive makes, and derive makes the same bytes everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forms import derivation, sampled, stable_form

from derive import files
from derive.classwise import stages
from derive.definitions.catalogue import NAMES, load
from derive.emission.targets import TARGETS

CHECKOUT = Path(__file__).resolve().parents[2]


def _derive(*arguments, cwd, umask=0o022, **settings):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "derive", *arguments],
        cwd=cwd,
        env={**env, "PYTHONPATH": str(CHECKOUT), **settings},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_generated_files_are_made_of_the_definitions():
    for name in NAMES:
        loss = load(name)
        for target in TARGETS.values():
            text = (CHECKOUT / "generated" / files.loss_path(target, loss)).read_text("utf-8")
            assert f"sha256 {loss.digest}" in text[:400], f"derive regenerate {name}"


@pytest.mark.parametrize("name", sampled(NAMES))
def test_generated_files_are_current(name):
    loss = load(name)
    made = stages(loss, name)
    if loss.kind != "classwise":
        vars(made).update(derivation=derivation(loss), stable=stable_form(loss))
    for path, text in made.files(tuple(TARGETS)).items():
        assert (CHECKOUT / "generated" / path).read_text(encoding="utf-8") == text, path


def test_shared_files_and_the_manifest_are_current(tmp_path):
    for path, text in files.shared(tuple(TARGETS)).items():
        assert (CHECKOUT / "generated" / path).read_text(encoding="utf-8") == text, path
    _derive("regenerate", "huber", "--check", cwd=tmp_path)


@pytest.mark.slow
def test_the_command_finds_everything_current(tmp_path):
    _derive("regenerate", "--check", cwd=tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return _made(tmp_path_factory.mktemp("plain"), PYTHONHASHSEED="0")


def _made(folder, **how):
    _derive("regenerate", "huber", "--target", "numpy", "--out", "made", cwd=folder, **how)
    # The dot file is no part of the output: it says whether a later run has anything to do.
    files = [path for path in (folder / "made").rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name != ".inputs.json"
    }


@pytest.mark.parametrize(
    "how",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "umask": 0o077},
    ],
    ids=["turkish", "c-locale"],
)
def test_the_bytes_depend_on_nothing_around(plain, how, tmp_path):
    assert {"made/for_numpy/huber.py", "made/for_numpy/densities/huber.py"} <= plain.keys()
    assert _made(tmp_path, **how) == plain
