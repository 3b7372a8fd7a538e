"""Losses typed by hand for PyTorch, with the facts of their densities, for tests of the runtime.

They are independent of the generator: here the modules of templates/torch stand alone.
"""

from __future__ import annotations

import importlib
import math
import sys
import types
from pathlib import Path

import torch
from torch.distributions import constraints
from torch.utils._python_dispatch import TorchDispatchMode

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "torch"
INF, F64 = math.inf, torch.float64


def runtime(name):
    """A module of the runtime."""
    package = sys.modules.setdefault("torch_runtime", types.ModuleType("torch_runtime"))
    package.__path__ = [str(FOLDER)]
    return importlib.import_module(f"torch_runtime.{name}")


Density, Parameter = runtime("_density").Density, runtime("_density").Parameter
DensityDistribution = runtime("_distribution").DensityDistribution
AdaptiveLoss = runtime("_adaptive").AdaptiveLoss


def _tensor(value, x):
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(value, dtype=x.dtype)


def _positive(name, value):
    if not isinstance(value, torch.Tensor) and not 0 < value < INF:
        raise ValueError(f"{name} must be > 0 and finite, got {value}")


def quadratic(x, scale=1.0):
    _positive("scale", scale)
    return x / scale / 2 * (x / scale)


def absolute(x, scale=1.0):
    return torch.abs(x) / scale


def huber(x, delta=1.0):
    _positive("delta", delta)
    delta = _tensor(delta, x)
    s = torch.minimum(torch.maximum(x, -delta), delta)
    return s * (x - s / 2)


def _log1p_square(y, n):
    """log(1 + y^2/n), far out too."""
    near = torch.abs(y) < (1e100 if y.dtype == F64 else 1e15)
    inner, outer = torch.where(near, y, 1.0), torch.where(near, 1.0, torch.abs(y))
    return torch.where(near, torch.log1p(inner * inner / n), 2 * torch.log(outer) - torch.log(n))


def cauchy(x, scale=1.0):
    _positive("scale", scale)
    return _log1p_square(x / scale, _tensor(2.0, x))


def student_t(x, df=3.0, scale=1.0):
    n = _tensor(df, x)
    return (n + 1) / 2 * _log1p_square(x / scale, n)


def generalized_normal(x, a=1.0, b=1.5):
    y = torch.abs(x / a)
    return torch.where(y > 0, torch.where(y > 0, y, 1.0) ** b, 0 * x)


def pinball(x, tau=0.3, scale=1.0):
    return torch.where(x >= 0, tau * x, (tau - 1) * x) / scale


def linex(x, a=1.0):
    return torch.exp(a * x) - a * x - 1


def exponential_family(x, y=2.0):
    """exp(x) - y x, with its minimum at log y."""
    return torch.exp(x) - y * x


def epsilon_insensitive(x, d=1.0, s=0.5):
    y = torch.relu(torch.abs(x) - d) / s
    return y / 2 * y


def barron(x, alpha=1.0, scale=1.0):
    alpha, tiny = _tensor(alpha, x), 1e-18 if x.dtype == F64 else 1e-9
    alpha = torch.where(alpha == 0, tiny, alpha).clamp(max=1e20 if x.dtype == F64 else 1e12)
    b = torch.abs(alpha - 2).clamp(min=tiny / 1000)
    return b / alpha * torch.expm1(alpha / 2 * _log1p_square(x / scale, b))


def welsch(x, scale=1.0):
    """Bounded: there is no density, but one on an interval."""
    return -torch.expm1(-quadratic(x, scale))


def clashing(x, loc=1.0, value=2.0, a=1.0):
    """A shape and a length under names that the machinery has other uses for."""
    return student_t(x, value, loc * a)


def _length(default=1.0):
    return Parameter(default, constraints.positive, (1e-5, INF))


def _log_z_of_huber(delta):
    inside = 2 * torch.exp(-delta * delta / 2) / delta
    return torch.log(inside + math.sqrt(2 * math.pi) * torch.erf(delta / math.sqrt(2)))


def _slope(x, *parameters):
    """The slope of exp(x) - y x, whose minimum is looked for."""
    return torch.exp(x) - parameters[0]


DENSITIES = {
    density.name: density
    for density in (
        Density("quadratic", quadratic, None, {"scale": _length()}, length=lambda c: c, even=True),
        Density("absolute", absolute, None, {"scale": _length()}, length=lambda c: c, even=True),
        Density(
            "huber", huber, None, {"delta": _length()}, length=lambda d: d, even=True,
            points=lambda d: (0.0, -d, d), closed={(): _log_z_of_huber},
        ),
        Density(
            "huber_by_quadrature", huber, None, {"delta": _length()}, length=lambda d: d,
            even=True, points=lambda d: (0.0, -d, d),
        ),
        Density(
            "cauchy", cauchy, None, {"scale": _length()}, length=lambda c: c, decay=1.0, even=True,
        ),
        Density(
            "student_t", student_t, None, {"df": _length(3.0), "scale": _length()}, even=True,
            length=lambda n, c: c, decay=lambda n, c: n,
            vectors="df must be > dimension - 1 for vectors",
        ),
        Density(
            "generalized_normal", generalized_normal, None, {"a": _length(), "b": _length(1.5)},
            length=lambda a, b: a, even=True,
        ),
        Density(
            "pinball", pinball, None,
            {"tau": Parameter(0.3, constraints.unit_interval, (5e-4, 0.9995)), "scale": _length()},
            length=lambda t, c: c,
        ),
        Density(
            "linex", linex, None, {"a": Parameter(1.0, constraints.real, (-INF, INF))},
            length=lambda a: 1 / abs(a), exists=(lambda a: a != 0, "a must be other than 0"),
        ),
        Density(
            "exponential_family", exponential_family, None, {"y": _length(2.0)},
            points=lambda y: torch.log(y),
        ),
        Density("searched", exponential_family, _slope, {"y": _length(2.0)}, points=math.nan),
        Density(
            "epsilon_insensitive", epsilon_insensitive, None, {"d": _length(), "s": _length(0.5)},
            length=lambda d, s: s, points=lambda d, s: (0.0, -d, d), even=True,
        ),
        Density(
            "barron", barron, None,
            {"alpha": Parameter(1.0, constraints.nonnegative, (0.001, 1.999)), "scale": _length()},
            length=lambda a, c: c, even=True, decay=lambda a, c: torch.where(a == 0, 1.0, INF),
            exists=(lambda alpha, scale: alpha >= 0, "alpha must be >= 0 for a density"),
        ),
        Density("welsch", welsch, None, {"scale": _length()}, length=lambda c: c, even=True),
        Density(
            "clashing", clashing, None,
            {"loc": _length(), "value": _length(2.0), "a": _length()}, even=True,
            length=lambda loc, value, a: loc * a, decay=lambda loc, value, a: value,
        ),
    )
}  # fmt: skip


class Quadratic(DensityDistribution, law=DENSITIES["quadratic"]):
    pass


class Absolute(DensityDistribution, law=DENSITIES["absolute"]):
    pass


class Huber(DensityDistribution, law=DENSITIES["huber"]):
    pass


class HuberByQuadrature(DensityDistribution, law=DENSITIES["huber_by_quadrature"]):
    pass


class Cauchy(DensityDistribution, law=DENSITIES["cauchy"]):
    pass


class StudentT(DensityDistribution, law=DENSITIES["student_t"]):
    pass


class GeneralizedNormal(DensityDistribution, law=DENSITIES["generalized_normal"]):
    pass


class Pinball(DensityDistribution, law=DENSITIES["pinball"]):
    pass


class Linex(DensityDistribution, law=DENSITIES["linex"]):
    pass


class ExponentialFamily(DensityDistribution, law=DENSITIES["exponential_family"]):
    pass


class Searched(DensityDistribution, law=DENSITIES["searched"]):
    pass


class EpsilonInsensitive(DensityDistribution, law=DENSITIES["epsilon_insensitive"]):
    pass


class Barron(DensityDistribution, law=DENSITIES["barron"]):
    pass


class Clashing(DensityDistribution, law=DENSITIES["clashing"]):
    pass


class AdaptiveBarronLoss(AdaptiveLoss, law=DENSITIES["barron"]):
    pass


class AdaptiveStudentTLoss(AdaptiveLoss, law=DENSITIES["student_t"]):
    pass


class AdaptivePinballLoss(AdaptiveLoss, law=DENSITIES["pinball"]):
    pass


class AdaptiveLinexLoss(AdaptiveLoss, law=DENSITIES["linex"]):
    pass


class AdaptiveHuberLoss(AdaptiveLoss, law=DENSITIES["huber"]):
    pass


class AdaptiveClashingLoss(AdaptiveLoss, law=DENSITIES["clashing"]):
    pass


ALL = (
    (Quadratic, (1.4,)), (Absolute, (1.4,)), (Huber, (1.4,)), (HuberByQuadrature, (0.3,)),
    (Cauchy, (1.4,)), (StudentT, (2.7, 1.4)), (StudentT, (0.4, 1.4)), (StudentT, (1e9, 1.4)),
    (GeneralizedNormal, (1.2, 0.6)), (GeneralizedNormal, (1.2, 8.0)), (Pinball, (0.3, 0.8)),
    (Pinball, (0.001, 0.8)), (Linex, (1.2,)), (Linex, (-0.1,)), (ExponentialFamily, (3.0,)),
    (Searched, (3.0,)), (EpsilonInsensitive, (1.0, 0.5)), (EpsilonInsensitive, (1.0, 1e-4)),
    (Barron, (0.0, 1.4)), (Barron, (0.3, 1.4)), (Barron, (1.9999, 1.4)), (Barron, (2.0, 1.4)),
    (Barron, (INF, 1.4)), (Clashing, (1.3, 2.5, 0.7)),
)  # fmt: skip


def tensors(*values, grad=False, dtype=F64):
    return [torch.tensor(float(v), dtype=dtype, requires_grad=grad) for v in values]


class HostReads(TorchDispatchMode):
    """Counts what would wait for a device."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        waits = ("_local_scalar_dense", "nonzero", "is_all_true")
        self.count += any(w in str(function) for w in waits)
        return function(*args, **(kwargs or {}))
