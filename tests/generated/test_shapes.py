"""Shapes, memory orders and dtypes: what comes in says what comes out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from table import INF, NAN, PARAMETERS, PLAIN, TARGETS, array, call, generated, numbers, quantities

SHAPES = [(), (0,), (1,), (5,), (2, 0, 3), (3, 1), (2, 3, 4)]
cases = pytest.mark.parametrize("case", PLAIN, ids=str)
targets = pytest.mark.parametrize("target", TARGETS)


def _ramp(shape):
    return np.linspace(-3.0, 4.0, int(np.prod(shape)) or 1)[: int(np.prod(shape))].reshape(shape)


@targets
@cases
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_shape_comes_out(case, target, shape):
    module = generated(target, case.loss)
    x = _ramp(shape)
    for name in (*quantities(case.loss), "value_and_grad"):
        result = getattr(module, name)(array(target, x), **case.parameters)
        for part in result if name == "value_and_grad" else (result,):
            assert tuple(part.shape) == shape, name
        if name != "value_and_grad" and x.size:
            one_by_one = [call(target, case, name, v) for v in x.reshape(-1)]
            # libraries have other powers for vectors than for numbers
            np.testing.assert_allclose(numbers(result).reshape(-1), one_by_one, rtol=4e-15)


@targets
@cases
def test_residual_and_parameters_broadcast(case, target):
    x = np.array([[-2.0], [0.5], [3.0]])
    rows = [np.array([[0.5, 1.0, 1.5, 3.0]]) + k for k in range(len(case.values))]
    module = generated(target, case.loss)
    for name in quantities(case.loss):
        result = getattr(module, name)(array(target, x), *(array(target, r) for r in rows))
        assert tuple(result.shape) == (3, 4), name
        for i in range(3):
            for j in range(4):
                one = getattr(module, name)(
                    array(target, x[i, 0]), *(array(target, r[0, j]) for r in rows)
                )
                np.testing.assert_allclose(numbers(result)[i, j], numbers(one), rtol=4e-15)


@targets
@cases
def test_an_empty_parameter_broadcasts(case, target):
    module = generated(target, case.loss)
    empty = [array(target, np.ones((0,))) for _ in case.values]
    for name in quantities(case.loss):
        result = getattr(module, name)(array(target, np.ones((3, 1))), *empty)
        assert tuple(result.shape) == (3, 0), name


@cases
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2],
        lambda a: a[::-1],
        lambda a: a.T,
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: a[:, 1:4:2],
    ],
    ids=["every other", "reversed", "transposed", "Fortran order", "broadcast", "columns"],
)
def test_numpy_views(case, view):
    big = _ramp((120, 100))  # more than a block
    for whole in (_ramp((6, 5)), big):
        x = view(whole)
        before = x.copy()
        for name in quantities(case.loss):
            got = call("numpy", case, name, x)
            np.testing.assert_array_equal(got, call("numpy", case, name, before.copy(order="C")))
        np.testing.assert_array_equal(x, before)


@cases
def test_torch_views(case):
    whole = torch.as_tensor(_ramp((6, 5)))
    for x in (whole[::2], whole.T, whole[:, 1:4:2], whole[:1].expand(6, 5)):
        for name in quantities(case.loss):
            function = getattr(generated("torch", case.loss), name)
            got, again = (function(v, **case.parameters) for v in (x, x.contiguous()))
            torch.testing.assert_close(got, again, rtol=0, atol=0)


@cases
def test_large_arrays_equal_their_parts(case):
    x = _ramp((20_011,))
    for name in quantities(case.loss):
        whole = call("numpy", case, name, x)
        parts = [call("numpy", case, name, part) for part in np.array_split(x, 7)]
        np.testing.assert_array_equal(whole, np.concatenate(parts))


@cases
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_numpy_dtypes(case, dtype):
    x = np.array([-1.5, 0.0, 0.25, 6.0], dtype=dtype)
    for name in quantities(case.loss):
        function = getattr(generated("numpy", case.loss), name)
        for parameters in (
            case.values,
            tuple(np.float64(v) for v in case.values),
            tuple(np.full(4, v) for v in case.values),
        ):
            assert function(x, *parameters).dtype == dtype, name
        wide = np.asarray(function(x.astype(np.float64), *case.values))
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(function(x, *case.values), wide.astype(dtype))


@cases
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "uint64"])
def test_integers_become_float64_in_numpy(case, dtype):
    x = np.array([0, 1, 1, 0], dtype=dtype)
    for name in quantities(case.loss):
        result = getattr(generated("numpy", case.loss), name)(x, **case.parameters)
        assert result.dtype == np.float64
        np.testing.assert_array_equal(result, call("numpy", case, name, [0.0, 1.0, 1.0, 0.0]))


@cases
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_integers_become_the_default_dtype_in_torch(case, dtype):
    x = torch.tensor([0, 1, 1, 0]).to(getattr(torch, dtype))
    for name in quantities(case.loss):
        result = getattr(generated("torch", case.loss), name)(x, **case.parameters)
        assert result.dtype == torch.get_default_dtype()
        wide = call("torch", case, name, [0.0, 1.0, 1.0, 0.0], "float32")
        np.testing.assert_array_equal(numbers(result), wide)


@cases
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_torch_dtypes(case, dtype):
    kind = getattr(torch, dtype)
    x = torch.tensor([-1.5, 0.0, 0.25, 6.0], dtype=kind)
    for name in quantities(case.loss):
        function = getattr(generated("torch", case.loss), name)
        result = function(x, **case.parameters)
        assert result.dtype == kind, name
        if kind.itemsize == 2:
            wide = function(x.float(), **case.parameters)
            torch.testing.assert_close(result, wide.to(kind), rtol=0, atol=0)
        tensors = [torch.tensor(v, dtype=kind) for v in case.values]
        assert function(x, *tensors).dtype == kind, name


@pytest.mark.parametrize("number", [2, 2.5, True, np.float64(2.5), np.float32(2.5)])
@cases
def test_scalars_in_scalars_out(case, number):
    for name in quantities(case.loss):
        result = getattr(generated("numpy", case.loss), name)(number, **case.parameters)
        assert isinstance(result, np.floating), name
        assert np.ndim(result) == 0
        assert result.dtype == (np.float32 if isinstance(number, np.float32) else np.float64)
        tensor = getattr(generated("torch", case.loss), name)(number, **case.parameters)
        assert isinstance(tensor, torch.Tensor)
        assert tensor.shape == ()
    value, slope = generated("numpy", case.loss).value_and_grad(number, **case.parameters)
    assert isinstance(value, np.floating)
    assert isinstance(slope, np.floating)


@cases
def test_lists_are_arrays(case):
    module = generated("numpy", case.loss)
    lists = [[v, v + 1] for v in case.values]
    np.testing.assert_array_equal(
        module.loss([1.5, -2.0], *lists),
        module.loss(np.array([1.5, -2.0]), *map(np.array, lists)),
    )


@cases
def test_whole_numbers_as_parameters_are_not_integer_arithmetic(case):
    whole = [1] * len(case.values)
    for target in TARGETS:
        module = generated(target, case.loss)
        for name in quantities(case.loss):
            x = array(target, [0.3, 2.0])
            got = getattr(module, name)(x, *whole)
            kinds = [float(v) for v in whole]
            np.testing.assert_array_equal(numbers(got), numbers(getattr(module, name)(x, *kinds)))


@pytest.mark.parametrize(
    "bad", [1j, np.array([1j, 2]), "text", None, object()], ids=lambda bad: type(bad).__name__
)
@targets
def test_what_is_no_real_number_is_refused(target, bad):
    given = torch.as_tensor(bad) if target == "torch" and isinstance(bad, np.ndarray) else bad
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        generated(target, "huber").loss(given)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@targets
@cases
def test_nan_stays_where_it_is(case, target, dtype):
    clean = np.array([-4.0, -0.5, 0.0, 0.5, 4.0])
    for k in range(len(clean)):
        x = clean.copy()
        x[k] = NAN
        for name in quantities(case.loss):
            got = call(target, case, name, x, dtype)
            assert np.isnan(got[k]), name
            expected = call(target, case, name, clean, dtype)
            np.testing.assert_array_equal(np.delete(got, k), np.delete(expected, k), err_msg=name)


@targets
@cases
def test_infinities_are_limits(case, target):
    """At ±inf no NaN, and the value that the function approaches."""
    for name in quantities(case.loss):
        ends = call(target, case, name, [-INF, INF])
        far = call(target, case, name, [-1e150, 1e150])
        assert not np.any(np.isnan(ends)), name
        grows = np.isinf(ends)
        limit = np.abs(far) < 1e-60
        close = np.abs(ends - far) <= 1e-9 * np.abs(far)
        assert np.all(np.where(grows, np.abs(far) > 300, np.where(limit, ends == 0, close))), (
            name, ends, far,
        )  # fmt: skip
        np.testing.assert_array_equal(np.sign(ends), np.sign(far) * (ends != 0), err_msg=name)


def test_the_table_knows_every_file():
    for target in TARGETS:
        for name in PARAMETERS:
            names = set(generated(target, name).loss_file.__all__)
            assert set(quantities(name)) | {"value_and_grad"} <= names
