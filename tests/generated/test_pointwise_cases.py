"""Losses of a prediction and a target at small inputs that cost others their digits.

The right values come from two computations at 100 digits and more; tests/cases/pointwise.json.
"""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from derive.definitions.catalogue import POINTWISE

CASES = json.loads((Path(__file__).parents[1] / "cases" / "pointwise.json").read_text())
# What of a case is a parameter, by our names; the rest of `params` says which case is meant.
PARAMETERS = {"gamma": "gamma", "p": "p", "w": "pos_weight"}
PREDICTIONS = ("z", "q", "f", "mu")
DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
LEAST = {"float64": -1074, "float32": -149, "float16": -24, "bfloat16": -133}
MOST = {name: torch.finfo(getattr(torch, name)).max for name in DIGITS}
# A constant beside the loss, or a factor, that ours leaves to the caller.
OTHERS = {"gauss-full", "focal-alpha"}
USED = [c for c in CASES if c["id"] not in OTHERS and c["loss"] in POINTWISE]


def _module(folder: str, case: dict):
    return importlib.import_module(f"generated.{folder}.{case['loss']}")


def _target(case: dict) -> float:
    inputs, params = case["inputs"], case["params"]
    value = inputs.get("y", params.get("y"))
    if case["loss"] == "binary_focal":
        return float(value)
    return float(value)


def _arguments(case: dict) -> tuple[list[float], dict[str, float]]:
    inputs = case["inputs"]
    values = [float(inputs[n]) for n in PREDICTIONS if n in inputs]
    values += [float(inputs["v"])] if "v" in inputs else []
    return [*values, _target(case)], {
        PARAMETERS[n]: float(v) for n, v in case["params"].items() if n in PARAMETERS
    }


def _wanted(case: dict):
    """(what the functions are called, the right value, kappa)."""
    expect, kappa = case["expect"], case["tolerance"]["kappa"]
    names = [n for n in PREDICTIONS if n in case["inputs"]]
    names += ["v"] if "v" in case["inputs"] else []
    yield "loss", expect["loss"], kappa["loss"]
    for name, value, allowed in zip(names, expect["gradient"], kappa["gradient"], strict=True):
        yield f"d_{name}", value, allowed
    for key, value in expect.items():
        if key.startswith("d_"):
            yield key, value, kappa[key]
        elif key == "d2":
            yield f"d2_{names[0]}", value, kappa[key]


def _ulp(value: float, dtype: str) -> float:
    exponent = math.frexp(value)[1] - DIGITS[dtype] if value and math.isfinite(value) else -9999
    return 2.0 ** max(exponent, LEAST[dtype])


def _is_right(got: float, text: str, kappa: float, case: dict, dtype: str) -> bool:
    value = float(text)
    if math.isnan(value):
        return math.isnan(got)
    if abs(value) > MOST[dtype]:
        return got == math.copysign(math.inf, value)
    allowed = (case["tolerance"]["ulp"] + kappa) * _ulp(value, dtype)
    return abs(got - value) <= allowed


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "case", [c for c in USED if c["dtype"] != "bfloat16"], ids=lambda c: c["id"]
)
def test_numpy(case):
    module, dtype = _module("for_numpy", case), case["dtype"]
    values, parameters = _arguments(case)
    arrays = [np.array([v], dtype=dtype) for v in values]
    if case["id"] == "bcel-label-outside":
        with pytest.raises(ValueError, match=r"y must be in \[0, 1\], got"):
            module.loss(*arrays, **parameters)
        return
    for name, text, kappa in _wanted(case):
        got = getattr(module, name)(*arrays, **parameters)
        assert got.dtype == np.dtype(dtype)
        assert _is_right(float(got[0]), text, kappa, case, dtype), (name, float(got[0]), text)


@pytest.mark.parametrize("case", USED, ids=lambda c: c["id"])
def test_torch(case):
    module, dtype = _module("for_torch", case), case["dtype"]
    values, parameters = _arguments(case)
    tensors = [torch.tensor([v], dtype=getattr(torch, dtype)) for v in values]
    for name, text, kappa in _wanted(case):
        got = getattr(module, name)(*tensors, **parameters)
        assert got.dtype == getattr(torch, dtype)
        assert _is_right(float(got[0]), text, kappa, case, dtype), (name, float(got[0]), text)


@pytest.mark.parametrize("case", USED, ids=lambda c: c["id"])
def test_gradients_of_torch(case):
    module, dtype = _module("for_torch", case), case["dtype"]
    values, parameters = _arguments(case)
    tensors = [torch.tensor([v], dtype=getattr(torch, dtype)) for v in values]
    for tensor in tensors[:-1]:
        tensor.requires_grad_()
    module.loss(*tensors, **parameters).sum().backward()
    rows = [row for row in _wanted(case) if row[0].startswith("d_")][: len(tensors) - 1]
    for tensor, (name, text, kappa) in zip(tensors[:-1], rows, strict=True):
        got = float(tensor.grad[0])
        assert _is_right(got, text, kappa, case, dtype), (name, got, text)
