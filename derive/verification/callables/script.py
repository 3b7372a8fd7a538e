"""A few lines that show a value without this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.verification.callables.call import Call


def script(
    subject: str, call: Call, settings: Mapping[str, float], x: Any, dtype: str, expected: str
) -> str:
    """Five lines: imports, the input, the call, and what is right."""
    module, _, path = subject.partition(":")
    name = path.partition(".")[0]
    value = f"[{_number(x)}]" if isinstance(x, float) else _array(x)
    library, made = {
        "tensors": ("torch", f"torch.tensor({value}, dtype=torch.{dtype or 'float64'})"),
        "traced": ("jax.numpy as jnp", f"jnp.asarray({value}, dtype={(dtype or 'float64')!r})"),
        "floats": ("math", _number(x) if isinstance(x, float) else value),
    }.get(call.library, ("numpy", f"numpy.array({value}, dtype={(dtype or 'float64')!r})"))
    typed = call.text(subject, settings)
    lines = [f"import {library}", f"from {module} import {name}", f"x = {made}"]
    if call.gradient:
        lines[2] += ".requires_grad_()"
        lines.append(f"print({library}.autograd.grad(({typed}).sum(), x))")
    else:
        lines.append(f"print({typed})")
    lines.append(
        f"print('right:', {expected!r})" if "," in expected else f"print({expected}, 'is right')"
    )
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return repr(float(value)) if abs(value) < float("inf") else f"float({str(float(value))!r})"


def _array(x: Any) -> str:
    return str(x).replace("'nan'", "nan").replace("nan", "float('nan')")
