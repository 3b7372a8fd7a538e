"""A few lines that show a value without this package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from derive.verification.callables.call import Call

IMPORTS = {
    "tensors": "import torch",
    "traced": "import jax; jax.config.update('jax_enable_x64', True)",
}
BACKEND = "import os; os.environ['KERAS_BACKEND'] = 'torch'"  # as it was judged


def script(
    subject: str, call: Call, settings: Mapping[str, Any], x: Any, dtype: str, expected: str,
    made: str = "", ask: str = "",
) -> str:  # fmt: skip
    """Five lines: imports, the input, the call, and what is right.

    made: the input as NumPy code; else it is x. ask: what shows it, with {call} in it.
    """
    module, _, path = subject.partition(":")
    typed = call.text(subject, settings)
    if call.gradient and call.library == "tensors":
        typed = f"torch.autograd.grad(({typed}).sum(), x)[0]"
    elif call.gradient:
        typed = f"jax.grad(lambda x: ({typed}).sum())(x)"
    put = _given(made, call) if made else _input(x, dtype or "float64", call)
    shown = (ask or f"print({_digits(call)})").replace("{call}", typed)
    right = f"'right:', {expected!r}" if _is_number(expected) is None else f"{expected}, 'is right'"
    lines = [
        _imports(module, call, f"{put} {shown}"),
        f"from {module} import {path.partition('.')[0]}",
        f"x = {put}",
        shown,
        f"print({right})",
    ]
    return "\n".join(lines) + "\n"


def _digits(call: Call) -> str:
    """All digits of a result: NumPy and PyTorch print fewer."""
    if call.library == "floats":
        return "{call}"
    return "({call}).tolist()" if call.library == "tensors" else "numpy.asarray({call}).tolist()"


def _is_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _input(x: Any, dtype: str, call: Call) -> str:
    if call.library == "floats":
        return _array(x)
    values = _array([x] if isinstance(x, float) else x)
    if call.library == "tensors":
        needs = ".requires_grad_()" if call.gradient else ""
        return f"torch.tensor({values}, dtype=torch.{dtype}){needs}"
    made = "jax.numpy" if call.library == "traced" else "numpy"
    return f"{made}.array({values}, dtype={dtype!r})"


def _given(made: str, call: Call) -> str:
    """An array of NumPy as the library has it."""
    made_by = {"tensors": "torch.from_numpy({})", "traced": "jax.numpy.array({})"}
    return made_by.get(call.library, "{}").format(made)


def _imports(module: str, call: Call, text: str) -> str:
    more = {"numpy": "import numpy", "np": "import numpy as np", "math": "import math"}
    found = [more[name] for name in more if re.search(rf"(?<!\.)\b{name}\b[.,)]", text)]
    backend = [BACKEND] if module.partition(".")[0] == "keras" else []
    first = [IMPORTS[call.library]] if call.library in IMPORTS else []
    return "; ".join(dict.fromkeys([*backend, *first, *found])) or "import numpy"


def _array(x: Any) -> str:
    """Numbers as Python reads them; a text is code already."""
    text = x if isinstance(x, str) else str(x)
    return re.sub(r"-?\b(nan|inf)\b", lambda m: f"float('{m[0]}')", text)
