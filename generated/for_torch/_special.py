"""Functions that PyTorch lacks, elementwise in the dtype of their argument, and constants."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

# Of half a step of log gamma in 1/z, odd powers: (B_m(1/2) - B_m)/(m n), m = n + 1 (DLMF 5.11.8).
_GAP = (
    -1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224, -5461 / 425984,
    929569 / 15728640, -3202291 / 8912896, 221930581 / 79691776, -4722116521 / 176160768,
    968383680827 / 3087007744, -14717667114151 / 3355443200,
)  # fmt: skip
# Of digamma(z + 1/2) - log(z) in 1/z, even powers: -B_m(1/2)/m, m = 2, 4, … (likewise).
_BENDS = (
    1 / 24, -7 / 960, 31 / 8064, -127 / 30720, 511 / 67584, -1414477 / 67092480, 8191 / 98304,
    -118518239 / 267386880, 5749691557 / 1882718208,
)  # fmt: skip
# digamma is 0 at 1 + _ZERO; the first number is one of every dtype.
_ZERO = 0.4616321325302124, 1.2438149938918909e-08
_KEPT: dict[Any, Tensor] = {}
_grad: Any = torch.func.grad
_in_transform: Any = torch._C._are_functorch_transforms_active


def constant(numbers: tuple[float, ...], like: Tensor) -> Tensor:
    """Numbers as a tensor, copied to a device once."""
    key = numbers, like.dtype, like.device
    if torch.compiler.is_compiling() or key not in _KEPT:
        made = torch.tensor(numbers, dtype=like.dtype, device=like.device)
        if torch.compiler.is_compiling() or type(made) is not Tensor:
            return made
        if made.is_inference() or _in_transform():
            return made
        _KEPT[key] = made
    return _KEPT[key]


def horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


def loggamma1p(a: Tensor) -> Tensor:
    """log gamma(1 + a) for a > 0; its slopes are those of digamma1p, since torch.digamma loses
    digits beside its zero."""
    here = a.detach()
    # at the middle the first two slopes are right
    return torch.lgamma(1 + here) + (a - here) * digamma1p((a + here) / 2)


def digamma1p(a: Tensor) -> Tensor:
    """digamma(1 + a) for a > 0, also beside its zero r: the sum over k > 0 of
    (a - r)/((k + r) (k + a)), from k = 9 on as a difference of asymptotic series."""
    r, first = sum(_ZERO), 8.5 + sum(_ZERO)
    beside, y = (a - _ZERO[0]) - _ZERO[1], 1 / (a + 8.5)
    series = (
        sum(c / first ** (n - i) for n, c in zip(range(2, 20, 2), _BENDS, strict=True) if i < n)
        for i in range(2 * len(_BENDS))
    )
    total: Any = -y * horner(y, tuple(series))
    for k in range(8, 0, -1):
        total = total + 1 / (k + r) / (k + a)
    return torch.where(a > 1e18, torch.log(a), torch.log1p(beside / first) + beside * total)


def gamma_gap(z: Tensor) -> Tensor:
    """log gamma(z + 1/2) - log gamma(z) - log(z)/2 for z > 0; 0 at inf.

    gap(z) = gap(z + 1) - log(1 + 1/(4 z (z + 1)))/2 up to 8, from there an asymptotic series.
    """
    near = z < 8
    small = torch.where(near, z, 8.0).clamp(min=torch.finfo(z.dtype).tiny)
    grown: Any = 0.0
    for k in range(1, 8):
        term = 0.25 / (small + k) / (small + k + 1)
        grown = grown + term + grown * term
    first = 0.25 / (small + 1)  # over z: kept apart, so that slopes at tiny z are numbers
    apart, rest = small < 0.1, first + first * grown
    tiny, other = torch.where(apart, small, 0.1), torch.where(apart, 1.0, small)
    steps = torch.log(tiny * (1 + grown) + rest) - torch.log(tiny)
    steps = torch.where(apart, steps, torch.log1p(grown + rest / other))
    return _gap_series(z, 0) - torch.where(near, steps / 2, 0.0)


def gamma_gap1(z: Tensor) -> Tensor:
    """The derivative of gamma_gap."""
    steps = [0.5 / y / (y + 1) / (2 * y + 1) for y in (z + k for k in range(8))]
    return _gap_series(z, 1) + torch.where(z < 8, sum(steps), 0.0)


def gamma_gap2(z: Tensor) -> Tensor:
    """The second derivative of gamma_gap."""
    total: Any = 0.0
    for y in (z + k for k in range(8)):
        ratio = (6 * y * (y + 1) + 1) / 2 / (y + 1) / (2 * y + 1)
        total = total + ratio / y / y / (y + 1) / (2 * y + 1)
    return _gap_series(z, 2) - torch.where(z < 8, total, 0.0)


def _gap_series(z: Tensor, order: int) -> Tensor:
    """A derivative of the asymptotic series, at z + 8 where z < 8."""
    inverse = 1 / torch.where(z < 8, z + 8, z)
    terms = [c * math.prod(-(2 * n + 1 + k) for k in range(order)) for n, c in enumerate(_GAP)]
    found: Tensor = horner(inverse * inverse, tuple(terms)) * inverse ** (1 + order)
    return found


class Stored:
    """A function of p in [0, inf] as numbers; NaN elsewhere. Differentiable.

    pieces: text, a line each: start, end, kind, middle, rate, value, then the polynomial in
    z = (v - middle) rate, where v = p/(p + squeeze) (kind 0) or log(|p - centre|/p) (kind 1).
    Next to the centre it is singular: with l = centre/p - 1, m = |l| and w = m^((1 + l)/2) it is
    m - l/2 log m + a polynomial in l and w. around: start, end, value, and the polynomial's
    constant; below and above the centre, rows of w^0, w^1, …: the coefficients of l^0, l^1, ….
    autograd's slope at the centre, where it is infinite, is that of the number before it.
    """

    def __init__(
        self, squeeze: float, centre: float, pieces: str, around: str, below: str, above: str
    ) -> None:
        self.squeeze, self.centre = squeeze, centre
        self.pieces = _padded(_numbers(pieces))
        ((self.start, self.stop, *self.value),) = _numbers(around)
        self.sides = _padded([*_numbers(below), *_numbers(above)])

    def __call__(self, p: Tensor, order: int = 0) -> Tensor:
        at = p == self.centre
        if order:  # at the centre the slope is -inf

            def lower(v: Tensor) -> Tensor:
                return self(v, order - 1).sum()

            # Slopes of a polynomial cancel: in float64, where the device has it.
            wide = p if p.device.type == "mps" else p.double()
            found: Tensor = _grad(lower)(torch.where(at, self.stop, wide)).to(p.dtype)
            return torch.where(at, -math.inf if order == 1 else math.nan, found)
        q = p - torch.where(at, self.centre * torch.finfo(p.dtype).eps / 2, 0.0)
        near, inside = (
            self._near(torch.where(at, p, q).detach()),
            (q >= self.start) & (q < self.stop),
        )
        moved = self._near(torch.where(inside, q, (self.start + self.centre) / 2))
        moved = torch.where(at, moved + (near - moved).detach(), moved)
        found = torch.where(inside, moved, self._piece(torch.where(inside, self.stop, q)))
        return torch.where(p >= 0, found, math.nan)

    def _piece(self, p: Tensor) -> Tensor:
        width = len(self.pieces[0])
        table = constant(tuple(c for row in self.pieces for c in row), p).reshape(-1, width)
        place = (p.detach().unsqueeze(-1) >= table[:, 0]).sum(-1).clamp(min=1) - 1
        rows = table[place.reshape(-1)].reshape(*place.shape, width)
        _, _, kind, middle, rate, value, *polynomial = rows.unbind(-1)
        far, finite = p >= 2 * self.centre, p < math.inf
        x = torch.where(finite, p, 1.0)
        first = torch.where(finite, x / (x + self.squeeze), 1.0)
        apart = torch.where((kind == 1) & finite, x, self.centre / 2)
        ratio = torch.where(far, 1 - self.centre / apart, torch.abs(apart - self.centre) / apart)
        second = torch.where(kind == 1, torch.where(finite, torch.log(ratio), 0.0), 0.0)
        z = (torch.where(kind == 1, second, first) - middle) * rate
        total = torch.zeros_like(z)
        for c in reversed(polynomial):
            total = total * z + c
        return value + total

    def _near(self, p: Tensor) -> Tensor:
        l = (self.centre - p) / p  # noqa: E741  # as in the formula
        m = torch.abs(l)
        log_m = torch.log(torch.where(m > 0, m, 1.0))
        w = torch.where(m > 0, torch.exp((1 + l) / 2 * log_m), 0.0)
        half = len(self.sides) // 2
        total = torch.zeros_like(l)
        for low, high in zip(self.sides[:half][::-1], self.sides[half:][::-1], strict=True):
            row = torch.zeros_like(l)
            for one, other in zip(reversed(low), reversed(high), strict=True):
                row = row * l + torch.where(l > 0, torch.full_like(l, one), other)
            total = total * w + row
        value, rest = self.value
        return value + (rest + (total + m - 0.5 * l * log_m))


def _numbers(text: str) -> list[list[float]]:
    """Rows of numbers, separated by semicolons."""
    return [[float(word) for word in row.split()] for row in text.split(";") if row.strip()]


def _padded(rows: list[list[float]]) -> list[tuple[float, ...]]:
    """Rows of one length, with zeros at the end."""
    width = max(map(len, rows))
    return [(*row, *[0.0] * (width - len(row))) for row in rows]
