"""Files are made without the processor's widest vectors, whose exp has other last digits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ASKED = """
from derive import processor
{first}
processor.settle()
import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as found
print(any(found.get(n, False) for n in ("X86_V4", "AVX512_SKX") if n in ("X86_V4",) or not {new}))
"""


def _asked(first: str = "") -> str:
    import numpy as np

    new = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 4)
    env = {k: v for k, v in os.environ.items() if k != "NPY_DISABLE_CPU_FEATURES"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", ASKED.format(first=first, new=new)],
        capture_output=True, text=True, check=True, cwd=CHECKOUT, env=env,
    ).stdout.strip()  # fmt: skip


def test_wide_vectors_are_left_out():
    assert _asked() == "False"


def test_a_loaded_numpy_is_left_alone():
    native = _asked("import numpy")
    if native == "False":
        pytest.skip("this processor has no AVX-512")
    assert native == "True"
