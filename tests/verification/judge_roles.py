"""Functions of a prediction and a target, and over classes, each right or wrong in one way."""

import os
import time

import numpy as np

_calls = []


def right_exponential(f, y):
    with np.errstate(all="ignore"):
        return np.exp(-y * f)


def twice_bce_with_logits(logits, target):
    return 2 * (np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits))))


def bce_slope(logits, target):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-logits)) - target


def bce_overflows(logits, target):
    with np.errstate(over="ignore"):
        return np.log(1 + np.exp(logits)) - logits * target


def swapped_kl(y, mu):
    return np.abs(mu - y)


def hinge_of_signs(decision, label):
    return np.maximum(0, 1 - label * decision)


def hinge_of_bits(decision, label):
    """Labels are 0 and 1."""
    return np.maximum(0, 1 - (2 * label - 1) * decision)


def twice_brier(q, y):
    return 2 * (q - y) ** 2


def brier_slope(q, y):
    return 2 * (q - y)


def mean_brier(y_true, y_pred):
    return ((y_pred - y_true) ** 2).mean()


def brier_flips(q, y):
    _calls.append(0)
    return (q - y) ** 2 * (1 if len(_calls) % 7 else 1.001)


def brier_changes(q, y):
    q -= y
    return q * q


def brier_wrong_at_one_label(q, y):
    return np.where(y == 1, (q - y) ** 2 * 1.0001, (q - y) ** 2)


def brier_exits(q, y):
    os._exit(0)


def brier_hangs(q, y):
    while True:
        time.sleep(0.01)


def brier_patches(q, y):
    np.allclose = lambda *a, **k: True
    return (q - y) ** 2 * 1.01


def brier_hides_nan(q, y):
    return np.nan_to_num((q - y) ** 2)


def brier_in_single(q, y):
    return ((q - y) ** 2).astype(np.float32)


def focal(z, y, gamma):
    v = np.where(y == 1, z, -z)
    with np.errstate(over="ignore"):
        return np.log1p(np.exp(-np.abs(v))) + np.maximum(-v, 0) if gamma == 0 else (
            (np.log1p(np.exp(-np.abs(v))) + np.maximum(-v, 0)) / (1 + np.exp(v)) ** gamma
        )  # fmt: skip


def _shifted(z):
    return z - z.max(-1, keepdims=True)


def _log_total(u):
    """log of the sum of exp(u), of which the largest is 0."""
    rest = np.exp(u)
    np.put_along_axis(rest, u.argmax(-1)[..., None], 0.0, -1)
    return np.log1p(rest.sum(-1))


def right_softmax(z, t):
    with np.errstate(all="ignore"):
        u = _shifted(z)
        return _log_total(u) - np.take_along_axis(u, t[..., None], -1)[..., 0]


def softmax_of_rows(logits, onehot):
    with np.errstate(all="ignore"):
        u = _shifted(logits)
        return _log_total(u) - (u * onehot).sum(-1)


def softmax_in_bits(z, t):
    return right_softmax(z.astype(np.float64), t) / np.log(2)


def softmax_hides_nan(z, t):
    return np.nan_to_num(right_softmax(z, t))


def softmax_slope(z, t):
    u = np.exp(_shifted(z))
    return u / u.sum(-1, keepdims=True) - np.eye(z.shape[-1])[t]


def softmax_overflows(z, t):
    with np.errstate(all="ignore"):
        return np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, t[..., None], -1)[..., 0]


def softmax_mean(z, t):
    return right_softmax(z, t).mean()


def softmax_forgets_last(z, t):
    u = _shifted(z)
    return np.log(np.exp(u[..., :-1]).sum(-1)) - np.take_along_axis(u, t[..., None], -1)[..., 0]


def right_kl(q, p):
    with np.errstate(all="ignore"):
        return np.where(p == 0, 0, p * np.log(p / q)).sum(-1)


def right_entropy(p):
    with np.errstate(all="ignore"):
        return -np.where(p == 0, 0, p * np.log(p)).sum(-1)


def entropy_of_a_vector(p):
    if p.ndim != 1:
        return np.zeros(2)
    return right_entropy(p)


def right_brier_over_classes(q, t):
    return ((q - np.eye(q.shape[-1])[t]) ** 2).sum(-1)


def slope_of_brier_over_classes(q, t):
    return 2 * (q - np.eye(q.shape[-1])[t])


def kl_of_nothing(q, p):
    """0 log 0 is 0, and NaN here."""
    return np.sum(p * np.log(p / q), axis=-1)


def entropy_of_nothing(p):
    return -np.sum(p * np.log(p), axis=-1)


def huber_parameter_first(delta, x):
    return np.where(np.abs(x) <= delta, x * (x / 2), delta * (np.abs(x) - delta / 2))


def huber_by_other_names(x, delta):
    return huber_parameter_first(x, delta)


def huber_misnamed(delta, r):
    return huber_parameter_first(r, delta)


def right_brier_backwards(y, q):
    return (q - y) ** 2


def gamma_deviance_swapped(mu, y):
    return gamma_deviance_backwards(mu, y)


def gamma_deviance_backwards(y, mu):
    with np.errstate(all="ignore"):
        return 2 * (y / mu - 1 - np.log(y) + np.log(mu))


def entropy_refusing(p):
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("no probabilities")
    return -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=-1)
