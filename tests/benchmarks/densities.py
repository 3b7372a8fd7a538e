"""What the densities are worth: log Z, draws, total probability, gradients, rates. Asserts nothing.

    python tests/benchmarks/densities.py                    all of it, with 10^4 alphas about 25 min
    python tests/benchmarks/densities.py --only draws       one part: logz, draws, total, gradients
    python tests/benchmarks/densities.py --alphas 1000      fewer enclosures

The emitted functions of both targets are measured, against enclosures, differences at 60 digits,
or quadrature of the emitted density.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from derive.calculus.partition.form import evaluate, load
from derive.calculus.partition.measure import measure_all, sample
from derive.calculus.partition.rigorous import log_partition
from mpmath import mp
from scipy import stats
from table import INF, TARGETS, barron, generated

ALPHAS = (0.0, 1e-8, 0.1, 0.5, 1.0, 1.5, 2 - 1e-9, 2.0, 3.0, 4.0, 10.0, 1e3, 1e6, INF)
CASES = [
    ("quadratic", (1.7,)), ("absolute", (0.4,)), ("huber", (0.2,)), ("huber", (3.0,)),
    ("smooth_l1", (0.3,)), ("smooth_l1", (5.0,)), ("cauchy", (2.0,)), ("charbonnier", (0.6,)),
    *(("barron", (a, 1.3)) for a in ALPHAS),
]  # fmt: skip
DRAWS = 1_000_000
NAMES = ("log_partition", "d_log_partition_alpha", "d2_log_partition_alpha")


def _told(loss: str, parameters: tuple[float, ...]) -> str:
    return f"{loss}({', '.join(f'{p:.12g}' for p in parameters)})"


def show_log_z(count: int) -> None:
    form = load()
    alphas = sample(form, count, 20260731)

    def emitted(target: str) -> Callable[[np.ndarray, int], np.ndarray]:
        module = generated(target, "barron")
        if target == "numpy":
            return lambda at, order: getattr(module, NAMES[order])(at, 1.0)
        return lambda at, order: getattr(module, NAMES[order])(torch.tensor(at), 1.0).numpy()

    print(f"\nlog Z of barron against enclosures, {len(alphas)} alphas in [0, inf]")
    print(f"{'':<10}{'value, ULP':>12}{'at':>14}{'slope, rel':>12}{'at':>14}{'d2':>10}{'at':>14}")
    found = measure_all({t: emitted(t) for t in TARGETS}, alphas, lambda text: None)
    for name, m in found.items():
        print(
            f"{name:<10}{m.value_ulp:>12.2f}{m.value_at:>14.8g}{m.slope_relative:>12.1e}"
            f"{m.slope_at:>14.8g}{m.curvature_scaled:>10.1e}{m.curvature_at:>14.8g}"
        )
    many = np.array(sample(form, 10_000, 1))
    for order in range(3):
        want = evaluate(many, order, form)
        size = np.maximum(np.abs(want), np.finfo(float).tiny)
        off = [f"{t} {np.max(np.abs(emitted(t)(many, order) - want) / size):.1e}" for t in TARGETS]
        print(f"order {order}, {len(many)} alphas: relative to the stored form {', '.join(off)}")


def _drawn(loss: str, parameters: tuple[float, ...], target: str) -> tuple[np.ndarray, float]:
    """A million draws, and how many come in a second of the processor's time (the best of 3)."""
    module = generated(target, loss)
    if target == "numpy":
        rng = np.random.default_rng(7)
        draw = lambda: module.sample(rng, DRAWS, *parameters)  # noqa: E731
    else:
        torch.manual_seed(7)
        given = [torch.tensor(v, dtype=torch.float64) for v in (0.0, *parameters)]
        made = getattr(module, "".join(p.capitalize() for p in loss.split("_")))(*given)
        draw = lambda: made.sample((DRAWS,)).numpy()  # noqa: E731
    best = INF
    for _ in range(3):
        begun = time.process_time()
        x = draw()
        best = min(best, time.process_time() - begun)
    return x, DRAWS / best


def _deviation(values: np.ndarray, mean: float) -> float:
    """How many standard errors the mean of the values lies from where it should."""
    return float((values.mean() - mean) / values.std() * math.sqrt(len(values)))


def show_draws() -> None:
    print(f"\nDraws: {DRAWS} of each; deviations in standard errors")
    print(f"{'':<26}{'target':<7}{'KS p':>7}{'E sign':>8}{'E x psi':>9}{'E loss':>8}{'M/s':>7}")
    for loss, parameters in CASES:
        module = generated("numpy", loss)
        for target in TARGETS:
            x, rate = _drawn(loss, parameters, target)
            p = stats.kstest(module.cdf(x, *parameters), "uniform").pvalue
            signs = _deviation(np.sign(x), 0.0)
            # By parts: E[x psi(x)] = 1 for every density. E[loss] is the entropy without log Z.
            virial = _deviation(x * module.d_x(x, *parameters), 1.0)
            expected = module.entropy(*parameters) - module.log_partition(*parameters)
            surprise = _deviation(module.loss(x, *parameters), expected)
            print(
                f"{_told(loss, parameters):<26}{target:<7}{p:>7.3f}{signs:>8.2f}{virial:>9.2f}"
                f"{surprise:>8.2f}{rate / 1e6:>7.2f}",
                flush=True,
            )


def show_total() -> None:
    """Gauss-Legendre with 40 nodes between powers of 1.5 and the kinks, for x > 0."""
    print("\nTotal probability of the emitted density, minus 1")
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for loss, parameters in CASES:
        edges = np.sort([0.0, parameters[0], *(1.5**k for k in range(-60, 1700))])
        edges = edges[edges < INF]
        width = np.diff(edges)[:, None] / 2
        x = edges[:-1, None] + width * (1 + nodes)
        off = {}
        for target in TARGETS:
            at = x if target == "numpy" else torch.tensor(x)
            values = np.asarray(generated(target, loss).density(at, *parameters))
            off[target] = 2 * float(np.sum(values * width * weights)) - 1
        told = "   ".join(f"{target}: {value:+.1e}" for target, value in off.items())
        print(f"{_told(loss, parameters):<26}{told}")


def _near_two() -> Iterator[float]:
    for exponent in range(-15, 0):
        yield 2 - 10.0**exponent
        yield 2 + 10.0**exponent


def show_gradients() -> None:
    print("\nd NLL/d alpha next to alpha = 2, PyTorch's autograd in float64, x in 0.1, 1, 3")
    print("error over the larger of its value and of its terms")
    module, worst = generated("torch", "barron"), (0.0, 0.0)
    for alpha in _near_two():
        (_, slope) = log_partition(alpha, 1, 90)[:2]
        errors = []
        for x in (0.1, 1.0, 3.0):
            at = torch.tensor(alpha, dtype=torch.float64, requires_grad=True)
            residual = torch.tensor(x, dtype=torch.float64)
            (got,) = torch.autograd.grad(-module.log_density(residual, at, 1.0), at)
            with mp.workdps(80):
                h = mp.mpf(10) ** -40
                rise = barron(mp.mpf(x), mp.mpf(alpha) + h, 1) - barron(mp.mpf(x), alpha - h, 1)
                term, other = rise / (2 * h), mp.mpf(slope.mid().str(40, radius=False))
                want = term + other
                error = abs(mp.mpf(float(got)) - want) / max(abs(want), abs(term), abs(other))
            errors.append(float(error))
        worst = max(worst, (max(errors), alpha))
        told = "  ".join(f"{e:.1e}" for e in errors)
        print(f"alpha = 2 {'-' if alpha < 2 else '+'} {abs(alpha - 2):.0e}:  {told}")
    print(f"worst {worst[0]:.1e} at alpha = {worst[1]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("logz", "draws", "total", "gradients"))
    parser.add_argument("--alphas", type=int, default=10_000)
    asked = parser.parse_args()
    parts = {
        "gradients": show_gradients,
        "total": show_total,
        "draws": show_draws,
        "logz": lambda: show_log_z(asked.alphas),
    }
    for name, show in parts.items():
        if asked.only in (None, name):
            show()


if __name__ == "__main__":
    main()
