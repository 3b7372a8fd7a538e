"""Relations between parameters in emitted files: one error for numbers, NaN for tensors."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np
import pytest
import torch
from sympy import Abs, Max, Min, Symbol

import derive
from derive.definitions.loss import Loss
from derive.definitions.symbols import x
from derive.views.latex import fragment
from derive.views.terminal import shown

# letters that the machinery uses, too
name, rows = Symbol("name", positive=True), Symbol("rows", positive=True)
CAPPED = Loss(
    name="capped",
    variables=(x, name, rows),
    require=(name < rows,),
    defaults={name: 1.0, rows: 3.0},
    loss=Min(Max(Abs(x) - name, 0), rows - name),
)
DERIVED = derive.derive(CAPPED)
X = [0.5, 2.0, 7.0]


@cache
def module(target: str) -> ModuleType:
    return derive.compile(CAPPED, target)


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_numbers_out_of_order_are_one_error(target: str) -> None:
    file, at = module(target), np.array(X) if target == "numpy" else torch.tensor(X)
    np.testing.assert_allclose(file.loss(at), [0, 1, 2])
    for found in ({"name": 3.0}, {"rows": 1}, {"name": 5, "rows": 4}):
        with pytest.raises(ValueError, match="^name < rows must hold, got .*"):
            file.loss(at, **found)
    with pytest.raises(ValueError, match="^name must be > 0"):
        file.loss(at, name=-1.0)


def test_an_array_with_one_pair_out_of_order_is_an_error() -> None:
    file = module("numpy")
    np.testing.assert_allclose(file.loss(7.0, [1, 2], [[3], [4]]), [[2, 1], [3, 2]])
    with pytest.raises(ValueError, match=r"name < rows must hold, got name = \[1, 3\], rows = 3"):
        file.loss(7.0, [1, 3], 3)


def test_tensors_are_nan_where_they_are_out_of_order() -> None:
    file = module("torch")
    given = torch.tensor([1.0, 5.0, 1.0], requires_grad=True)
    at = torch.tensor(X, requires_grad=True)
    value = file.loss(at, given)
    assert value.isnan().tolist() == [False, True, False]
    value.sum().backward()
    assert at.grad is not None
    assert given.grad is not None
    assert at.grad.isnan().tolist() == given.grad.isnan().tolist() == [False, True, False]
    mixed = file.d_x(torch.tensor(X, dtype=torch.float64), torch.tensor(4.0), 3.0)
    assert mixed.dtype == torch.float64
    assert mixed.isnan().all()


def test_the_module_checks_numbers_at_once_and_tensors_where_it_is_told() -> None:
    made, at = module("torch").CappedLoss, torch.tensor(X)
    with pytest.raises(ValueError, match="name < rows must hold"):
        made(rows=0.5)
    wrong = torch.nn.Parameter(torch.tensor(9.0))
    assert made(wrong)(at, torch.zeros(3)).isnan()
    with pytest.raises(ValueError, match="name < rows must hold"):
        made(wrong, validate=True)(at, torch.zeros(3))
    right = made(torch.nn.Parameter(torch.tensor(2.0)), validate=True)
    assert right(at, torch.zeros(3)).item() == pytest.approx(1 / 3)


def test_it_is_told_beside_the_domains() -> None:
    assert "name > 0, rows > 0, name < rows." in shown(DERIVED)
    assert "$name < rows$" in fragment(DERIVED).replace(r"\mathrm{", "").replace("}", "")
    for target in ("numpy", "torch"):
        assert "name < rows." in (module(target).__doc__ or "")
