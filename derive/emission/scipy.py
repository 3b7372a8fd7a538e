"""What a NumPy file says of its density to SciPy."""

from __future__ import annotations

from typing import Any

from sympy import Symbol

from derive.calculus.scaling import scale_parameter
from derive.definitions.loss import Loss
from derive.program.module import Module


def scipy_context(module: Module, loss: Loss) -> dict[str, Any]:
    """The fields of the SciPy part: its shapes are the parameters that do more than stretch x.

    standard: all parameters, at scale 1.
    """
    stretch = scale_parameter(loss)
    shapes = [p for p in loss.parameters if p != stretch]
    standard = ["1.0" if p == stretch else p.name for p in loss.parameters]
    described = [_shape(module, loss, p) for p in shapes]
    names = [p.name for p in shapes]
    return {
        "shapes": [{k: s[k] for k in ("name", "domain", "inclusive")} for s in described],
        "shapes_after": "".join(f", {name}" for name in names),
        "shapes_check": " & ".join(s["check"] for s in described),
        "first_shapes": _tuple([f"{loss.default(p)!r}" for p in shapes]),
        "standard": "".join(f", {value}" for value in standard),
        "standard_alone": ", ".join(standard),
        "scipy_told": _told(names),
    }


def _tuple(values: list[str]) -> str:
    return f"({', '.join(values)}{',' if len(values) == 1 else ''})"


def _told(names: list[str]) -> str:
    if not names:
        return "It has no shape parameter; loc and scale are SciPy's."
    return f"Shape: {', '.join(names)}; loc and scale are SciPy's."


def _shape(module: Module, loss: Loss, p: Symbol) -> dict[str, str]:
    """The domain of a shape; where the density asks for more, it asks for p >= 0."""
    domain = loss.domain(p)
    low, closed = domain.inf, domain.contains(domain.inf) == True  # noqa: E712
    if module.density.requirement is not None:
        low, closed = 0, True
    whole = domain.contains(domain.sup) == True  # noqa: E712
    low_text, high_text = (_number(float(v)) for v in (low, domain.sup))
    signs = (">=" if closed else ">", "<=" if whole else "<")
    return {
        "name": p.name,
        "domain": f"({low_text}, {high_text})",
        "inclusive": f"({closed}, {whole})",
        "check": f"({p} {signs[0]} {low_text}) & ({p} {signs[1]} {high_text})",
    }


def _number(value: float) -> str:
    return repr(value).replace("inf", "np.inf")
