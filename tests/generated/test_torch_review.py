"""What a reviewer of PyTorch would try: each was wrong in a file of this kind once."""

from __future__ import annotations

import importlib
import inspect
import math
import warnings

import pytest
import torch
from table import CLASSES, LOSSES, PARAMETERS
from torch.func import grad, jacfwd, jacrev, vmap
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

losses = pytest.mark.parametrize("loss", LOSSES)
VALUES = {"alpha": 0.7, "scale": 1.3, "delta": 0.8, "beta": 0.9, "df": 3.5}
quiet = pytest.mark.filterwarnings("ignore")
POINTS = torch.tensor([-3.0, -0.9, 0.3, 2.0], dtype=torch.float64)
ONE = torch.tensor(0.6, dtype=torch.float64)


def _file(loss):
    return importlib.import_module(f"generated.for_torch.{loss}")


def _module(loss, *parameters, **options):
    return getattr(_file(loss), CLASSES[loss])(*parameters, **options)


def _values(loss):
    return [VALUES[p] for p in PARAMETERS[loss]]


def _doubles(loss):
    return [torch.tensor(v, dtype=torch.float64) for v in _values(loss)]


class _Watch(TorchDispatchMode):
    """Counts reads of the device; notes tensors of float64 made from narrower ones."""

    def __init__(self):
        super().__init__()
        self.reads, self.widened = 0, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        self.reads += name in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero")
        given = [t.dtype for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        made = [t.dtype for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        if torch.float64 in made and torch.float32 in given and torch.float64 not in given:
            self.widened.append(name)
        return out


@quiet
@losses
@pytest.mark.parametrize("kind", ["numbers", "tensors", "learned", "channels"])
def test_nothing_waits_for_the_device_and_nothing_becomes_float64(loss, kind):
    x = torch.randn(6, 3).requires_grad_()
    parameters = _values(loss)
    if kind != "numbers":
        parameters = [torch.tensor(v).repeat(3 if kind == "channels" else 1) for v in parameters]
    if kind == "learned":
        parameters = [torch.nn.Parameter(p) for p in parameters]
    file = _file(loss)
    module = _module(loss, *parameters)
    with _Watch() as watch:
        module(x, torch.zeros(6, 3)).backward()
        for name in [n for n in dir(file) if n.startswith(("d_", "d2_")) or n == "weight"]:
            held = [p.detach() if isinstance(p, torch.Tensor) else p for p in parameters]
            getattr(file, name)(x.detach(), *held)
    assert watch.reads == 0
    assert not watch.widened


# Tracing takes seconds: a loss in plain operations, one with closed slopes, one of two parameters.
QUICK = ("huber", "cauchy", "student_t")


@quiet
@pytest.mark.parametrize(
    "loss", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in LOSSES]
)
def test_transforms_inside_a_compiled_function(loss):
    """Number 1: gradients in x and in tensor parameters, NaN once."""
    file, values = _file(loss), _doubles(loss)

    def by_x(x, *p):
        return grad(lambda v: file.loss(v, *p).sum())(x)

    def by_first(x, *p):
        return grad(lambda v: file.loss(x, v, *p[1:]).sum())(p[0])

    def each(x, *p):
        return vmap(grad(lambda v: file.loss(v, *p)))(x)

    torch._dynamo.reset()
    # at 0 and far out a branch that is not taken is infinite
    points = torch.cat([POINTS, torch.tensor([0.0, 1e-200, -1e-320, 1e90], dtype=torch.float64)])
    for work in (by_x, by_first, each):
        compiled = torch.compile(work, fullgraph=True, backend="aot_eager")
        got, want = compiled(points, *values), work(points, *values)
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-12)


@quiet
@pytest.mark.parametrize("alpha", [0.0, 2.0, -2.0])
def test_transforms_inside_a_compiled_function_at_special_parameters(alpha):
    file, scale = _file("barron"), torch.tensor(1.3, dtype=torch.float64)
    alpha = torch.tensor(alpha, dtype=torch.float64)
    points = torch.cat([POINTS, torch.zeros(1, dtype=torch.float64)])

    def work(x):
        slope = grad(lambda v: file.loss(v, alpha, scale).sum())
        return slope(x), grad(lambda v: slope(v).sum())(x)

    torch._dynamo.reset()
    got = torch.compile(work, fullgraph=True, backend="aot_eager")(points)
    want = file.d_x(points, alpha, scale), file.d2_x(points, alpha, scale)
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-12)


@quiet
@losses
def test_nested_forward_mode(loss):
    """Number 5: zeros once."""
    file, values = _file(loss), _doubles(loss)
    nested = jacfwd(jacfwd(lambda v: file.loss(v, *values)))(ONE)
    torch.testing.assert_close(nested, file.d2_x(ONE, *values), rtol=1e-12, atol=0)
    mixed = jacfwd(lambda v: file.d_x(v, *values))(ONE)
    torch.testing.assert_close(mixed, jacrev(lambda v: file.d_x(v, *values))(ONE))


@losses
@pytest.mark.parametrize("name", ["third", "weight", "d2_x"])
def test_what_a_file_lacks_is_an_error_and_no_zero(loss, name):
    """Number 6."""
    file, values = _file(loss), _doubles(loss)
    works = {
        "third": lambda v: grad(grad(grad(lambda u: file.loss(u, *values))))(v),
        "weight": grad(lambda v: file.weight(v, *values)),
        "d2_x": grad(lambda v: file.d2_x(v, *values)),
    }
    step = 1e-4
    try:
        got = works[name](ONE)
    except NotImplementedError as error:
        assert "derivative" in str(error)
        return
    wanted = file.weight if name == "weight" else file.d2_x
    ends = [wanted(ONE + s, *values) for s in (step, -step)]
    torch.testing.assert_close(got, (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-6)


@losses
def test_integers_are_widened_before_they_are_subtracted(loss):
    """Number 7, and two images of bytes."""
    module = _module(loss, *_values(loss))
    a, b = (torch.tensor(v) for v in ([1, 10, 200], [3, 20, 100]))
    want = module(a.double(), b.double()).float()
    for dtype in (torch.uint8, torch.int16, torch.int32, torch.int64):
        torch.testing.assert_close(module(a.to(dtype), b.to(dtype)), want, rtol=1e-6, atol=0)
    flags = torch.tensor([True, False]), torch.tensor([False, False])
    torch.testing.assert_close(module(*flags), module(*(f.float() for f in flags)))


@quiet
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("loss", QUICK)
def test_an_exported_module_has_the_gradients_of_the_file(loss, strict):
    """Strict export had none, the other one NaN where a branch that is not taken is infinite."""
    module = _module(loss, *(torch.nn.Parameter(v) for v in _doubles(loss)), reduction="sum")
    x = torch.tensor([0.0, 0.5, -2.0, 1e-200, 1e90], dtype=torch.float64, requires_grad=True)
    program = torch.export.export(module, (x, torch.zeros_like(x)), strict=strict).module()
    (got,) = torch.autograd.grad(program(x, torch.zeros_like(x)), x)
    torch.testing.assert_close(got, _file(loss).d_x(x.detach(), *_doubles(loss)))


@losses
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(loss, dtype):
    """Number 8."""
    x, y = (torch.tensor(v).to(dtype) for v in ([1.0009765625, 3.0], [0.0003, 0.1]))
    module = _module(loss, *_values(loss), reduction="none")
    want = module(x.double(), y.double()).to(dtype)
    assert torch.equal(module(x, y), want)


@losses
def test_autocast_gives_float32(loss):
    """Number 9: as torch's own losses."""
    p, q = torch.randn(8).bfloat16(), torch.randn(8).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert _module(loss)(p, q).dtype == torch.float32
    assert _module(loss)(p, q).dtype == torch.bfloat16


@quiet
@pytest.mark.parametrize("loss", ["huber", "smooth_l1", "quadratic", "absolute"])
def test_strict_export_keeps_the_gradient(loss):
    """Number 10, where plain operations allow it."""
    x = torch.randn(4, requires_grad=True)
    program = torch.export.export(_module(loss), (x, torch.zeros(4)), strict=True)
    value = program.module()(x, torch.zeros(4))
    (slope,) = torch.autograd.grad(value, x)
    torch.testing.assert_close(slope, _file(loss).d_x(x.detach()) / 4)


@losses
def test_the_meta_device(loss):
    """Number 11."""
    with torch.device("meta"):
        assert _module(loss)(torch.randn(3), torch.randn(3)).is_meta
        tensors = _module(loss, *map(torch.tensor, _values(loss)))
    assert tensors(torch.randn(3, device="meta"), torch.randn(3, device="meta")).is_meta


@quiet
@losses
def test_every_number_is_the_same_graph(loss):
    """Number 14: a parameter lowered step by step."""
    module, name = _module(loss), PARAMETERS[loss][0]
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounter()
    step = torch.compile(lambda p, y: module(p, y), backend=counter, fullgraph=True)
    for k in range(12):
        setattr(module, name, 1.0 - 0.07 * k)
        step(torch.randn(4, requires_grad=True), torch.zeros(4)).backward()
    assert counter.frame_count <= 2


@losses
def test_weights_of_the_elements(loss):
    """Number 15; the mean divides by the number of elements, as huber_loss does."""
    x, w = torch.randn(5), torch.rand(5)
    each = _module(loss, reduction="none")(x, torch.zeros(5))
    got = _module(loss)(x, torch.zeros(5), weight=w)
    torch.testing.assert_close(got, (each * w).mean())
    if loss == "huber":
        want = torch.nn.functional.huber_loss(x, torch.zeros(5), weight=w)
        torch.testing.assert_close(got, want)


@losses
def test_the_state_is_complete(loss):
    """Number 17."""
    module = _module(loss, *map(torch.tensor, _values(loss)))
    assert list(module.state_dict()) == list(PARAMETERS[loss])
    other = _module(loss, *(torch.tensor(1.5) for _ in PARAMETERS[loss]))
    other.load_state_dict(module.state_dict())
    assert [float(getattr(other, p)) for p in PARAMETERS[loss]] == pytest.approx(_values(loss))


@losses
def test_the_warning_points_at_the_caller(loss):
    """Number 18."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _module(loss)(torch.zeros(4, 1), torch.zeros(3))
    assert [w.filename for w in caught] == [__file__]


@losses
def test_a_computed_parameter_is_refused(loss):
    latent = torch.tensor(0.3, requires_grad=True)
    name = PARAMETERS[loss][0]
    with pytest.raises(TypeError, match=name):
        _module(loss, torch.sigmoid(latent))


@losses
@pytest.mark.parametrize("value", ["half", None, 1j, [1.0], math.nan], ids=str)
def test_wrong_parameters_are_named(loss, value):
    name = PARAMETERS[loss][0]
    if value == "half" and len(PARAMETERS[loss]) == 1:
        name = "reduction"  # torch.nn's order
    with pytest.raises((TypeError, ValueError), match=name):
        _module(loss, value)


@losses
def test_a_wrong_tensor_gives_nan_unless_it_is_checked(loss):
    parameters = [torch.tensor(-1.0) for _ in PARAMETERS[loss]]
    assert torch.isnan(_module(loss, *parameters)(torch.ones(2), torch.zeros(2)))
    with pytest.raises(ValueError, match="must be"):
        _module(loss, *parameters, validate=True)(torch.ones(2), torch.zeros(2))


def test_the_order_of_torch_nn():
    zero, one = torch.zeros(2), torch.ones(2)
    assert _module("huber", "sum")(one, zero) == torch.nn.HuberLoss("sum")(one, zero)
    assert _module("huber", "sum", 0.5)(one, zero) == torch.nn.HuberLoss("sum", 0.5)(one, zero)


@pytest.mark.parametrize("loss", ["absolute", "huber", "smooth_l1"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_tiny_corner_does_not_become_zero(loss, reduction):
    """1e-50 is 0 in float32."""
    x = torch.tensor([0.0, 1e-3, 1.0], requires_grad=True)
    value = _module(loss, 1e-50, reduction=reduction)(x, torch.zeros(3))
    value.sum().backward()
    assert not torch.isnan(value).any()
    assert not torch.isnan(x.grad).any()


@quiet
@losses
@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_tracing(loss, mode):
    from torch.fx.experimental.proxy_tensor import make_fx

    module, x = _module(loss, *_values(loss)), torch.randn(5)
    traced = make_fx(lambda a, b: module(a, b), tracing_mode=mode)(x, torch.zeros(5))
    other = torch.randn(5)
    torch.testing.assert_close(traced(other, torch.zeros(5)), module(other, torch.zeros(5)))


@losses
def test_every_signature_has_types(loss):
    file = _file(loss)
    for name, value in vars(file).items():
        if inspect.isfunction(value) and value.__module__ == file.__name__:
            hints = inspect.signature(value)
            assert hints.return_annotation is not inspect.Signature.empty, name
            assert all(p.annotation is not p.empty for p in hints.parameters.values()), name
