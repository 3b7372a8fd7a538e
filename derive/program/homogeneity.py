"""Derivatives that follow from others by homogeneity: d_scale = -x/scale * d_x, and its kin.

If loss(k x, k c) = loss(x, c) for every k > 0, then x d/dx + c d/dc is 0 on the loss, and, since
d/dp commutes with it, on its derivative in any other parameter p. The theorem is exact; products
leave the range of numbers where the derivative itself need not, so that each relation is tried
on a grid of the whole range, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from sympy import Symbol

from derive.definitions.loss import Loss
from derive.definitions.relations import satisfied
from derive.numerics.evaluate import evaluate
from derive.numerics.forms import StableForm
from derive.numerics.nodes import Call, Name, Node

# Relative differences up to this are rounding: the relation adds three roundings to d_x's own.
_ROUNDING = 32 * np.finfo(np.float64).eps
# Where the values themselves are this close to the ends of the range, the form may round too.
_LEAST, _MOST = 2.0**-1000, 2.0**1000


def relations(form: StableForm, length: Symbol | None) -> dict[str, tuple[str, Node]]:
    """quantity -> (the one it follows from, the relation), where it keeps the digits."""
    if length is None:
        return {}
    x, c = form.loss.residual, length
    found: dict[str, tuple[str, Node]] = {}
    for name, source in _pairs(form.loss, length):
        arguments = (Name(v.name) for v in form.loss.variables)
        value = Call("quantity", (Name(source), *arguments))
        relation = Call("mul", (Call("div", (Call("neg", (Name(x.name),)), Name(c.name))), value))
        if _keeps_digits(form, name, source, length):
            found[name] = source, relation
    return found


def _pairs(loss: Loss, length: Symbol) -> Iterator[tuple[str, str]]:
    x, c = loss.residual.name, length.name
    order = [v.name for v in loss.variables]
    yield f"d_{c}", f"d_{x}"
    for p in order[1:]:
        if p != c:
            first, last = sorted((p, c), key=order.index)
            yield f"d2_{first}_{last}", f"d2_{x}_{p}"


def _keeps_digits(form: StableForm, name: str, source: str, length: Symbol) -> bool:
    values = _grid(form.loss, length)
    x, c = values[form.loss.residual.name], values[length.name]
    for regime in form.regimes:
        if regime.condition is not None:
            continue
        own = evaluate(regime.quantities[name], values)
        with np.errstate(all="ignore"):
            followed = -x / c * evaluate(regime.quantities[source], values)
            size = np.abs(own)
            same = (np.abs(followed - own) <= _ROUNDING * size) | (followed == own)
            inside = (size > _LEAST) & (size < _MOST) & (np.abs(x) > _LEAST)
            if not np.all(same | ~inside & np.isfinite(x)):
                return False
    return True


def _grid(loss: Loss, length: Symbol) -> Mapping[str, np.ndarray]:
    """x/length over the whole range, the length over some of it, other parameters as usual."""
    ratios = [s * 10.0**k for s in (1.0, -3.7) for k in range(-300, 301, 12)]
    ratios += [np.inf, -np.inf]
    axes: list[list[float]] = [ratios]
    for p in loss.parameters:
        if p == length:
            axes.append([1e-20, 0.3, 1.0, 7.0, 1e20])
        else:
            domain, default = loss.domain(p), loss.default(p)
            near = [default, 0.4, 1.7, -0.6, 5.5, 0.9]
            axes.append([v for v in near if domain.contains(v) == True])  # noqa: E712
    rows = itertools.product(*axes)
    kept = [r for r in rows if satisfied(loss, dict(zip(loss.variables, r, strict=True)))]
    columns = np.array(kept).T
    names = [v.name for v in loss.variables]
    values = dict(zip(names, columns, strict=True))
    with np.errstate(over="ignore"):
        values[loss.residual.name] = values[loss.residual.name] * values[length.name]
    return values
