"""What is derived does not depend on the hash seed."""

import os
import subprocess
import sys

PROGRAM = """
from sympy import Abs, Symbol, log
from derive.calculus import derive
from derive.definitions.loss import Loss
from derive.definitions.symbols import x
c, lam = Symbol("c", positive=True), Symbol("lam", real=True)
loss = Loss("made", "made", "here", (x, lam, c), (((x / c) ** 2 + 1) ** lam - 1) / lam)
found = derive(loss)
told = str((found.quantities, found.pretty, found.limits, found.density, found.weight_at_zero))
"""


def test_another_hash_seed_gives_the_same_text():
    here: dict = {}
    exec(PROGRAM, here)
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "77"
    there = subprocess.run(
        [sys.executable, "-c", f"{PROGRAM}print(told, end='')"],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout == here["told"] != ""
