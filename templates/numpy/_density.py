"""Densities exp(-loss)/Z: normalizer, probabilities, quantiles, draws, moments, SciPy's interface.

A density knows its loss as a function and a few facts about it: where the minimum and the kinks
are, how the tails fall, log Z where it is closed. Everything else is quadrature.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._divergence import divergence
from ._quadrature import Floats, Function, _Law

By = tuple[str, ...]


class Density:
    """The density of a loss. Its functions take the parameters after their own arguments, by place
    or by name; their own arguments only by place, so that a parameter may be called anything.

    parameters: names and defaults. domains: (low, high, low belongs, high belongs) by name.
    closed: log Z (under ()) and its derivatives by the names of the parameters, where they are
    closed. slopes: derivatives of the loss, likewise: of them the others are expectations.
    length, points (minimum, kinks, jumps; NaN for a minimum that is not known), decay (q of
    |x|^-q, as the probability beyond x falls at -inf and inf): numbers, tuples, or functions of
    the parameters. scale: the parameter that only stretches x. exists: a condition and what to say
    where it fails; vectors: what to say where there is no density of vectors.
    """

    def __init__(
        self, module: str, name: str, loss: Function, d_x: Function,
        parameters: Mapping[str, float], *,
        domains: Mapping[str, tuple[float, float, bool, bool]] | None = None,
        closed: Mapping[By, Function] | None = None,
        slopes: Mapping[By, Function] | None = None, length: Any = 1.0, scale: str = "",
        points: Any = 0.0, decay: Any = np.inf, even: bool = False, rises: bool = True,
        exists: tuple[Function, str] | None = None, vectors: str = "",
    ) -> None:  # fmt: skip
        self.__module__, self.name, self.loss, self.d_x = module, name, loss, d_x
        self.defaults, self.domains = dict(parameters), domains or {}
        self.closed, self.slopes = dict(closed or {}), slopes or {}
        self.length, self.points, self.decay, self.scale = length, points, decay, scale
        self.even, self.rises, self.exists, self.vectors = even, rises, exists, vectors
        if scale:
            place = list(parameters).index(scale)
            self.closed[scale,] = lambda *values: 1 / values[place]
            self.closed[scale, scale] = lambda *values: -1 / values[place] / values[place]
        self._law = lru_cache(64)(partial(_Law, self))

    def __reduce__(self) -> str:
        return "_DENSITY"

    def log_partition(self, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """log Z, Z the integral of exp(-loss)."""
        return self._of_parameters(self._log_z, parameters, named)

    def d_log_partition(self, /, *by: str) -> Function:
        """The derivative of log Z by one parameter or two, as a function of all of them."""

        def mean(law: _Law) -> float:
            slopes = [self.slopes[name,] for name in by]
            means = [law.expectation(slope) for slope in slopes]
            if len(by) == 1:
                return -means[0]

            def spread(x: Any, *at: Any) -> Any:
                one, two = (f(x, *at) - m for f, m in zip(slopes, means, strict=True))
                return one * two - self.slopes[by](x, *at)

            return law.expectation(spread)

        compute = self.closed.get(by, self._by_set(mean))
        return lambda *parameters, **named: self._of_parameters(compute, parameters, named)

    def log_density(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """-loss - log Z."""
        arrays, x = self._checked(self._values(parameters, named)), np.asarray(x)
        with np.errstate(all="ignore"):
            wide = -self.loss(x.astype(np.float64), *arrays) - self._log_z(*arrays)
            return np.asarray(wide).astype(_result_dtype(x))[()]

    def density(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """exp(-loss)/Z."""
        wide = self.log_density(np.asarray(x).astype(np.float64), *parameters, **named)
        with np.errstate(all="ignore"):
            return np.asarray(np.exp(wide)).astype(_result_dtype(np.asarray(x)))[()]

    def log_partition_on(
        self, a: ArrayLike, b: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike
    ) -> Any:
        """log of the integral of exp(-loss) over [a, b], which exists for every loss."""
        values, ends = self._values(parameters, named), [np.asarray(v, np.float64) for v in (a, b)]
        if not np.all((ends[0] < ends[1]) & np.isfinite(ends[0]) & np.isfinite(ends[1])):
            raise ValueError("a and b must be finite, a < b")

        def total(a: Any, b: Any, *at: Any) -> float:
            return _Law(self, at, 1.0, (a, b)).log_total

        with np.errstate(all="ignore"):
            arrays = self._checked(values, density=False)
            found = np.vectorize(total, otypes=[np.float64])(*ends, *arrays)
        return _in_their_dtype(found, a, b, *values)

    def log_partition_norm(self, dimension: int, /, *parameters: Any, **named: Any) -> Any:
        """log Z of vectors: of exp(-loss(|x|)) over all x of `dimension` numbers."""
        if dimension != int(dimension) or dimension < 1:
            raise ValueError(f"dimension must be a whole number >= 1, got {dimension}")
        d = int(dimension)

        def total(law: _Law) -> float:
            if law.decay[0] <= d - 1:
                raise ValueError(self.vectors)
            if not law.sides[0].settled:
                raise ValueError("the density of vectors reaches beyond the range of float64")
            return law.log_total + d / 2 * math.log(math.pi) - math.lgamma(d / 2)

        compute = self._log_z if d == 1 else self._by_set(total, float(d))
        return self._of_parameters(compute, parameters, named)

    def log_density_norm(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """-loss(|x|) - log Z of vectors along the last axis; parameters broadcast with others."""
        x, arrays = np.asarray(x), self._checked(self._values(parameters, named))
        if x.ndim == 0:
            raise ValueError("x must hold vectors along its last axis")
        with np.errstate(all="ignore"):
            big = np.max(np.abs(x), axis=-1, initial=0.0).astype(np.float64)
            safe = np.where((big > 0) & (big < np.inf), big, 1.0)
            size = safe * np.sqrt(np.sum((x / safe[..., None]) ** 2, axis=-1))
            wide = -self.loss(size, *arrays) - self.log_partition_norm(x.shape[-1], *arrays)
            return np.asarray(wide).astype(_result_dtype(x))[()]

    def cdf(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The probability of a draw below x; relative error about 1e-13, also where it is small."""
        return self._at_places(_Law.below, x, parameters, named)

    def sf(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The probability of a draw above x."""
        return self._at_places(partial(_Law.below, flip=True), x, parameters, named)

    def ppf(self, probability: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The inverse of `cdf`, relative error about 1e-13; NaN outside [0, 1]."""
        return self._at_places(_Law.quantile, probability, parameters, named)

    def isf(self, probability: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The inverse of `sf`."""
        return self._at_places(partial(_Law.quantile, flip=True), probability, parameters, named)

    def moment(self, order: int, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The expectation of x^order for order = 0, 1, 2, …: inf where it diverges, NaN where it
        does to both sides; inf also where numbers beyond the largest one would decide it."""
        if order < 0 or order != int(order):
            raise ValueError(f"order must be a whole number >= 0, got {order}")
        k = int(order)

        def mean(law: _Law) -> float:
            log_z, total = self._law(law.values).log_total, 0.0
            for side in law.sides:
                shifted = law.middle / side.nodes + side.sign if law.middle else side.sign
                inside = np.where(side.weight > 0, side.weight * shifted**k, 0.0).sum()
                known = side.settled or side.rest <= 1e-16 * side.total
                rest = side.sign**k * (side.rest if known else np.inf) if side.rest else 0.0
                part = np.exp(side.top - log_z) * (inside + rest)
                total += part + (-1) ** k * part if law.mirrored else part
            return total

        compute = self._by_set(mean, k + 1.0) if k else lambda *_: 1.0
        return self._of_parameters(compute, parameters, named)

    def entropy(self, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The expectation of -log_density."""
        log_z = self._of_parameters(self._log_z, parameters, named)
        mean = self._by_set(lambda law: law.expectation(self.loss))
        return log_z + self._of_parameters(mean, parameters, named)

    def kl_divergence(self, p: Any, q: Any, /, shift: ArrayLike = 0.0) -> Any:
        """The divergence of Kullback and Leibler of q from p: the expectation under p of
        log p - log q, inf where it does not end. p, q: the parameters of both densities, each a
        tuple in the order of the signature or a mapping by name; shift: how far q lies beyond p."""
        given = [
            self._values((), v) if isinstance(v, Mapping) else self._values(v, {}) for v in (p, q)
        ]
        count, arrays = len(given[0]), [self._checked(v) for v in given]
        place = np.asarray(shift, dtype=np.float64)

        def one(shift: Any, *values: Any) -> float:
            first, second = tuple(map(np.float64, values[:count])), values[count:]
            other = self._law(tuple(map(np.float64, second)))
            return divergence(self._law(first), other, float(shift))

        with np.errstate(all="ignore"):
            found = np.vectorize(one, otypes=[np.float64])(place, *arrays[0], *arrays[1])
        return _in_their_dtype(np.asarray(found), shift, *given[0], *given[1])

    def sample(
        self, rng: np.random.Generator, size: Any = None, /, *parameters: ArrayLike, **named: Any
    ) -> Any:
        """Independent draws in float64, exact: by rejection from pieces on which the density lies
        between two numbers. size: a number or a shape that the parameters broadcast to; None for
        the shape of the parameters."""
        arrays = self._checked(self._values(parameters, named))
        wanted = np.broadcast_shapes(*(v.shape for v in arrays))
        shape = wanted if size is None else tuple(np.atleast_1d(np.asarray(size, int)).tolist())
        if np.broadcast_shapes(shape, wanted) != shape:
            raise ValueError(f"size {shape} does not fit parameters of shape {wanted}")

        def draw(law: _Law, x: Floats) -> Floats:
            return law.draw(rng, x.size) if self.rises else law.quantile(rng.random(x.size))

        return self._at_places(draw, np.broadcast_to(0.0, shape), arrays, {})

    def distribution(self, base: type) -> Any:
        """The density for SciPy: distribution(scipy.stats.rv_continuous) makes an instance of
        `base`. loc and scale are SciPy's; the other parameters are its shapes."""
        return _for_scipy(self, base)

    def _values(self, parameters: Any, named: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order of the signature."""
        if len(parameters) > len(self.defaults):
            count = f"{len(self.defaults)} parameters, got {len(parameters)}"
            raise TypeError(f"{self.name} has {count}")
        values = dict(zip(self.defaults, parameters, strict=False))
        for name in named:
            if name not in self.defaults or name in values:
                raise TypeError(f"{self.name}: unexpected argument {name!r}")
        return list((self.defaults | values | dict(named)).values())

    def _checked(self, values: list[Any], density: bool = True) -> list[Floats]:
        """The parameters as float64; ValueError outside of their domains."""
        with np.errstate(all="ignore"):
            self.loss(0.0, *values)
            arrays = [np.asarray(v, dtype=np.float64) for v in values]
            if density and self.exists is not None and not np.all(self.exists[0](*arrays)):
                raise ValueError(self.exists[1])
        return arrays

    def _log_z(self, *arrays: Floats) -> Any:
        return self.closed.get((), self._by_set(lambda law: law.log_total))(*arrays)

    def _by_set(self, compute: Callable[[_Law], float], lift: float = 1.0) -> Function:
        """compute(law) as a function of parameters that broadcast."""

        def one(*values: Any) -> float:
            return compute(self._law(tuple(map(np.float64, values)), lift))

        return np.vectorize(one, otypes=[np.float64]) if self.defaults else one

    def _of_parameters(self, compute: Function, parameters: Any, named: Mapping[str, Any]) -> Any:
        """A function of float64 parameters, in the dtype of the parameters."""
        values = self._values(parameters, named)
        arrays = self._checked(values)
        with np.errstate(all="ignore"):
            shape = np.broadcast_shapes(*(v.shape for v in arrays))
            found = np.array(np.broadcast_to(compute(*arrays), shape), dtype=np.float64)
        return _in_their_dtype(found, *values)

    def _at_places(
        self, compute: Function, x: Any, parameters: Any, named: Mapping[str, Any]
    ) -> Any:
        """compute(law, x), in the dtype of x, for every set of parameters that occurs."""
        x, arrays = np.asarray(x), self._checked(self._values(parameters, named))
        dtype, shape = _result_dtype(x), np.broadcast_shapes(x.shape, *(v.shape for v in arrays))
        wide = np.broadcast_to(x, shape).reshape(-1).astype(np.float64)
        result, sets, index = (
            np.empty(wide.shape),
            [tuple(v.flat[0] for v in arrays if v.size)],
            None,
        )
        if any(v.size > 1 for v in arrays) and wide.size:
            rows = np.stack([np.broadcast_to(v, shape).reshape(-1) for v in arrays], axis=1)
            unique, index = np.unique(rows, axis=0, return_inverse=True)
            sets = [tuple(row) for row in unique]
        with np.errstate(all="ignore"):
            for k, values in enumerate(sets if wide.size else ()):
                law = self._law(tuple(map(np.float64, values)))
                here = np.arange(wide.size) if index is None else np.flatnonzero(index.ravel() == k)
                for start in range(0, here.size, 8192):
                    at = here[start : start + 8192]
                    result[at] = compute(law, wide[at])
            return result.reshape(shape).astype(dtype)[()]


def _for_scipy(density: Density, base: type) -> Any:
    """An instance of a class that has what rv_continuous asks for, at loc 0 and scale 1."""
    names = [name for name in density.defaults if name != density.scale]
    # SciPy's own words, and letters that it does not know.
    taken = re.compile("self|loc|scale|x|q|size|moments|random_state|args|kwds")
    called = [
        name + "_" * bool(taken.fullmatch(name)) if name.isascii() else f"shape{k}"
        for k, name in enumerate(names)
    ]
    standard = {density.scale: 1.0} if density.scale else {}

    def method(function: Function, own: int) -> Function:
        def call(self: Any, *given: Any, **named: Any) -> Any:
            shapes = dict(zip(names, given[own:], strict=False))
            shapes |= {n: named[c] for n, c in zip(names, called, strict=True) if c in named}
            return function(*given[:own], **standard, **shapes)

        return call

    def inside(self: Any, *shapes: Any) -> Any:
        found: Any = True
        for name, value in zip(names, shapes, strict=True):
            low, high, has_low, has_high = density.domains[name]
            found = found & ((value > low) | has_low & (value == low))
            found = found & ((value < high) | has_high & (value == high))
        return found

    def shape_info(self: Any) -> list[Any]:
        ends = [density.domains[name] for name in names]
        return [
            SimpleNamespace(
                name=n, integrality=False, domain=e[:2], endpoints=e[:2], inclusive=e[2:]
            )
            for n, e in zip(called, ends, strict=True)
        ]

    def start(self: Any, data: Any, args: Any = None) -> Any:
        data = data._uncensor() if hasattr(data, "_uncensor") else data
        shapes = tuple(density.defaults[name] for name in names) if args is None else args
        low, middle, high = np.percentile(data, [25, 50, 75])
        unit = self._ppf(np.array([0.25, 0.5, 0.75]), *shapes)
        scale = (high - low) / (unit[2] - unit[0]) or 1.0
        return *shapes, middle - scale * unit[1], scale

    def rvs(self: Any, *shapes: Any, size: Any = None, random_state: Any = None) -> Any:
        return density.sample(
            random_state, size, **standard, **dict(zip(names, shapes, strict=True))
        )

    functions = {"logpdf": "log_density", "munp": "moment", "pdf": "density"}
    functions |= {name: name for name in ("cdf", "sf", "ppf", "isf", "entropy")}
    methods = {f"_{k}": method(getattr(density, v), v != "entropy") for k, v in functions.items()}
    special = {
        "_argcheck": inside, "_shape_info": shape_info, "_fitstart": start, "_rvs": rvs,
        "__reduce__": lambda self: (density.distribution, (base,), self.__getstate__()),
    }  # fmt: skip
    title = "".join(part.capitalize() for part in density.name.split("_"))
    made = type(title, (base,), methods | special | {"__module__": density.__module__})
    return made(name=density.name, shapes=", ".join(called) or None)


def _result_dtype(x: NDArray[Any]) -> Any:
    """The dtype of x, or float64 for integers."""
    if x.dtype.kind in "cOSUmM":
        raise TypeError(f"x must be real numbers, got dtype {x.dtype}")
    return np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype


def _in_their_dtype(value: Floats, *parameters: Any) -> Any:
    """A value in the dtype of the parameters that are floating arrays, else in float64."""
    dtypes = [np.asarray(p).dtype for p in parameters if isinstance(p, (np.ndarray, np.floating))]
    floats = [d for d in dtypes if d.kind == "f"]
    with np.errstate(all="ignore"):
        return value.astype(np.result_type(*floats) if floats else np.float64)[()]
