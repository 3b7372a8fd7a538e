"""What every loss from outside must satisfy, whether it comes as data or as code."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sympy import Expr, Float, Interval, Rational, Set, Symbol, oo, true

from derive.definitions import names
from derive.definitions.classes import Entry, Hit, Other, varies
from derive.definitions.evaluate import UnknownPart
from derive.definitions.interval import shown
from derive.definitions.loss import Along, Loss
from derive.definitions.relations import check_relations
from derive.definitions.wellposed import check_well_posed
from derive.errors import BadInput


def accept(loss: Loss, where: str) -> Loss:
    """The loss itself, if it can be derived and emitted; BadInput, one line, if it cannot."""
    names.check_loss(loss.name, f"{where}, name")
    if not loss.variables:
        raise BadInput(f"{where}: no variable is declared; the first one is the residual")
    _check_names(loss, where)
    _check_symbols(loss, where)
    _check_use(loss, where)
    for variable in loss.held:
        _check_values(loss, variable, where)
    check_relations(loss, where)
    if loss.kind == "classwise":  # no number for each variable is a point of its domain
        _check_classes(loss, where)
        return loss
    try:
        check_well_posed(loss, where)
    except UnknownPart as error:
        raise BadInput(f"{where}: '{error}' is not something that formulas can say") from error
    return loss


# Arguments of what is emitted for losses over classes.
_ARGUMENTS = frozenset(
    ("axis", "validate", "size_average", "reduce", "ignore_index", "label_smoothing")
)


def _check_classes(loss: Loss, where: str) -> None:
    """One number a row, of one prediction; a class only as an index."""
    vectors = [v for v in loss.variables if isinstance(v, Along)]
    axes = sorted({v.axis for v in vectors})
    if len(axes) > 1:
        raise BadInput(f"{where}: one axis of classes, not {' and '.join(axes)}")
    z = loss.residual
    if len(loss.predictions) != 1 or not isinstance(z, Along) or z.sort == "index":
        raise BadInput(f"{where}, prediction: one vector, such as z = 'real over {axes[0]}'")
    if loss.target is not None and not isinstance(loss.target, Along):
        raise BadInput(
            f"{where}, target: '{loss.target.name}' is neither an index nor a vector; "
            f"write {loss.target.name} = 'index of {axes[0]}'"
        )
    if varies(loss.expression):
        raise BadInput(f"{where}, loss: has a value for each class; write sum(...) or {z.name}[t]")
    target = loss.target
    if target is not None and target.sort == "index":
        bare = loss.expression.replace(Entry, lambda v, _: v).replace(Hit, lambda _: oo)
        if target in bare.replace(Other, lambda _: oo).free_symbols:
            raise BadInput(
                f"{where}, loss: '{target.name}' names a class; write {z.name}[{target.name}]"
            )
    for v in loss.variables:
        if v.name in _ARGUMENTS:
            raise BadInput(f"{where}: '{v.name}' would shadow an argument of the generated code")


def check_default(name: str, value: float, where: str) -> None:
    """Refuse a default value that is not a number."""
    if math.isnan(value):
        raise BadInput(f"{where}, {name}: nan is no value")


def check_special(points: Sequence[Expr], where: str) -> None:
    """Refuse special points named twice."""
    if len(set(points)) != len(points):
        raise BadInput(f"{where}: a point is named twice")


def _check_names(loss: Loss, where: str) -> None:
    seen: set[str] = set()
    for symbol in (*loss.variables, *loss.where):
        names.check_variable(symbol.name, where, bool(loss.predictions))
        if symbol.name in seen:
            raise BadInput(f"{where}: '{symbol.name}' is declared twice")
        seen.add(symbol.name)


def _check_symbols(loss: Loss, where: str) -> None:
    residual = loss.residual
    if loss.kind != "residual":
        _check_roles(loss, where)
    elif loss.domain(residual) != Interval(-oo, oo):
        raise BadInput(f"{where}: the residual '{residual.name}' (the first variable) must be real")
    elif residual.name != "x":
        raise BadInput(f"{where}: call the residual (the first variable) x, not '{residual.name}'")
    for parameter in loss.parameters:
        if not parameter.is_extended_real:
            raise BadInput(f"{where}: parameter '{parameter.name}' must be declared real")


def _check_roles(loss: Loss, where: str) -> None:
    roles = (*loss.predictions, *([loss.target] if loss.target is not None else []))
    if loss.variables[: len(roles)] != roles:
        raise BadInput(f"{where}: the variables are the predictions, the target, the parameters")
    for v in roles:
        if not v.is_extended_real:
            raise BadInput(f"{where}: '{v.name}' must be declared real")
    if loss.kind == "pointwise" and loss.target is None:
        raise BadInput(f"{where}: a [prediction] is compared with a [target]; declare one")


def _check_use(loss: Loss, where: str) -> None:
    expression = loss.expression
    used = expression.free_symbols
    declared = ", ".join(v.name for v in loss.variables)
    for symbol in sorted(used - set(loss.variables), key=str):
        raise BadInput(f"{where}, loss: unknown name '{symbol.name}' (declared: {declared})")
    first = "residual" if loss.kind == "residual" else "prediction"
    if loss.residual not in used:
        raise BadInput(f"{where}, loss: does not depend on the {first} '{loss.residual.name}'")
    for parameter in loss.held:
        if parameter not in used:
            raise BadInput(f"{where}, loss: does not depend on '{parameter.name}'; drop it")
    for number in sorted(expression.atoms(Float), key=str):
        shown = Rational(str(number))
        raise BadInput(f"{where}, loss: write the exact {shown} instead of the float {number}")


def _check_values(loss: Loss, parameter: Symbol, where: str) -> None:
    name, domain = parameter.name, loss.domain(parameter)
    default = loss.default(parameter)
    if parameter in loss.parameters and not _holds(domain, _exactly(default)):
        stated = "the default" if parameter in loss.defaults else "the usual default"
        raise BadInput(
            f"{where}, defaults, {name}: {stated} {default:g} is outside of {shown(domain)}; "
            "state another"
        )
    for point in loss.special.get(parameter, ()):
        if not (_holds(domain, point) or point in (domain.inf, domain.sup)):
            raise BadInput(f"{where}, special, {name}: {point} is outside of {shown(domain)}")


def _exactly(value: float) -> Expr:
    if math.isinf(value):
        return oo if value > 0 else -oo
    return Rational(repr(value))  # the decimal that was written, not its binary neighbour


def _holds(domain: Set, value: Expr) -> bool:
    return domain.contains(value) is true
