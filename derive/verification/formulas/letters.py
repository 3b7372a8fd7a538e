"""Which letter of a text is the residual, a scale or a shape: candidates, the likely ones first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import sympy
from sympy import Expr, S, Symbol, oo

from derive.definitions.loss import Loss
from derive.verification.formulas.matched import MOST, Matched, stem
from derive.verification.formulas.reader import Reading

RESIDUALS = ("x", "r", "e", "z", "t", "u", "a", "y", "d", "v", "epsilon", "xi", "s", "w")
PREDICTIONS = ("f", "h", "p", "m", "g")
TARGETS = ("y", "t", "target", "q")
# The usual letters of a parameter, by its name here; a scale is looked for last.
USUAL: Mapping[str, tuple[str, ...]] = {
    "alpha": ("alpha", "a", "p", "q"), "df": ("nu", "df", "n", "v", "k"),
    "delta": ("delta", "k", "c", "t", "M", "d", "epsilon", "gamma", "tau", "b", "a"),
    "beta": ("beta", "b", "delta", "sigma", "c"),
}  # fmt: skip
SCALES = ("c", "sigma", "scale", "b", "gamma", "s", "epsilon", "delta", "lambda", "k", "tau",
          "cbar", "kappa", "mu", "beta", "theta", "h", "a")  # fmt: skip
OWN = {"alpha": ("alpha",), "df": ("nu", "df"), "scale": ("c", "sigma", "scale")}
CONSTANTS = tuple(map(S, ("1", "-2", "2", "3", "4", "1/2", "1/3", "2/3", "1/4", "3/4")))
MOST_RESIDUALS = 3


def candidates(
    reading: Reading, formula: Expr, loss: Loss, shapes: Sequence[Symbol], has_x: bool,
    mirrored: bool = False,
) -> Iterator[Matched]:  # fmt: skip
    """Ways to read the letters, the likely ones first. mirrored: a letter for the residual may be
    target minus prediction, too."""
    found = itertools.chain.from_iterable(
        _with_shapes(expression, told, loss, shapes, has_x)
        for expression, told in _residuals(reading, formula, loss, has_x, mirrored)
    )
    return itertools.islice(found, MOST)


def _residuals(
    reading: Reading, formula: Expr, loss: Loss, has_x: bool, mirrored: bool
) -> Iterator[tuple[Expr, str]]:
    """(the text with its residual replaced by our x, the residual in its letters)."""
    names = {s.name: s for s in formula.free_symbols}
    x = loss.residual
    euler = formula.xreplace({names["e"]: sympy.E}) if "e" in names else formula
    if not has_x:
        yield euler, ""
        return
    pair = difference(euler) or difference(formula)
    if pair is not None:
        prediction, target = pair
        written = euler if difference(euler) else formula
        gap = written.subs(prediction, target + x, simultaneous=True)
        yield sympy.simplify(gap) if gap.has(target) else gap, f"{prediction} - {target}"
        return
    order = [*reading.arguments, *RESIDUALS, *sorted(names)]
    if not set(RESIDUALS) & set(names) - {"e"}:
        order = ["e", *order]
    if not reading.arguments and "x" in names:
        order = ["x"]
    loss_names = {p.name for p in loss.parameters}
    order = [n for n in order if n not in loss_names] + [n for n in order if n in loss_names]
    order = [n for n in dict.fromkeys(order) if n in names]
    for name in order[:MOST_RESIDUALS]:
        source = formula if name == "e" else euler
        if names[name] in source.free_symbols:
            yield source.xreplace({names[name]: x}), name
            if mirrored and name not in ("e", x.name):
                yield source.subs(names[name], -x), f"-{name}"


def difference(formula: Expr) -> tuple[Symbol, Symbol] | None:
    """(prediction, target) where two letters occur only as their difference."""
    symbols = sorted(formula.free_symbols, key=str)
    for a, b in itertools.combinations(symbols, 2):
        step = sympy.Dummy("step", real=True)
        moved = formula.xreplace({a: b + step})
        moved = moved.replace(lambda e, b=b: e.is_Add and e.has(b), sympy.expand)
        if not moved.has(b):
            return _ordered(a, b)
    return None


def _ordered(a: Symbol, b: Symbol) -> tuple[Symbol, Symbol]:
    for one, other in ((a, b), (b, a)):
        first, base = stem(one.name), stem(other.name)
        if first.endswith(("hat", "tilde")) or (first in PREDICTIONS and base in TARGETS):
            return one, other
    for one, other in ((a, b), (b, a)):
        if stem(other.name) in TARGETS and stem(one.name) not in TARGETS:
            return one, other
    return a, b


def _with_shapes(
    expression: Expr, residual: str, loss: Loss, shapes: Sequence[Symbol], has_x: bool
) -> Iterator[Matched]:
    """Shape parameters matched with letters, or with constants where the text has none."""
    letters = sorted(expression.free_symbols - {loss.residual}, key=lambda s: s.name)
    base = {"x": residual} if has_x else {}
    if not shapes:
        yield _matched(expression, base, {}, letters, True, {})
        return
    own = {p.name for p in loss.parameters}
    ranked = [_ranked([s for s in letters if s.name == p.name or s.name not in own], p)
              for p in shapes]  # fmt: skip
    for chosen in itertools.product(*ranked):
        if len(set(chosen)) < len(shapes):
            continue
        natural = all(_rank(s.name, p) < 50 for s, p in zip(chosen, shapes, strict=True))
        rest = [s for s in letters if s not in chosen]
        moved = expression.xreplace(dict(zip(chosen, shapes, strict=True)))
        told = {p.name: s.name for p, s in zip(shapes, chosen, strict=True)}
        written = {p: s.name for p, s in zip(shapes, chosen, strict=True)}
        yield _matched(moved, {**base, **told}, {p: p for p in shapes}, rest, natural, written)
        for p, s in zip(shapes, chosen, strict=True):
            if s.name not in OWN.get(p.name, (p.name,)):
                for factor in (S(2), S.Half):
                    shape = {**{q: q for q in shapes}, p: factor * p}
                    told = {**told, p.name: f"{factor}*{s.name}"}
                    yield _matched(moved, {**base, **told}, shape, rest, False, written)
    for p in shapes[:1]:
        if len(shapes) == 1 and (not letters or len(letters) == 1):
            for value in (*loss.special.get(p, ()), *CONSTANTS):
                if value not in (oo, -oo) and loss.domain(p).contains(value) == True:  # noqa: E712
                    told = {**base, p.name: str(value)}
                    yield _matched(expression, told, {p: value}, letters, False, {})
    if not all(ranked):  # it has no letter for a shape: it is ours at no value of that
        yield _matched(expression, base, {p: p for p in shapes}, letters, False, {})


def _ranked(letters: Sequence[Symbol], p: Symbol) -> list[Symbol]:
    """Letters that may mean a shape parameter; only its own name where the text has it."""
    own = [s for s in letters if s.name in OWN.get(p.name, (p.name,))]
    return own[:1] or sorted(letters, key=lambda s: _rank(s.name, p))[:3]


def _rank(name: str, parameter: Symbol) -> int:
    """How unlikely it is that a letter means a parameter."""
    plain = stem(name)
    if plain == parameter.name:
        return 0
    usual = USUAL.get(parameter.name, SCALES)
    return 1 + usual.index(plain) if plain in usual else 99


def _matched(
    expression: Expr, told: Mapping[str, str], shapes: Mapping[Symbol, Expr],
    letters: Sequence[Symbol], natural: bool, written: Mapping[Symbol, str],
) -> Matched:  # fmt: skip
    positive = {s: Symbol(s.name, positive=True) for s in letters}
    return Matched(
        expression.xreplace(positive), dict(told), dict(shapes), tuple(positive.values()), natural,
        dict(written),
    )  # fmt: skip


def likely(letters: Sequence[Symbol], parameter: Symbol) -> Symbol | None:
    """The letter that most likely means a parameter."""
    ranked = sorted(letters, key=lambda s: (_rank(s.name, parameter), SCALES.index(s.name)
                                            if s.name in SCALES else 99, s.name))  # fmt: skip
    return ranked[0] if ranked else None
