"""How a function may have to be called: which argument is the residual, which a parameter.

Nobody says so, hence every way that its arguments' names allow is tried, the likeliest first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from derive.verification.callables.call import Call
from derive.verification.callables.ways import known_ways

TARGETS = {"target", "targets", "y_true", "labels", "label", "true", "y", "truth"}
PREDICTIONS = {"input", "pred", "y_pred", "prediction", "predictions", "raw_prediction", "output"}
KINDS = {"loss", "kernel", "norm", "loss_type", "kind", "method", "name"}
SMALL = {"eps", "epsilon_", "tol", "rtol", "atol", "maxiter"}  # no parameters of a loss
PLACES = {"loc", "mu", "mean", "location"}
NAMESPACES = {"xp", "np", "numpy", "jnp", "xnp"}  # the library that computes, as an argument
MOST = 40

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("torch", "kornia", "pypose", "torchmetrics", "keras"), ("tensors",)),
    **dict.fromkeys(("jax", "jaxopt", "optax", "flax"), ("traced",)),
}
ANY = ("arrays", "floats", "tensors")


def by_name(found: Sequence[Call], told: Mapping[str, Any], ours: Sequence[str]) -> list[Call]:
    """The ways that take arguments which are called as ours are for these; the others behind them,
    and none where all inputs are called so.

    ours: the names of the input and of the target, if there is one, then those of the parameters.
    """
    if not found:
        return []
    arguments = [a["name"] for a in told["function"].get("names", ()) if a["name"] != "self"]
    marked = [_marked(call, arguments, ours) for call in found]
    fitting = [call for call in marked if not call.against]
    inputs = ours[: 1 + bool(found[0].beside)]
    if fitting and set(inputs) <= set(arguments):
        return fitting
    return [*fitting, *(call for call in marked if call.against)]


def _marked(call: Call, arguments: Sequence[str], ours: Sequence[str]) -> Call:
    """With the arguments that are taken by their names, and one that is not."""
    roles = {**dict(zip(arguments, call.positional, strict=False)), **call.named}
    inputs = {"x", "square", "zero", *(f"={form}" for form in call.beside)}
    meant = {ours[0]: {"x", "square"}} | dict.fromkeys(ours[1:2] if call.beside else (), inputs)

    def fits(name: str) -> bool:
        """An input as such; a parameter as itself, or as one that is no other of ours."""
        role = roles[name]
        if name in meant:
            return role in meant[name] - ({"x", "square"} if name != ours[0] else set())
        return role == f"={name}" or (role not in inputs and role[1:] not in ours)

    taken = [name for name in ours if name in roles]
    matched = tuple(name for name in taken if fits(name))
    against = next((name for name in taken if not fits(name)), "")
    return replace(call, by_name=matched, against=against)


def calls(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], gradient: bool
) -> list[Call]:
    """Ways to call, the likeliest first.

    told: the description by the child. ours: names of our parameters. given: the names in --set.
    gradient: whether a derivative in x is wanted, so that a loss may be differentiated.
    """
    found: dict[str, Call] = {}
    for call in known_ways(told, given):
        found.setdefault(json.dumps(call.as_data(), sort_keys=True), call)
    for library in LIBRARIES.get(str(told["library"]), ANY):
        for call in _of(told, ours, given, library):
            found.setdefault(json.dumps(call.as_data(), sort_keys=True), call)
    direct = list(found.values())[: 3 * MOST]
    direct = [replace(c, starts=_starts(told)) for c in direct]
    if gradient:
        direct += [replace(c, gradient=True) for c in direct if c.library in ("tensors", "traced")]
    return direct


def calls_beside(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], gradient: bool,
    beside: Sequence[str],
) -> list[Call]:  # fmt: skip
    """Ways to call with a prediction and what stands beside it, also without parameters that have
    a default; beside: what a target may be called, the likeliest first, nothing where there is
    none."""
    found = [*calls(told, ours, given, gradient), *calls(told, (), given, gradient)]
    wanted = {"zero"} if beside else set()
    kept = [
        call for call in found
        if {"zero", "square"} & {*call.positional, *call.named.values()} == wanted
    ]  # fmt: skip
    if not beside:
        return kept
    ways = {
        json.dumps(call.as_data(), sort_keys=True): call
        for form in beside
        for swapped in (False, True)
        for call in (_with_target(call, form, swapped) for call in kept)
    }
    return list(ways.values())


def _with_target(call: Call, form: str, swapped: bool) -> Call:
    """With a target in its place; swapped: that is where the prediction stood."""
    put = {"zero": "x", "x": f"={form}"} if swapped else {"zero": f"={form}"}
    positional = tuple(put.get(role, role) for role in call.positional)
    named = {name: put.get(role, role) for name, role in call.named.items()}
    return replace(call, positional=positional, named=named, beside=(form,))


def _starts(told: Mapping[str, Any]) -> dict[str, float]:
    """Numbers that are defaults of arguments."""
    arguments = [*told["function"].get("names", ()), *((told["owner"] or {}).get("names", ()))]
    return {a["name"]: float(a["default"]) for a in arguments if _is_number(a["default"])}


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool))


def _of(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], library: str
) -> Iterator[Call]:
    of_function = told["function"]
    if told["owner"] is not None:
        constructor = [a for a in told["owner"].get("names", ()) if a["name"] != "self"]
        names = [a for a in of_function.get("names", ()) if a["name"] != "self"]
        for optional in (True, False):
            built, left = _parameters(constructor, ours, given, optional)
            mine = () if built else ours  # what it was built with is not given again
            for call in _plain({**told, "names": names}, mine, left, library):
                yield replace(call, construct=(), construct_named=built)
    else:
        yield from _plain({**of_function, "words": told["words"]}, ours, given, library)


def _may_vary(argument: Mapping[str, Any]) -> bool:
    """Whether an argument with a default may be a parameter of a loss."""
    return isinstance(argument["default"], float) and argument["name"] not in SMALL


def _parameters(
    arguments: Sequence[Mapping[str, Any]], ours: Sequence[str], given: Sequence[str],
    optional: bool,
) -> tuple[dict[str, str], list[str]]:  # fmt: skip
    """Arguments of a constructor: all are parameters. Then what of `given` is left.

    optional: those that have a number as default too, where nothing was set.
    """
    named = {a["name"]: f"={a['name']}" for a in arguments if a["name"] in given}
    left = [name for name in given if name not in named]
    for a in arguments:
        name = a["name"]
        if name in named or a["kind"].startswith("VAR"):
            continue
        if not a["required"]:
            if optional and not given and _may_vary(a):
                named[name] = f"={name}"
            elif a["name"] == "reduction":
                named[name] = '"none"'
        elif name in PLACES:
            named[name] = "0.0"
        elif left:
            named[name] = f"={left.pop(0)}"
        elif name in ours or not given:
            named[name] = f"={name}"
    return named, left


def _plain(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], library: str
) -> Iterator[Call]:
    if "names" not in told:
        yield from _unnamed(told, ours, given, library)
        return
    arguments = told["names"]
    plain = [a for a in arguments if not a["kind"].startswith("VAR")]
    takes_any = any(a["kind"] == "VAR_KEYWORD" for a in arguments)
    if not plain:
        yield from _unnamed(told, ours, given, library)
        return
    first = plain[0]["name"]
    for choice in _choices(plain, told):
        if first in ours and len(plain) > 1:
            named = {first: f"={first}", **choice}
            yield from _with_choice(plain, ours, given, library, named, takes_any)
        yield from _with_choice(plain, ours, given, library, choice, takes_any)


def _choices(
    plain: Sequence[Mapping[str, Any]], told: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    """Words for arguments that choose a loss by its name."""
    kinds = [a["name"] for a in plain if a["name"] in KINDS]
    if not kinds or not told.get("words"):
        yield {}
        return
    for word in told["words"][:MOST]:
        yield {kinds[0]: json.dumps(word)}


def _with_choice(
    plain: Sequence[Mapping[str, Any]], ours: Sequence[str], given: Sequence[str], library: str,
    choice: Mapping[str, str], takes_any: bool,
) -> Iterator[Call]:  # fmt: skip
    numbers = [a["name"] for a in plain[1:] if _may_vary(a) and a["name"] not in ours]
    if numbers and not given:  # likelier parameters than fixed
        yield from _with_choice(plain, ours, numbers, library, choice, takes_any)
    fixed = dict(choice)
    for a in plain:
        name = a["name"]
        if name in fixed:
            continue
        if name in given:
            fixed[name] = f"={name}"
        elif name == "reduction":
            fixed[name] = '"none"'
        elif name in NAMESPACES:
            fixed[name] = "namespace"
        elif name in TARGETS:
            fixed[name] = "zero"
        elif name in PREDICTIONS:
            fixed[name] = "x"
        elif name in ours and a is not plain[0]:
            fixed[name] = f"={name}"
    left = [name for name in given if name not in fixed]
    free = [a["name"] for a in plain if a["name"] not in fixed and a["required"]]
    optional = [a["name"] for a in plain if a["name"] not in fixed and not a["required"]]
    assignments = [*_assigned(free, left, optional, "x" in fixed.values())]
    if takes_any and len(free) == 1:
        assignments.insert(0, {free[0]: "x"})
    for assigned in assignments:
        roles = {**fixed, **assigned}
        used = {r[1:] for r in roles.values() if r.startswith("=")}
        rest = [name for name in left if name not in used]
        if rest and not takes_any:
            continue
        for extra in _extra(rest, ours):
            call = _ordered(plain, {**roles, **extra}, library)
            yield call
            if "zero" in call.positional or "zero" in call.named.values():
                swap = {"x": "zero", "zero": "x"}
                yield replace(
                    call,
                    positional=tuple(swap.get(r, r) for r in call.positional),
                    named={k: swap.get(r, r) for k, r in call.named.items()},
                )
            elif "x" in call.positional:
                squared = tuple("square" if r == "x" else r for r in call.positional)
                yield replace(call, positional=squared)


def _assigned(
    free: Sequence[str], left: Sequence[str], optional: Sequence[str], has_x: bool
) -> Iterator[dict[str, str]]:
    """Roles for arguments whose names say nothing: residual, target, what is left of --set."""
    parameters = [f"={name}" for name in left]
    first = [] if has_x else ["x"]
    for roles in ([*first, *parameters], [*parameters, *first], [*first, "zero", *parameters]):
        if len(roles) == len(free):
            yield dict(zip(free, roles, strict=True))
        elif len(roles) > len(free) and len(roles) - len(free) <= len(optional):
            yield dict(zip([*free, *optional], roles, strict=False))
    if len(free) > len(first) + len(parameters):
        roles = [*first, *(f"={name}" for name in free[len(first) :])]
        yield dict(zip(free, roles, strict=True))
    elif not free and not has_x and optional:
        yield {optional[0]: "x"}


def _extra(rest: Sequence[str], ours: Sequence[str]) -> Iterator[dict[str, str]]:
    """Parameters that only a function with ** takes: under their own names, or under ours."""
    yield {name: f"={name}" for name in rest}
    if rest and len(rest) <= len(ours):
        yield {mine: f"={name}" for mine, name in zip(ours, rest, strict=False)}
        backwards = zip(reversed(ours), reversed(rest), strict=False)
        yield {mine: f"={name}" for mine, name in backwards}


def _ordered(plain: Sequence[Mapping[str, Any]], roles: Mapping[str, str], library: str) -> Call:
    positional, named = [], dict(roles)
    for a in plain:
        if a["kind"] == "KEYWORD_ONLY" or a["name"] not in named:
            break
        positional.append(named.pop(a["name"]))
    return Call(library, tuple(positional), named)


def _unnamed(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], library: str
) -> Iterator[Call]:
    """A function that does not say what its arguments are called."""
    count = told.get("ufunc")
    parameters = [f"={name}" for name in (given or ours)]
    if count is not None:
        parameters = parameters[: count - 1]
    for roles in (("x", *parameters), (*parameters, "x"), ("x", "zero", *parameters)):
        if count is None or len(roles) == count:
            yield Call(library, roles)
