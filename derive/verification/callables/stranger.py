"""Runs somebody else's function in a process of its own; started by path by `session`.

Speaks on copies of its pipes that the function does not know. What is needed to answer is kept
before the function's module is imported, and whether that module changed NumPy is told.
"""

import contextlib
import importlib
import importlib.util
import inspect
import json
import os
import re
import sys
import warnings
from typing import Any

import numpy as np

replies = os.fdopen(os.dup(1), "wb")
requests = os.fdopen(os.dup(0), "rb")
with open(os.devnull, "r+b") as nowhere:
    for stream in (0, 1):
        os.dup2(nowhere.fileno(), stream)

dumps, loads, frombuffer = json.dumps, json.loads, np.frombuffer
as_array, contiguous, wide = np.asarray, np.ascontiguousarray, np.float64
broadcast_to, errstate, catch_warnings = np.broadcast_to, np.errstate, warnings.catch_warnings
KNOWN = {name: getattr(np, name) for name in dir(np) if callable(getattr(np, name))}


def limit(gibibytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (gibibytes << 30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time(seconds: int) -> None:
    """So much of the processor from now on, then the system ends this process: unlike the clock,
    this does not depend on what else runs."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def found(text: str) -> Any:
    """The object that MODULE:NAME.NAME means, and the class that it is a method of."""
    module, _, path = text.partition(":")
    here, owner = importlib.import_module(module), None
    for name in path.split("."):
        owner, here = here, getattr(here, name)
    is_method = inspect.isclass(owner) and not isinstance(
        inspect.getattr_static(owner, path.split(".")[-1]), (staticmethod, classmethod)
    )
    return here, owner if is_method else None


def described(function: Any) -> Any:
    """The names of the arguments; None where Python cannot tell."""
    if isinstance(function, np.ufunc):
        return {"ufunc": function.nin}
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return {"unknown": True}
    return {
        "names": [
            {
                "name": p.name,
                "kind": p.kind.name,
                "default": p.default if isinstance(p.default, (int, float)) else None,
                "required": p.default is p.empty,
            }
            for p in parameters
        ]
    }


def describe(request: Any) -> Any:
    function, owner = found(request["subject"])
    told = {"function": described(function), "owner": None, "subject": request["subject"]}
    told["words"] = words_of(function)
    if owner is not None:
        told["owner"] = described(owner)
    elif inspect.isclass(function):
        told["owner"], told["function"] = told["function"], described(taking(function))
        told["called"] = True
    loaded = getattr(function if owner is None else owner, "__module__", None)
    loaded = loaded or request["subject"]
    told["library"] = str(loaded).partition(".")[0]
    told["patched"] = patched()
    return told


def taking(kind: Any) -> Any:
    """The method that says what an instance takes: of a module of PyTorch it is `forward`."""
    called = described(kind.__call__).get("names", ())
    says = any(p["name"] != "self" and not p["kind"].startswith("VAR") for p in called)
    return kind.__call__ if says else getattr(kind, "forward", kind.__call__)


def words_of(function: Any) -> Any:
    """Words in quotes or in the code: what an argument that chooses by name may be."""
    texts = re.findall(r"['\"`]([a-z][a-z0-9_]{1,15})['\"`]", inspect.getdoc(function) or "")
    code = getattr(inspect.unwrap(function), "__code__", None)
    constants = code.co_consts if code is not None else ()
    flat = [c for one in constants for c in (one if isinstance(one, tuple) else (one,))]
    texts += [c for c in flat if isinstance(c, str) and re.fullmatch(r"[a-z][a-z0-9_]{1,15}", c)]
    return list(dict.fromkeys(texts))[:40]


def patched() -> Any:
    return sorted(name for name, before in KNOWN.items() if getattr(np, name, None) is not before)


class Arrays:
    functions = np

    def take(self, values: Any, dtype: Any) -> Any:
        return values.astype(dtype)

    def give(self, result: Any) -> Any:
        return result

    def slope(self, function: Any, x: Any) -> Any:
        raise TypeError("no gradient of an array function")


class Tensors:
    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch = self.functions = torch

    def take(self, values: Any, dtype: Any) -> Any:
        if dtype in ("float64", "float32"):  # numbers that it makes tensors of
            self.torch.set_default_dtype(getattr(self.torch, str(dtype)))
        if values.ndim and any(stride < 0 for stride in values.strides):
            values = values.copy()  # PyTorch has no such views
        return self.torch.from_numpy(values.astype(dtype))

    def give(self, result: Any) -> Any:
        return result.detach().cpu().numpy() if hasattr(result, "detach") else result

    def slope(self, function: Any, x: Any) -> Any:
        x = x.clone().requires_grad_()
        return self.torch.autograd.grad(function(x).sum(), x)[0]


class Traced:
    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.functions = jax, jax.numpy

    def take(self, values: Any, dtype: Any) -> Any:
        return self.jax.numpy.asarray(values.astype(dtype))

    def give(self, result: Any) -> Any:
        return as_array(result)

    def slope(self, function: Any, x: Any) -> Any:
        return self.jax.grad(lambda t: function(t).sum())(x)


LIBRARIES = {"arrays": Arrays, "tensors": Tensors, "traced": Traced}
made: dict[str, Any] = {}


def library(kind: str) -> Any:
    if kind not in made:
        made[kind] = LIBRARIES[kind]()
    return made[kind]


def view_of(x: Any, view: str) -> Any:
    if view == "reversed":
        return np.flip(np.flip(x).copy())
    if view == "strided":
        padded = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), dtype=x.dtype)
        padded[..., ::2] = x
        return padded[..., ::2]
    if view == "fortran":
        return np.asfortranarray(x)
    return x


def zero(x: Any) -> Any:
    """0 of the kind of x, also where x is infinite."""
    if isinstance(x, float):
        return 0.0
    if hasattr(x, "new_zeros"):
        return x.new_zeros(x.shape)
    return np.zeros_like(x)


def prepared(call: Any, subject: Any, numbers: Any, take: Any) -> Any:
    """A function of x alone, as the call says; arrays among the parameters are kept to compare."""
    value = {k: take(v) if isinstance(v, np.ndarray) else v for k, v in numbers.items()}

    if call.get("expression"):
        module = importlib.import_module(subject.partition(":")[0])
        code = compile(call["expression"], "<call>", "eval")
        names = {"np": np, **vars(module), **value}
        return lambda x: eval(code, {**names, "x": x})  # a text of ours or of the user's own

    function, owner = found(subject)

    def argument(role: Any, x: Any) -> Any:
        if role == "x":
            return x
        if role == "square":
            return x * x
        if role == "zero":
            return zero(x)
        if role == "namespace":
            return library(call["library"] if call["library"] in LIBRARIES else "arrays").functions
        return value[role[1:]] if role.startswith("=") else loads(role)

    def named(which: Any, x: Any) -> Any:
        return {name: argument(role, x) for name, role in call[which].items()}

    if call.get("construct") is not None:
        built = (owner or function)(*[argument(r, None) for r in call["construct"]],
                                    **named("construct_named", None))  # fmt: skip
        function = getattr(built, subject.rpartition(".")[2]) if owner is not None else built

    def of_x(x: Any) -> Any:
        result = function(*[argument(r, x) for r in call["positional"]], **named("named", x))
        several = isinstance(result, tuple | list) and call.get("output") is not None
        if several and not all(isinstance(v, int | float) for v in result):  # such are one result
            return result[call["output"]]
        return result

    return of_x


def called(request: Any, raw: Any) -> Any:
    """The function at every point, once or more; the results, and what else could be seen."""
    call, kind = request["call"], request["call"]["library"]
    lib = library(kind if kind in LIBRARIES else "arrays")
    dtype = request["dtype"]
    x = view_of(raw["x"].reshape(request["shape"]), request.get("view", ""))
    if request.get("view") in ("reversed", "strided", "fortran") and dtype == "float64":
        given = x if kind != "tensors" else lib.take(x, dtype)
    else:
        given = lib.take(x, dtype)
    numbers = dict(request["numbers"])
    for name, shape in request["shapes"].items():
        kind_of = "int64" if name in request["whole"] else wide if dtype == "int64" else dtype
        numbers[name] = raw[name].reshape(shape).astype(kind_of)
    arrays = {n: lib.take(v, v.dtype) for n, v in numbers.items() if isinstance(v, np.ndarray)}
    numbers.update(arrays)
    before = as_array(lib.give(given)).tobytes()
    kept = {n: as_array(lib.give(v)).tobytes() for n, v in arrays.items()}
    of_x = prepared(call, request["subject"], numbers, lambda v: v)
    beside = {name: numbers[name] for name in request["beside"]}

    def one_by_one(rows: Any, take: Any) -> Any:
        """The function of each row (an element) by itself, with what stands beside it."""
        found = []
        for place in range(len(rows)):
            k = place if call.get("alone") else slice(place, place + 1)
            if not beside:
                found.append(of_x(take(rows[k])))
                continue
            parts = {n: v if request["rows"] else v.reshape(-1) for n, v in beside.items()}
            here = {**numbers, **{n: take(v[k]) for n, v in parts.items()}}
            of_one = prepared(call, request["subject"], here, lambda v: v)
            found.append(of_one(take(rows[k])))
        return found

    def once(argument: Any) -> Any:
        with errstate(all="warn"):
            if kind == "floats":
                flat = as_array(argument).ravel()
                values = one_by_one(flat, first_of)
                kinds = {str(v.dtype).rpartition(".")[2] for v in values if hasattr(v, "dtype")}
                narrow.update(kinds & {"float32", "float16", "bfloat16"})
                values = [first_of(v) for v in values]
                return as_array(values, dtype=wide).reshape(as_array(argument).shape)
            if call.get("gradient"):
                return lib.slope(of_x, argument)
            if call.get("each"):
                rows = argument if request["rows"] else argument.reshape(-1)
                values = [as_array(lib.give(v)) for v in one_by_one(rows, lambda v: v)]
                if request["rows"]:
                    found = np.stack([v.reshape(-1) for v in values])
                    return found[:, 0] if found.shape[1] == 1 else found
                parts = [v.ravel()[:1] for v in values]
                return np.concatenate(parts).reshape(tuple(argument.shape)) if parts else rows
            return of_x(argument)

    results, texts = [], []
    narrow: set[str] = set()
    with catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(request["times"]):
            results.append(once(given))
        if request.get("after"):
            once(lib.take(contiguous(contiguous(x)[::-1]), dtype))
        texts = [f"{w.category.__name__}: {w.message}" for w in seen]
    out = [as_array(lib.give(r)) for r in results]
    reply = {
        "dtype": min(narrow, default=str(out[0].dtype)),
        "shapes": [list(o.shape) for o in out],
        "type": type(results[0]).__name__,
        "warnings": sorted(set(texts))[:4],
        "mutated": as_array(lib.give(given)).tobytes() != before
        or any(as_array(lib.give(arrays[n])).tobytes() != b for n, b in kept.items()),
        "patched": patched(),
    }
    values = b"".join(contiguous(o.astype(wide)).tobytes() for o in out)
    return reply, values


def first_of(value: Any) -> Any:
    return float(as_array(value).ravel()[0])


def main(gibibytes: str, *paths: str) -> None:
    limit(int(gibibytes))
    sys.path[:0] = paths
    if importlib.util.find_spec("torch") is not None:  # Keras looks for another one
        os.environ.setdefault("KERAS_BACKEND", "torch")
    while line := requests.readline():
        request = loads(line)
        limit_time(request["processor"])
        raw: dict[str, Any] = {}
        for name, count in request.get("raw", []):
            raw[name] = frombuffer(requests.read(8 * count), dtype=wide)
        values = b""
        try:
            with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
                if request["do"] == "describe":
                    reply = describe(request)
                else:
                    reply, values = called(request, raw)
        except BaseException as trouble:  # noqa: BLE001 - judged code may raise anything
            reply = {"error": f"{type(trouble).__name__}: {trouble}"[:300]}
            if isinstance(trouble, SystemExit):
                reply["error"] = f"it tries to end the process ({trouble.code})"
        reply.update(count=len(values) // 8, token=request["token"])
        replies.write(dumps(reply).encode() + b"\n")
        replies.write(values)
        replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
