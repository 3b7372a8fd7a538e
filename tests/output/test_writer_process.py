"""The writer among kills, interrupts, full disks and other writers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derive.errors import EnvironmentTrouble
from derive.output import swap
from derive.output.writer import check, write

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from killed import GENERATIONS, state  # noqa: E402 (the folder is on the path for it alone)

sys.path.remove(str(HERE))
A, B = GENERATIONS["A"], GENERATIONS["B"]


def python(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    return process


def beside(root: Path) -> list[str]:
    return sorted(path.name for path in root.parent.iterdir())


@pytest.mark.parametrize("way", ["exchange", "renames", "overlay"])
def test_killed_before_every_system_call(tmp_path: Path, way: str) -> None:
    root = tmp_path / "generated"
    with python(HERE / "killed.py", "every", root, way) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    calls, old, new, missing = map(int, out.split())
    assert calls > 60
    assert old > 20
    assert new > 10
    # Where folders cannot be exchanged there is one call between the two renames.
    assert missing == (1 if way == "renames" else 0)


def trials(root: Path, number: int, seed: int) -> None:
    draw = random.Random(seed)
    write(A, root)
    for _ in range(number):
        with python(HERE / "killed.py", "loop", root) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(draw.uniform(0, 0.06))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert state(root) in ("A", "B")
    write(A, root)
    assert state(root) == "A"
    assert beside(root) == ["generated"]


def test_killed_at_random(tmp_path: Path) -> None:
    trials(tmp_path / "generated", 30, seed=1)


@pytest.mark.slow
def test_killed_at_random_a_thousand_times(tmp_path: Path) -> None:
    trials(tmp_path / "generated", 1000, seed=2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    root = tmp_path / "generated"
    write(A, root)
    for delay in (0.0, 0.003, 0.01, 0.02, 0.03):
        with python(HERE / "killed.py", "loop", root) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(number)
            process.communicate(timeout=20)
        assert process.returncode != 0
        assert state(root) in ("A", "B")
        assert beside(root) == ["generated"]


@pytest.mark.parametrize("start", [False, True], ids=["fresh", "over-another"])
def test_eight_at_once(tmp_path: Path, start: bool) -> None:
    root = tmp_path / "generated"
    if start:
        write(A, root)
    script = (
        "import sys; from pathlib import Path; from killed import GENERATIONS\n"
        "from derive.output.writer import write; from derive.errors import EnvironmentTrouble\n"
        "try: write(GENERATIONS['B'], Path(sys.argv[1]))\n"
        "except EnvironmentTrouble as e: print(e); sys.exit(4)\n"
    )
    running = [python("-c", script, root, cwd=HERE) for _ in range(8)]
    ends = []
    for process in running:
        with process:
            out, err = process.communicate(timeout=60)
        assert err == ""
        assert process.returncode == 0 or (process.returncode == 4 and "locked" in out)
        ends.append(process.returncode)
    assert 0 in ends
    assert state(root) == "B"
    assert beside(root) == ["generated"]


def test_parts_written_at_once_all_arrive(tmp_path: Path) -> None:
    root = tmp_path / "generated"
    script = (
        "import sys; from pathlib import Path; from derive.output.writer import write\n"
        "write({f'for_numpy/{sys.argv[2]}.py': sys.argv[2]}, Path(sys.argv[1]), partial=True)\n"
    )
    names = [f"loss_{number}" for number in range(6)]
    running = [python("-c", script, root, name) for name in names]
    for process in running:
        with process:
            _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    assert not check({f"for_numpy/{name}.py": name for name in names}, root)


def test_locked_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    root = tmp_path / "generated"
    write(A, root)
    monkeypatch.setattr("derive.output.lock.locked.__wrapped__.__defaults__", (0.1,))
    lock = swap.Siblings.of(root).lock
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentTrouble, match="locked, another derive"):
            write(B, root)
    assert state(root) == "A"
    write(A, root)  # a lock file whose holder is gone stops nobody, and goes
    assert beside(root) == ["generated"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting needs root")
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk(small_disk: Path) -> None:
    root = small_disk / "generated"
    small, big = {"for_numpy/a.py": "# a\n"}, {f"for_numpy/{i}.py": "#" * 9000 for i in range(9)}
    write(small, root)
    with pytest.raises(EnvironmentTrouble, match="No space left on device"):
        write(big, root)
    assert not check(small, root)
    assert beside(root) == ["generated"]
    with pytest.raises(EnvironmentTrouble, match="No space left on device"):
        write(big, small_disk / "deep" / "er")
    assert beside(root) == ["generated"]


def test_a_folder_from_below_an_overlay(small_disk: Path) -> None:
    """As in a container whose image holds the checkout: such a folder cannot be renamed."""
    lower, upper, work, merged = (
        small_disk / name for name in ("lower", "upper", "work", "merged")
    )
    for folder in (upper, work, merged):
        folder.mkdir()
    write({"a.py": "# old\n"}, lower / "generated")
    (lower / "generated/mine.txt").write_text("mine")
    layers = f"lowerdir={lower},upperdir={upper},workdir={work}"
    command = ["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no overlay file system here")
    try:
        for text in ("# new\n", "# newer\n"):
            write({"a.py": text}, merged / "generated")
            assert check({"a.py": text}, merged / "generated").extra == ("mine.txt",)
            assert beside(merged / "generated") == ["generated"]
    finally:
        subprocess.run(["umount", str(merged)], check=True)


def test_mount_point_is_refused(small_disk: Path) -> None:
    with pytest.raises(EnvironmentTrouble, match="is a mount point"):
        write(A, small_disk)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("call", ["write", "fsync", "link", "mkdir"])
def test_every_failing_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """A disk that fails at the n-th call, for each n until the write succeeds."""
    root = tmp_path / "generated"
    true_call = getattr(os, call)
    failures = 0
    for allowed in range(100):
        write(A, root, force=True)
        left = [allowed]

        def failing(*arguments: object, left: list[int] = left, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")
            return true_call(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(os, call, failing)
            try:
                write(B, root)
            except EnvironmentTrouble as error:
                assert "No space left" in str(error)
                failures += 1
            else:
                break
        if state(root) != "B":  # only the very last sync comes after the exchange
            assert state(root) == "A"
        assert beside(root) == ["generated"]
    assert failures > 0 or call == "link"  # links fall back to copies
    assert state(root) == "B"


def test_without_permission() -> None:
    """As an ordinary user: root may write everywhere."""
    script = (
        "import os, sys; from pathlib import Path; from killed import GENERATIONS\n"
        "from derive.output.writer import write; from derive.errors import EnvironmentTrouble\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: write(GENERATIONS['B'], Path(sys.argv[1]))\n"
        "except EnvironmentTrouble as e: print(e); sys.exit(4)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "generated"
        write(A, root)
        os.chmod(folder, 0o555)
        with python("-c", script, root, cwd=HERE) as process:
            out, err = process.communicate(timeout=20)
        os.chmod(folder, 0o755)
        assert (process.returncode, err) == (4, "")
        assert out.startswith(f"{root}: cannot be written, no permission to write in {folder}")
        assert state(root) == "A"
        assert beside(root) == ["generated"]
