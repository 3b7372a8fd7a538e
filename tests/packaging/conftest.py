"""What users install, built from the checkout without a network and unpacked in empty folders."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# Without -S, the test environment's own editable install would put the checkout on the path.
START = """
import site, sys
site.addsitedir({installed!r})
sys.path.append({libraries!r})
from derive.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="session")
def checkout() -> Path:
    return CHECKOUT


@pytest.fixture(scope="session")
def build(tmp_path_factory) -> Callable[[str, Path], Path]:
    def built(kind: str, source: Path) -> Path:
        out = tmp_path_factory.mktemp("dist")
        command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (file,) = out.iterdir()
        return file

    return built


@pytest.fixture(scope="session")
def wheel(build) -> Path:
    return build("wheel", CHECKOUT)


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory) -> Callable[[Path], Path]:
    """A wheel of pure Python is installed by unpacking it."""

    def unpack(wheel: Path) -> Path:
        folder = tmp_path_factory.mktemp("installed")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        return folder

    return unpack


@pytest.fixture(scope="session")
def derive() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the `derive` that lies unpacked in a folder, and no other."""

    def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        start = START.format(installed=str(installed), libraries=sysconfig.get_path("purelib"))
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        return subprocess.run(
            [sys.executable, "-I", "-S", "-W", "error", "-c", start, *arguments],
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
