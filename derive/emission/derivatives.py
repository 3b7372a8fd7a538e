"""Which function is whose derivative: the tables that tie closed forms to PyTorch's autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derive.emission import wording
from derive.numerics.forms import StableForm


def autograd_context(form: StableForm, arguments: str) -> dict[str, Any]:
    loss = form.loss
    names = [p.name for p in loss.parameters]
    return {
        "arguments": arguments,
        "class_docstring": wording.docstring(
            [
                f"{loss.title.rstrip('.')} of `input - target`, as in torch.nn.",
                "",
                'reduction: "mean", "sum" or "none".',
                "",
                *(f"    {line}" for line in wording.definition_lines(loss)),
            ],
            4,
        ),
        "class_arguments": "".join(f", self.{n}" for n in names),
        "parameter_names": names,
        "repr_names": ", ".join([*(f'"{n}"' for n in names), '"reduction"']),
        "nudges": bool(form.diverging),
        "derivatives": _derivative_table(form),
    }


def _derivative_table(form: StableForm) -> list[str]:
    """The line that ties each function to its closed-form partial derivatives."""
    loss = form.loss
    variables = [v.name for v in loss.variables]
    second = [n for n in form.names if n.startswith("d2_")]
    plain: dict[str, list[str]] = {n: [] for n in [*second, "weight"]}
    lines = []
    for name in plain:
        lines.append(f"def _{name}_autograd(*arguments):")
        # No closed forms of a third order: there is no gradient rather than a wrong one.
        lines.append(f"    with torch.no_grad():\n        return _evaluate(_{name}, *arguments)\n")
    return lines + _tied(form, variables, second)


def _tied(form: StableForm, variables: Sequence[str], second: Sequence[str]) -> list[str]:
    lines: list[str] = []
    nudged = {v: form.diverging.get(v, ()) for v in variables}
    order = [*(f"d_{v}" for v in variables), "loss"]
    for name in order:
        if name == "loss":
            targets = [f"d_{v}" for v in variables]
        else:
            mine = name.removeprefix("d_")
            targets = [_second(variables, mine, v) for v in variables]
        lines += ["", f"_{name}_autograd = _differentiable("]
        lines += [f"    _{name},"]
        for style in ("_autograd", ""):
            lines.append("    (")
            for v, target in zip(variables, targets, strict=True):
                inner = ", ".join(
                    f"_below({w}, {nudged[w]!r})" if nudged[w] and (w == v or w in target) else w
                    for w in variables
                )
                call = (
                    f"_{target}_autograd({inner})" if style else f"_evaluate(_{target}, {inner})"
                )
                lines.append(f"        lambda {', '.join(variables)}: {call},")
            lines.append("    ),")
        lines.append(")")
    return lines


def _second(variables: Sequence[str], a: str, b: str) -> str:
    first, last = sorted((a, b), key=variables.index)
    return f"d2_{first}" if first == last else f"d2_{first}_{last}"
