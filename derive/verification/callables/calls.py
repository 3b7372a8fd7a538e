"""How a function may have to be called: which argument is the residual, which a parameter.

Nobody says so, hence every way that its arguments' names allow is tried, the likeliest first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

TARGETS = {"target", "targets", "y_true", "labels", "label", "true", "y", "truth"}
PREDICTIONS = {"input", "pred", "y_pred", "prediction", "predictions", "raw_prediction", "output"}
PLACES = {"loc", "mu", "mean", "location"}
MOST = 40

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("torch", "kornia", "pypose", "pytorch_lightning"), ("tensors",)),
    **dict.fromkeys(("jax", "jaxopt", "optax", "flax"), ("traced",)),
}
ANY = ("arrays", "floats", "tensors")


@dataclass(frozen=True)
class Call:
    """Roles of arguments: 'x', 'zero' (0*x), 'square' (x*x), '=name' (a parameter), or JSON.

    construct: arguments of the class, None for a plain function. output: which part of a tuple.
    gradient: the derivative in x by the library's own means.
    """

    library: str
    positional: tuple[str, ...]
    named: Mapping[str, str] = field(default_factory=dict)
    construct: tuple[str, ...] | None = None
    construct_named: Mapping[str, str] = field(default_factory=dict)
    output: int | None = None
    gradient: bool = False

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that go in, by their names there."""
        roles = [*self.positional, *self.named.values(), *(self.construct or ())]
        roles += self.construct_named.values()
        return tuple(dict.fromkeys(r[1:] for r in roles if r.startswith("=")))

    def text(self, subject: str, numbers: Mapping[str, float], x: str = "x") -> str:
        """The call as one would type it."""

        def shown(role: str) -> str:
            known = {"x": x, "zero": f"0*{x}", "square": f"{x}**2"}
            return known.get(role) or (repr(numbers[role[1:]]) if role[0] == "=" else role)

        def typed(positional: Sequence[str], named: Mapping[str, str]) -> str:
            return ", ".join(
                [*map(shown, positional), *(f"{k}={shown(r)}" for k, r in named.items())]
            )

        path = subject.partition(":")[2]
        if self.construct is None:
            return f"{path}({typed(self.positional, self.named)})"
        built = typed(self.construct, self.construct_named)
        owner, _, method = path.rpartition(".")
        what = f"{owner}({built}).{method}" if owner else f"{path}({built})"
        return f"{what}({typed(self.positional, self.named)})"


def calls(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], gradient: bool
) -> list[Call]:
    """Ways to call, the likeliest first.

    told: the description by the child. ours: names of our parameters. given: the names in --set.
    gradient: whether a derivative in x is wanted, so that a loss may be differentiated.
    """
    found: dict[str, Call] = {}
    for library in LIBRARIES.get(str(told["library"]), ANY):
        for call in _of(told, ours, given, library):
            found.setdefault(json.dumps(call.as_data(), sort_keys=True), call)
    direct = list(found.values())[:MOST]
    if gradient:
        direct += [replace(c, gradient=True) for c in direct if c.library in ("tensors", "traced")]
    return direct


def _of(
    told: Mapping[str, Any], ours: Sequence[str], given: Sequence[str], library: str
) -> Iterator[Call]:
    of_function = told["function"]
    if told["owner"] is not None:
        constructor = [a for a in told["owner"].get("names", ()) if a["name"] != "self"]
        build, build_named, left = _parameters(constructor, ours, given)
        names = [a for a in of_function.get("names", ()) if a["name"] != "self"]
        for call in _plain({"names": names}, ours, left, library):
            yield replace(call, construct=tuple(build), construct_named=build_named)
    else:
        yield from _plain(of_function, ours, given, library)


def _parameters(
    arguments: Sequence[Mapping[str, Any]], ours: Sequence[str], given: Sequence[str]
) -> tuple[list[str], dict[str, str], list[str]]:
    """Arguments of a constructor: all are parameters. Then what of `given` is left."""
    named = {a["name"]: f"={a['name']}" for a in arguments if a["name"] in given}
    left = [name for name in given if name not in named]
    for a in arguments:
        name = a["name"]
        if name in named or a["kind"].startswith("VAR") or not a["required"]:
            continue
        if name in PLACES:
            named[name] = "0.0"
        elif left:
            named[name] = f"={left.pop(0)}"
        elif name in ours or not given:
            named[name] = f"={name}"
    return [], named, left


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
    fixed: dict[str, str] = {}
    for a in plain:
        name = a["name"]
        if name in given:
            fixed[name] = f"={name}"
        elif name == "reduction":
            fixed[name] = '"none"'
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
