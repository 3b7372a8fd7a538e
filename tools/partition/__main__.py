"""Compute the stored numbers of log Z(alpha) again: `python -m tools.partition`.

With --check the file is left alone; exit status 1 if its numbers are not the computed ones.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from time import monotonic

from derive.errors import DeriveError, EnvironmentTrouble
from tools.partition.form import DATA, REGENERATE, load, write

try:
    from flint import __version__ as flint_version

    from tools.partition import fit, measure
except ImportError:
    flint_version = ""

SEED = 20190616
POINTS = 4000


def main() -> int:
    """Fit, measure and store; or, with --check, fit and compare."""
    parser = ArgumentParser(prog=REGENERATE, description="Recompute log Z of Barron's loss.")
    parser.add_argument("--check", action="store_true", help="compare with the stored numbers only")
    parser.add_argument("--points", type=int, default=POINTS, help="alphas to measure errors at")
    wanted = parser.parse_args()
    began = monotonic()

    def progress(line: str) -> None:
        print(f"{monotonic() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    try:
        if not flint_version:
            raise EnvironmentTrouble(f"{REGENERATE} needs python-flint: install the extra 'verify'")
        return _run(wanted.check, wanted.points, progress)
    except DeriveError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(check: bool, points: int, progress: Callable[[str], None]) -> int:
    form = fit.fit(progress)
    if check:
        same = form.checksum() == load().checksum()
        print(f"{DATA.name}: {'the same' if same else 'other'} numbers")
        return 0 if same else 1
    measured = measure.measure(form, measure.sample(form, points, SEED), progress)
    provenance = {
        "command": f"{REGENERATE} --points {points}",
        "method": "Chebyshev interpolation of log Z from enclosures of the integral; around 2 the "
        "Mellin-Barnes expansion",
        "python_flint": flint_version,
        "working_bits": fit.PRECISION,
        "enclosure_bits": fit.VALUE_BITS,
        "interpolation_points": fit.NODES,
        "measured": asdict(measured),
    }
    write(form, provenance)
    print(
        f"{DATA.name}: {len(form.flat())} numbers, value within {measured.value_ulp:.3f} ULP, "
        f"slope {measured.slope_relative:.1e}, curvature {measured.curvature_scaled:.1e}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
