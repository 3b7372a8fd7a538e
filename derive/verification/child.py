"""Runs emitted functions in a process of its own; speaks JSON lines and raw float64 on its pipes.

Started by path by `implementations`, with the folder that modules are named from and a limit on
memory; imports NumPy, and PyTorch when asked for it, nothing else.
"""

import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def limit(gibibytes: int) -> None:
    """No more memory than this, where the system can be told so."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (gibibytes << 30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Arrays:
    """NumPy: the dtypes, and how to call."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    def take(self, values: Any) -> Any:
        with np.errstate(all="ignore"):
            return values.astype(self.dtype)

    def whole(self, values: Any) -> Any:
        return values.astype(np.int64)

    def call(
        self, function: Callable[..., Any], arguments: Sequence[Any], autograd: int | None
    ) -> Any:
        return function(*arguments)

    def give(self, result: Any) -> tuple[str, Any]:
        result = np.asarray(result)
        return result.dtype.name, result.astype(np.float64)


class Tensors:
    """PyTorch: likewise, and gradients by autograd."""

    def __init__(self, dtype: str) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch, self.dtype = torch, getattr(torch, dtype)

    def take(self, values: Any) -> Any:
        return self.torch.from_numpy(values.copy()).to(self.dtype)

    def whole(self, values: Any) -> Any:
        return self.torch.from_numpy(values.astype(np.int64))

    def call(
        self, function: Callable[..., Any], arguments: Sequence[Any], autograd: int | None
    ) -> Any:
        if autograd is None:
            with self.torch.no_grad():
                return function(*arguments)
        arguments = list(arguments)  # a label among them has no gradient
        arguments[autograd] = arguments[autograd].clone().requires_grad_()
        total = function(*arguments)
        (gradient,) = self.torch.autograd.grad(
            total, arguments[autograd], self.torch.ones_like(total), allow_unused=True
        )
        return self.torch.zeros_like(total) if gradient is None else gradient

    def give(self, result: Any) -> tuple[str, Any]:
        name = str(result.dtype).removeprefix("torch.")
        return name, result.detach().to(self.torch.float64).numpy()


def answer(request: dict[str, Any], columns: list[Any]) -> tuple[str, Any]:
    """One function over all points: name of the dtype that came out, and the values."""
    kind = Tensors if request["tensors"] else Arrays
    library: Tensors | Arrays = kind(request["dtype"])
    function = getattr(importlib.import_module(request["module"]), request["function"])
    output, autograd = request["output"], request["autograd"]

    def run(pieces: Sequence[Any], numbers: bool) -> tuple[str, Any]:
        arguments = [library.take(pieces[0])]
        for piece in pieces[1:]:
            arguments.append(float(piece[0]) if numbers else library.take(piece))
        result = library.call(function, arguments, autograd)
        return library.give(result if output is None else result[output])

    if "layout" in request:
        arguments = over_classes(request, columns, library)
        result = library.call(function, arguments, autograd)
        dtype, values = library.give(result if output is None else result[output])
        return dtype, np.ravel(values)
    if not request["numbers"]:
        return run(columns, False)
    ends = np.cumsum(request["groups"])[:-1]
    split = [np.split(column, ends) for column in columns]
    results = [run(pieces, True) for pieces in zip(*split, strict=True)]
    return results[0][0], np.concatenate([np.atleast_1d(values) for _, values in results])


def over_classes(request: dict[str, Any], columns: list[Any], library: Any) -> list[Any]:
    """Columns as the arguments of a loss over classes: several are the entries of one vector."""
    rest, found = list(columns), []
    for kind in request["layout"]:
        count = request["classes"] if kind == "vector" else 1
        parts, rest = rest[:count], rest[count:]
        if kind == "index":
            found.append(library.whole(parts[0]))
        else:
            values = np.stack(parts, -1) if kind == "vector" else parts[0]
            found.append(library.take(values))
    return found


def guarded(request: dict[str, Any], columns: list[Any]) -> tuple[dict[str, Any], Any]:
    """The answer, with the first warning that escaped, if one did."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        dtype, values = answer(request, columns)
    texts = [f"{w.category.__name__}: {w.message}" for w in seen]
    return {"dtype": dtype, "warning": texts[0] if texts else ""}, values


def main(root: str, gibibytes: str) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    limit(int(gibibytes))
    sys.path.insert(0, root)
    replies, sys.stdout = sys.stdout.buffer, sys.stderr
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        values: Any = np.empty(0)
        reply: dict[str, Any]
        try:
            if request["function"] is None:
                module = importlib.import_module(request["module"])
                names = [n for n in vars(module) if not n.startswith("_")]
                reply = {"names": sorted(names)}
            else:
                size = 8 * request["count"]
                raw = [sys.stdin.buffer.read(size) for _ in range(request["columns"])]
                reply, values = guarded(request, [np.frombuffer(r) for r in raw])
        except Exception as trouble:  # noqa: BLE001 - judged code may raise anything
            reply = {"error": f"{type(trouble).__name__}: {trouble}"}
        reply.update(count=len(values), token=request["token"])
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.write(np.ascontiguousarray(values, dtype=np.float64).tobytes())
        replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
