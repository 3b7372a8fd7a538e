"""Losses over classes at inputs from public reports, with right values from two computations.

Tolerances are the cases' own: right if the error is at most (ulp + kappa) units in the last place.
"""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

from derive.definitions.floats import FORMATS

CASES = json.loads(Path("tests/cases/classwise.json").read_text(encoding="utf-8"))
SINGLE = [c for c in CASES if c["loss"] != "softmax_cross_entropy_batch"]
BATCHES = [c for c in CASES if c["loss"] == "softmax_cross_entropy_batch"]
FILES = {
    "softmax_cross_entropy_soft": "softmax_cross_entropy",
    "softmax_cross_entropy_batch": "softmax_cross_entropy",
}
SUMS = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 1e-2}


def numbers(value: Any) -> Any:
    if isinstance(value, dict):
        rule = value["rule"]
        places = (rule["multiplier"] * k % rule["modulus"] for k in range(rule["n"]))
        found = [k * rule["scale"] + rule["offset"] for k in places]
        for k, x in rule.get("set", {}).items():
            found[int(k)] = x
        return found
    return [numbers(v) for v in value] if isinstance(value, list) else float(value)


def excess(got: float, wanted: str, dtype: str, kappa: float) -> float:
    """The error in units of the last place, beyond kappa."""
    form = FORMATS[dtype]
    if wanted == "nan" or math.isnan(got):
        return 0.0 if math.isnan(got) and wanted == "nan" else math.inf
    with mpmath.workdps(60):
        exact = mpf(wanted)
        top = mpf(2) ** (form.largest_exponent + 1) * (1 - mpf(2) ** (-form.precision - 1))
        if abs(exact) >= top or math.isinf(got):
            return 0.0 if abs(exact) >= top and got == math.copysign(math.inf, exact) else math.inf
        exponent = mpmath.frexp(exact)[1] - 1 if exact else form.smallest_exponent
        unit = mpf(2) ** (max(exponent, form.smallest_exponent) - form.precision + 1)
        return max(float(abs(mpf(got) - exact) / unit) - kappa, 0.0)


class Call:
    """A case as arguments of a target's functions."""

    def __init__(self, case: dict[str, Any], target: str) -> None:
        self.module = importlib.import_module(
            f"generated.for_{target}.{FILES.get(case['loss'], case['loss'])}"
        )
        self.torch, self.dtype = target == "torch", case["dtype"]
        self.given_as = case["params"].get("given_as", self.dtype)
        vectors = {k: numbers(v) for k, v in case["inputs"].items() if k != "v"}
        first, *others = vectors
        if case["loss"] in ("kl_divergence", "reverse_kl_divergence", "jensen_shannon"):
            first, others = "q", ["p"]
        if case["loss"] == "kl_divergence_logits":
            first, others = "b", ["a"]
        self.slope = f"d_{first}"
        self.arguments = [self.array(vectors[first])]
        if "t" in case["params"]:
            t = case["params"]["t"]
            self.arguments.append(torch.tensor(t) if self.torch else np.array(t))
        self.arguments += [self.array(vectors[k]) for k in others]
        known = ("T", "eps", "gamma", "margin", "power")
        self.named = {k: v for k, v in case["params"].items() if k in known}

    def array(self, values: Any) -> Any:
        if self.torch:
            return torch.tensor(values, dtype=torch.float64).to(getattr(torch, self.given_as))
        return np.array(values, dtype=self.given_as)

    def __call__(self, name: str, *more: Any) -> Any:
        return getattr(self.module, name)(*self.arguments, *more, **self.named)


def told(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().to(torch.float64).numpy()
    return np.asarray(value, dtype=np.float64)


def check(case: dict[str, Any], loss: Any, gradient: Any) -> None:
    expect, kappa = case["expect"], case["tolerance"]["kappa"]
    dtype, most = case["dtype"], case["tolerance"]["ulp"]

    def right(got: float, wanted: str, allowed: float, otherwise: str | None = None) -> bool:
        near = excess(got, wanted, dtype, allowed) <= most
        return near or (otherwise is not None and excess(got, otherwise, dtype, 0.0) <= most)

    assert right(float(loss), expect["loss"], kappa["loss"], expect.get("generalized"))
    flat = np.ravel(told(gradient))
    if expect.get("gradient") is not None:
        wanted = list(np.ravel(np.array(expect["gradient"], dtype=object)))
        allowed = np.broadcast_to(np.ravel(np.array(kappa["gradient"])), len(wanted))
        others = expect.get("generalized_gradient", [None] * len(wanted))
        for got, exact, k, other in zip(flat, wanted, allowed, others, strict=True):
            assert right(got, exact, k, other), (got, exact, k)
    for place, exact in expect.get("gradient_at", {}).items():
        assert right(flat[int(place)], exact, kappa["gradient"]), (place, exact)
    if "gradient_abs_sum" in expect:
        total = math.fsum(np.abs(flat))
        assert total == pytest.approx(float(expect["gradient_abs_sum"]), rel=SUMS[dtype])


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize("case", SINGLE, ids=[c["id"] for c in SINGLE])
def test_a_reported_case(case, target):
    if target == "numpy" and case["dtype"] == "bfloat16":
        pytest.skip("NumPy has no bfloat16")
    call = Call(case, target)
    if call.torch and call.given_as == "int64":
        torch.set_default_dtype(torch.float64)
    try:
        check(case, told(call("loss")), call(call.slope))
        check(case, *map(told, call("value_and_grad")))
    finally:
        torch.set_default_dtype(torch.float32)
    expect, allowed = case["expect"], case["tolerance"]
    for name in ("d_T", "d_gamma"):
        if name in expect:
            got = float(told(call(name)))
            assert excess(got, expect[name], case["dtype"], allowed["kappa"][name]) <= 4
    if "hessian_product" in expect:
        v = call.array(numbers(case["inputs"]["v"]))
        found = told(call("hessian_product", v))
        kappa = allowed["kappa"]["hessian_product"]
        for got, exact, k in zip(found, expect["hessian_product"], kappa, strict=True):
            assert excess(got, exact, case["dtype"], k) <= allowed["ulp"]
    if call.torch and call.arguments[0].is_floating_point():
        z = call.arguments[0] = call.arguments[0].clone().requires_grad_()
        value = call("loss")
        value.backward()
        check(case, told(value), z.grad)


@pytest.mark.parametrize("case", BATCHES, ids=[c["id"] for c in BATCHES])
def test_a_reported_batch(case):
    params = dict(case["params"])
    weight = params.get("class_weight")
    loss = importlib.import_module("generated.for_torch.softmax_cross_entropy")
    module = loss.SoftmaxCrossEntropyLoss(
        weight=None if weight is None else torch.tensor(weight, dtype=torch.float64),
        ignore_index=params.get("ignore_index", -100),
        reduction=params["reduction"],
        label_smoothing=params.get("label_smoothing", 0.0),
    )
    z = torch.tensor(numbers(case["inputs"]["z"]), dtype=torch.float64, requires_grad=True)
    if "t" in params:
        target = torch.tensor(params["t"])
    else:
        target = torch.tensor(numbers(case["inputs"]["p"]), dtype=torch.float64)
    value = module(z, target)
    value.backward()
    check(case, told(value), z.grad)


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_a_mean_of_many_classes_beside_its_zero(target):
    """At most a few roundings of what is added up, however many the classes are."""
    softmax, smoothed = (
        importlib.import_module(f"generated.for_{target}.{name}_cross_entropy")
        for name in ("softmax", "label_smoothed")
    )
    rng = np.random.default_rng(1)
    given = torch.from_numpy if target == "torch" else np.asarray
    for t in range(60):
        z, chances = rng.normal(3, 0.5, size=100), rng.dirichlet(np.ones(100))
        with mpmath.workdps(40):
            mean = mpmath.fsum(map(mpf, z)) / 100
            weights = [mpmath.exp(mpf(x)) for x in z]
            parts = {
                "d_T": [w * (mpf(z[t]) - mpf(x)) for w, x in zip(weights, z, strict=True)],
                "d_eps": [mpf(z[t]) - mpf(x) for x in z],
                "of chances": [mpf(q) * (mpf(x) - mean) for q, x in zip(chances, z, strict=True)],
            }
            total = {"d_T": mpmath.fsum(weights), "d_eps": 100, "of chances": 1}
            named = given(np.array(t))
            got = {
                "d_T": softmax.d_T(given(z), named),
                "d_eps": smoothed.d_eps(given(z), named),
                "of chances": smoothed.d_eps(given(z), given(chances)),
            }
            for name, terms in parts.items():
                error = abs(mpf(float(got[name])) - mpmath.fsum(terms) / total[name])
                size = mpmath.fsum(map(abs, terms)) / total[name]
                assert error <= 6 * mpf(2) ** -53 * size, name
