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
print(found.quantities, found.pretty, found.limits, found.density, found.weight_at_zero)
"""


def test_two_hash_seeds_give_one_text():
    texts = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "77")
    ]
    assert texts[0] == texts[1] != ""
