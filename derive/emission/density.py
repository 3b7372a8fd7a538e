"""The density's part of a file's context."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy import Symbol

from derive.definitions.loss import Loss
from derive.emission import wording
from derive.emission.printer import Printer
from derive.emission.scipy import scipy_context
from derive.emission.target import Target
from derive.numerics.forms import StableForm
from derive.program.divergence import ARGUMENTS
from derive.program.module import Block, Module


def density_names(module: Module, target: Target) -> list[str]:
    """The public functions of the density, in the order of the file."""
    form = module.density.sampling
    names = ["log_partition_on"] if form else []
    if module.parameter_functions:
        names += [*(f.name for f in module.parameter_functions), "log_density", "density"]
        names += ["log_partition_norm", "log_density_norm"] if module.density.norm else []
    if target.name == "numpy" and form and form.envelope:
        names += ["sample", "cdf", "sf", "ppf", "moment", "entropy", "distribution"]
    return names


def density_context(module: Module, form: StableForm, target: Target) -> dict[str, Any]:
    """The fields about the density; no functions where there is none to emit."""
    loss, rule = form.loss, module.density.rule
    functions = [
        {
            "name": f.name,
            "docstring": _docstring(loss, f.name, rule),
            "lines": _block_lines(f.block, module, target),
        }
        for f in module.parameter_functions
    ]
    fields: dict[str, Any] = {
        "density_functions": functions,
        "log_density_docstring": _docstring(loss, "log_density", rule),
        "density_docstring": _docstring(loss, "density", rule),
        "density_condition": _condition(module, target),
        "density_rule": rule,
    }
    norm = module.density.norm
    asked = norm.requirement if norm else None
    printer = Printer(target.dialect, frozenset(), frozenset())
    fields |= {
        "array": target.library if target.name == "torch" else "np",
        "norm": norm.way if norm else "",
        "norm_rule": norm.rule if norm else "",
        "norm_condition": printer.expression(asked) if asked else "",
        "norm_lines": _block_lines(module.norm, module, target) if module.norm else [],
    }
    if target.name == "torch":
        fields["density_derivatives"] = _tied(module, form) if functions else []
    return fields | _sampling_context(module, form, target)


_WAYS = {
    "tangent": "rejection under a tangent of the convex loss",
    "cauchy": "Cauchy's distribution",
    "power": "rejection, under the densities at alpha = 0 or 2 or under a tangent",
    "under_cauchy": "rejection under Cauchy's distribution",
    "student": "a normal variable over the root of a chi-square one",
    "": "",
}


def _sampling_context(module: Module, stable: StableForm, target: Target) -> dict[str, Any]:
    """The fields about draws; `sampling` is empty where there are none."""
    form, loss = module.density.sampling, stable.loss
    names = [p.name for p in loss.parameters]
    nodes, weights = np.polynomial.legendre.leggauss(16)
    moments = {f.name: _block_lines(f.block, module, target) for f in module.moments}
    orders = form.orders if form else None
    printer = Printer(target.dialect, frozenset(), frozenset())
    fields: dict[str, Any] = {
        "interval": module.touch is not None,
        "sampling": form.envelope if form else "",
        "sampling_way": _WAYS[form.envelope if form else ""],
        "touch_lines": _block_lines(module.touch, module, target) if module.touch else [],
        "kink": form.kink if form else "",
        "shape_text": printer.expression(form.shape) if form and form.shape else "",
        "length_text": printer.expression(form.length) if form and form.length else "",
        "orders": printer.expression(orders) if orders else "",
        "expected_loss_lines": moments.get("expected_loss", []),
        "moments_by_quadrature": target.name == "numpy" or "variance" not in moments,
        "infinity": target.dialect.infinity,
        "node_lines": _number_lines((nodes + 1) / 2),
        "weight_lines": _number_lines(weights / 2),
        "parameters_tuple": ", ".join(names) + ("," if len(names) == 1 else ""),
        "distribution": distribution_name(loss),
    }
    if target.name == "numpy":
        fields |= scipy_context(module, loss)
    if target.name == "torch":
        fields |= {
            "constraints": [{"name": n, "kind": _constraint(module, loss, n)} for n in names],
            "variance_lines": moments.get("variance", []),
            "divergence_lines": _varying_lines(module, target),
            "divergence_arguments": ", ".join(ARGUMENTS),
            "latents": latents(module, stable),
        }
    return fields


def _varying_lines(module: Module, target: Target) -> list[str]:
    """The lines of the divergence, whose arguments are tensors."""
    block = module.divergence
    if block is None:
        return []
    names = frozenset([*ARGUMENTS, *(a.name for a in block.assignments)])
    helpers = frozenset(h.helper.name for h in module.helpers)
    printer = Printer(target.dialect, helpers, names)
    lines = [line for a in block.assignments for line in printer.lines(f"{a.name} = ", a.value, 4)]
    return [*lines, *printer.lines("return ", block.results[0], 4)]


def latents(module: Module, form: StableForm) -> list[dict[str, Any]]:
    """How an adaptive loss keeps each parameter in its domain: between two bounds, above a floor,
    or free. None where there is no density to adapt, or a domain has another shape.

    What the density asks for narrows a domain; a point at which a derivative is infinite ends it.
    """
    if not module.parameter_functions:
        return []
    found = [_latent(module, form, p) for p in form.loss.parameters]
    return found if all(f["kind"] for f in found) else []


def _latent(module: Module, form: StableForm, p: Symbol) -> dict[str, Any]:
    domain = form.loss.domain(p)
    low, high = float(domain.inf), float(domain.sup)
    asked = module.density.requirement is not None and low == -math.inf
    low = 0.0 if asked else low
    high = min([high, *(v for v in form.diverging.get(p.name, ()) if v > low)])
    closed = asked or domain.contains(domain.inf) == sympy.true
    inner = (high - low) / 2000
    kinds = {(True, True): "bounds", (True, False): "floor", (False, False): "free"}
    return {
        "name": p.name,
        "kind": kinds.get((math.isfinite(low), math.isfinite(high)), ""),
        "least": f"{low:g}",
        "sign": "<=" if closed else "<",
        "rule": f">{'=' * closed} {low:g}",
        "low": repr(low + inner),
        "high": repr(high - inner),
        "first": repr(float(form.loss.default(p))),
    }


def distribution_name(loss: Loss) -> str:
    return "".join(part.capitalize() for part in loss.name.split("_"))


def _constraint(module: Module, loss: Loss, name: str) -> str:
    """The constraint of torch.distributions; where the density asks for alpha >= 0, that one."""
    if loss.domain(next(p for p in loss.parameters if p.name == name)).inf == 0:
        return "positive"
    return "nonnegative" if module.density.requirement is not None else "real"


def _number_lines(numbers: Any) -> list[str]:
    return textwrap.wrap("".join(f"{float(v)!r}, " for v in numbers), 88)


def _docstring(loss: Loss, name: str, rule: str) -> str:
    lines = [wording.meaning(loss, name)]
    if rule and name in ("log_partition", "log_density", "density"):
        lines += ["", f"ValueError: {rule}."]
    return wording.docstring(lines, 4)


def _condition(module: Module, target: Target) -> str:
    if module.density.requirement is None:
        return ""
    printer = Printer(target.dialect, frozenset(), frozenset())
    return printer.expression(module.density.requirement)


def _block_lines(block: Block, module: Module, target: Target) -> list[str]:
    helpers = frozenset(h.helper.name for h in module.helpers)
    printer = Printer(target.dialect, helpers, frozenset())
    lines: list[str] = []
    for a in block.assignments:
        lines += printer.lines(f"{a.name} = ", a.value, 4)
    return [*lines, *printer.lines("return ", block.results[0], 4)]


def _tied(module: Module, form: StableForm) -> list[str]:
    """The lines that tie log Z and its slopes to their closed-form derivatives."""
    names = [p.name for p in form.loss.parameters]
    known = [f.name for f in module.parameter_functions]
    lines: list[str] = []
    for name in known:
        if name.startswith("d2_"):
            lines += [f"def _{name}_autograd(*arguments):"]
            lines += [f"    return _at_parameters(_{name}, *arguments)", "", ""]
    for p in names:
        if f"d_log_partition_{p}" in known:
            slopes = [_second(names, p, q) for q in names]
            lines += _differentiable(f"d_log_partition_{p}", slopes, known, names, form.diverging)
    slopes = [f"d_log_partition_{p}" for p in names]
    return lines + _differentiable("log_partition", slopes, known, names, form.diverging)


def _second(names: Sequence[str], a: str, b: str) -> str:
    first, last = sorted((a, b), key=names.index)
    return f"d2_log_partition_{first}" + ("" if first == last else f"_{last}")


def _differentiable(
    name: str,
    slopes: Sequence[str],
    known: Sequence[str],
    names: Sequence[str],
    diverging: Mapping[str, tuple[float, ...]],
) -> list[str]:
    arguments = ", ".join(["like", *names])
    lines = [f"_{name}_autograd = _differentiable(", f"    _{name},"]
    for style in ("_autograd", ""):
        lines += ["    (", _ZERO % arguments]
        for slope in slopes:
            # Only the slope in a parameter can be infinite at one of its values.
            near = ["like", *(_nudged(n, diverging) if n in slope else n for n in names)]
            call = f"_{slope}_autograd" if style else "_at_parameters"
            given = ", ".join(near if style else [f"_{slope}", *near])
            lines += _lambda(arguments, call, given) if slope in known else [_ZERO % arguments]
        lines.append("    ),")
    return [*lines, "    _at_parameters,", ")", ""]


_ZERO = "        lambda %s: torch.zeros_like(like),"


def _lambda(arguments: str, call: str, given: str) -> list[str]:
    flat = f"        lambda {arguments}: {call}({given}),"
    if len(flat) <= wording.WIDTH:
        return [flat]
    return [f"        lambda {arguments}: {call}(", f"            {given}", "        ),"]


def _nudged(name: str, diverging: Mapping[str, tuple[float, ...]]) -> str:
    points = diverging.get(name, ())
    return f"_below({name}, {points!r})" if points else name
