"""log Z(alpha) of Barron's loss at scale 1 as stored numbers, and how they are evaluated.

Let l = 2/alpha - 1 (0 at alpha = 2, -1 at inf) and m = |l| = b/alpha; Mellin-Barnes gives exactly
    Z = sqrt(2 pi (1+l)) e^m m^(-l/2) [sum_j (-q)^j/j! g_j(l) + sqrt(q) sum_(n>0) (-m)^n/n! h_n(l)],
q = m^(2/alpha), g_j = Gamma((1/2-j)(1+l))/Gamma(1/2-j), h_n = Gamma(-y-1/2)/((1+l) Gamma(-y)),
y = n/(1+l). So near 2: log Z = ln(2 pi)/2 - (l/2) ln m + m + G(l, w), w = m^(1/alpha) = sqrt(q), G
analytic in both, its odd powers of w (from w l^2: b^(5/2)) one set below 2 and another above. In b:
b ln b, then b^2 ln b, b^(5/2), b^3 ln^2 b ..., b^i ln^j b with j < i; h_n comes from |x| ~ sqrt(b).

Away from 2 log Z is a polynomial on each piece: in alpha/(alpha + 1/8) next to 0, elsewhere in
ln m, which is 0 at alpha = inf. A piece's value is value + (rest + c1 z + c2 z^2 + ...) with
z = (v - middle) rate; value + rest carries the constant to twice the precision.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive.definitions.catalogue import load as load_loss
from derive.definitions.stored import Centre, Piece, Variable, hexadecimal
from derive.definitions.stored import Numbers as PartitionForm
from derive.definitions.stored import load as _load

__all__ = ["Centre", "PartitionForm", "Piece", "Variable"]

_STORED = load_loss("barron").log_partition
assert _STORED is not None
DATA, REGENERATE = _STORED.place, _STORED.command
LARGE = 4.0  # from here m is taken as 1 - 2/alpha, which is 1 at alpha = inf
SQUEEZE = _STORED.squeeze  # next to 0 the variable is alpha/(alpha + SQUEEZE)

Floats = NDArray[np.float64]
Jet = tuple[Floats, Floats, Floats]


def write(form: PartitionForm, provenance: dict[str, Any], path: Path = DATA) -> None:
    """Store the form, its checksum and where its numbers come from."""
    record = {
        "what": "log Z(alpha) of Barron's loss at scale 1, alpha in [0, inf]",
        **provenance,
        "sha256": form.checksum(),
        "form": hexadecimal(asdict(form)),
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="ascii")


def load(path: Path = DATA) -> PartitionForm:
    """The stored form. EnvironmentTrouble if the file was altered or is not one."""
    return _load(path, REGENERATE)


def evaluate(alpha: ArrayLike, order: int = 0, form: PartitionForm | None = None) -> Floats:
    """log Z, or its derivative of the given order (0, 1, 2) in alpha, in float64.

    alpha: any shape, in [0, inf]; NaN elsewhere. At alpha = 2 the first derivative is -inf and
    the second, which has no limit there, NaN. Does what the emitted code does, step by step.
    """
    form = form or load()
    a = np.asarray(alpha, dtype=np.float64)
    a = np.where(a >= 0, a, np.nan)
    inside = (a >= form.centre.start) & (a < form.centre.stop)
    away = _away(np.where(inside, 1.0, a), form)
    near = _near(np.where(inside, a, form.centre.start), form.centre)
    return np.where(inside, near[order], away[order])


def _away(a: Floats, form: PartitionForm) -> Jet:
    """The polynomial pieces: log Z and its derivatives in alpha."""
    pieces = form.pieces
    index = np.searchsorted(np.array([piece.start for piece in pieces[1:]]), a, side="right")
    logarithmic = np.array([piece.variable == "log_ratio" for piece in pieces])[index]
    safe = np.where(logarithmic, a, 1.0)
    ratio = np.where(safe < LARGE, np.abs(safe - 2.0) / np.minimum(safe, LARGE), 1.0 - 2.0 / safe)
    small = np.where(logarithmic, 0.0, a) + SQUEEZE
    v = np.where(logarithmic, np.log(ratio), a / small)
    v1 = np.where(logarithmic, 2.0 / safe / (safe - 2.0), SQUEEZE / (small * small))
    v2 = -v1 * np.where(logarithmic, 1.0 / safe + 1.0 / (safe - 2.0), 2.0 / small)

    rate = np.array([piece.rate for piece in pieces])[index]
    z = (v - np.array([piece.middle for piece in pieces])[index]) * rate
    longest = max(len(piece.coefficients) for piece in pieces)
    p, p1, p2 = np.zeros_like(z), np.zeros_like(z), np.zeros_like(z)
    for k in reversed(range(longest + 1)):
        row = np.array([_coefficient(piece, k) for piece in pieces])
        p2 = p2 * z + p1
        p1 = p1 * z + p
        p = p * z + row[index]
    value = np.array([piece.value for piece in pieces])[index] + p
    first = p1 * rate
    return value, first * v1, 2.0 * p2 * (rate * v1) ** 2 + first * v2


def _coefficient(piece: Piece, k: int) -> float:
    if k == 0:
        return piece.rest
    return piece.coefficients[k - 1] if k <= len(piece.coefficients) else 0.0


def _near(a: Floats, centre: Centre) -> Jet:
    """The piece around 2: log Z and its derivatives in alpha."""
    ell = (2.0 - a) / a
    m = np.abs(ell)
    at_two = m == 0
    below = ell > 0
    safe = np.where(at_two, 1.0, m)
    sign = np.where(below, 1.0, -1.0)
    log_m = np.log(safe)
    power = np.exp(ell * log_m)
    w = np.sqrt(m * power)
    grown = ell * (log_m + 1.0)
    q1 = sign * power * (1.0 + grown)
    q2 = sign * power * ((log_m + 1.0) * (1.0 + grown) + log_m + 2.0)
    w_safe = np.where(at_two, 1.0, w)
    w1 = q1 / (2.0 * w_safe)
    w2 = (q2 - 2.0 * w1 * w1) / (2.0 * w_safe)

    # G, and its derivatives by l and w: Horner in w over rows that are polynomials in l
    g, g_w, g_ww = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
    g_l, g_lw, g_ll = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
    for low, high in reversed(list(zip(centre.below, centre.above, strict=True))):
        r, r1, r2 = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
        for one, other in reversed(list(zip(low, high, strict=True))):
            r2 = r2 * ell + r1
            r1 = r1 * ell + r
            r = r * ell + np.where(below, one, other)
        g_ww = g_ww * w + g_w
        g_w = g_w * w + g
        g = g * w + r
        g_lw = g_lw * w + g_l
        g_l = g_l * w + r1
        g_ll = g_ll * w + 2.0 * r2
    g_ww = 2.0 * g_ww

    value = centre.value + (centre.rest + (g + m - 0.5 * ell * log_m))
    slope = g_l + g_w * w1 + (sign - 0.5 * (log_m + 1.0))
    bend = g_ll + 2.0 * g_lw * w1 + g_ww * w1 * w1 + g_w * w2 - 0.5 / np.where(at_two, 1.0, ell)
    ell1 = -2.0 / (a * a)
    first = np.where(at_two, -np.inf, slope * ell1)
    second = np.where(at_two, np.nan, bend * ell1 * ell1 - slope * (2.0 * ell1 / a))
    return value, first, second
