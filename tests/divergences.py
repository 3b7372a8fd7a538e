"""Divergences of Kullback and Leibler that are known, typed from the literature."""

from __future__ import annotations

from mpmath import mp

# (place, length) of p and of q: apart, close, very close, and far apart
PAIRS = [
    ((0.3, 1.0), (-0.8, 2.5)), ((0.3, 2.5), (0.31, 2.4)), ((1.0, 0.7), (1.0, 0.7 + 1e-4)),
    ((1.0 + 1e-4, 0.7), (1.0, 0.7)), ((0.0, 0.01), (0.05, 0.02)), ((5.0, 1.0), (-20.0, 1.0)),
    ((0.0, 1e-3), (0.0, 1e3)), ((0.0, 1e3), (0.0, 1e-3)),
]  # fmt: skip


def normal(a, s, b, t):
    return mp.log(t / s) + (s * s + (a - b) ** 2) / (2 * t * t) - mp.mpf(1) / 2


def cauchy(a, s, b, t):
    s, t = s * mp.sqrt(2), t * mp.sqrt(2)
    return mp.log(((s + t) ** 2 + (a - b) ** 2) / (4 * s * t))


def laplace(a, s, b, t):
    d = abs(a - b)
    return mp.log(t / s) + (s * mp.exp(-d / s) + d) / t - 1
