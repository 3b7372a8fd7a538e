"""Generated files are tried before they are written."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import pytest

from derive.emission import validate as room
from derive.emission.targets import TARGETS
from derive.emission.validate import Expected, validate
from derive.errors import EnvironmentTrouble, Refuted

GOOD = "import numpy as np\n\n\ndef loss(x, scale=2.0):\n    return np.square(x / scale) / 2\n"


def tree(source: str, path: str = "for_numpy/quadratic.py") -> dict[str, str]:
    return {"__init__.py": "", "for_numpy/__init__.py": '"""All losses."""\n', path: source}


def test_good_files_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = validate(tree(GOOD), {"for_numpy/quadratic.py": Expected(0.125)})
    assert paths == ("for_numpy/__init__.py", "for_numpy/quadratic.py")
    assert validate(tree(GOOD), {"for_numpy/quadratic.py": Expected(1.125)}, at=3.0) == paths
    assert os.listdir(tmp_path) == []


def test_packages_are_imported_as_packages() -> None:
    files = tree(GOOD) | {"for_numpy/__init__.py": "from . import quadratic\nquadratic.loss\n"}
    assert "for_numpy/__init__.py" in validate(files, {})


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def loss(x:\n", "does not compile"),
        ("import numpy as np\nprint(np.nothing)\n", "AttributeError"),
        ("from . import other\n\n\ndef loss(x):\n    return x\n", "ImportError"),
        ("import derive_nothing\n", "ModuleNotFoundError"),
        ("import warnings\nwarnings.warn('old')\n", "UserWarning: old"),
        ("x = '\\d'\n", "SyntaxWarning|does not compile|invalid escape"),
        ("y = 1\n", "has no attribute 'loss'"),
        ("def loss(x):\n    return x / 0\n", "ZeroDivisionError"),
        (GOOD.replace("/ 2\n", "/ 3\n"), r"loss\(1.0\) is 0.0833.* and should be 0.125"),
        ("def loss(x):\n    return float('nan')\n", "is nan and should be 0.125"),
    ],
)
def test_bad_files_are_refused(source: str, why: str) -> None:
    with pytest.raises(Refuted, match=why) as caught:
        validate(tree(source), {"for_numpy/quadratic.py": Expected(0.125)})
    assert str(caught.value).startswith("for_numpy/quadratic.py: ")
    assert "\n" not in str(caught.value)


def test_what_a_file_prints_is_no_answer() -> None:
    noisy = 'print("{}")\n' + GOOD
    assert validate(tree(noisy), {"for_numpy/quadratic.py": Expected(0.125)})


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_torch_files() -> None:
    source = (
        "import inspect\n\nimport torch\n\n\nclass Own(torch.nn.Module):\n    pass\n\n\n"
        "assert 'Own' in inspect.getsource(Own)\n\n\n"
        "def loss(x):\n    return torch.as_tensor(x) / 3\n"
    )
    right, wrong = "for_torch/third.py", "for_torch/wrong.py"
    with pytest.raises(Refuted, match=r"^for_torch/wrong\.py.* should be 0.4"):
        validate({right: source, wrong: source}, {right: Expected(1 / 3), wrong: Expected(0.4)})


def test_without_the_library_files_are_only_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert validate(tree("import nothing_at_all\n"), {}) == ()
    with pytest.raises(Refuted, match="does not compile"):
        validate(tree("def\n"), {})


def test_a_broken_library_is_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    target = replace(TARGETS["numpy"], folder="for_broken", library="broken")
    monkeypatch.setitem(room.TARGETS, "broken", target)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with pytest.raises(EnvironmentTrouble, match="broken cannot be used here .*No module named"):
        validate({"for_broken/a.py": "x = 1\n"}, {})


def test_a_file_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TIME_LIMIT", 1.0)
    with pytest.raises(EnvironmentTrouble, match="more than 1 s"):
        validate(tree("while True:\n    pass\n"), {})


@pytest.mark.parametrize(
    ("value", "wanted", "kappa", "dtype", "right"),
    [
        (float("inf"), 2.3485425827738332e108, 180.0, "float32", True),  # (1 + x)**360 at 1
        (float("inf"), 2.3485425827738332e108, 180.0, "float64", False),
        (2.3485425827738e108, 2.3485425827738332e108, 180.0, "float64", True),
        (9.5e-07, 9.999995000003333e-07, 2e6, "float32", True),  # log(x**2 + 1e-6) at 1
        (9.5e-07, 9.999995000003333e-07, 2.0, "float32", False),
        (9.5e-07, 9.999995000003333e-07, 2e6, "float64", False),
        (0.0, 1e-60, 1.0, "float32", True),
        (0.1251, 0.125, 1.0, "float64", False),
    ],
)
def test_a_value_is_asked_for_within_its_range_and_kappa(value, wanted, kappa, dtype, right):
    target = replace(next(iter(TARGETS.values())), dtype=dtype)
    assert room._is_right(value, Expected(wanted, kappa), target) is right
