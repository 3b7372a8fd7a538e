"""Definition, derivatives, weight and limits of a loss, as displays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr, Piecewise, Symbol, nan, oo, sign, zoo

from derive.calculus.derivation import Limit
from derive.definitions.quantity import Quantity
from derive.views.latex.entry import Display, aligned
from derive.views.latex.layout import Statement
from derive.views.latex.voice import GAP, WIDE, Voice
from derive.views.latex.width import width

# Within a block the page does not break, between blocks there is some space.
BREAK, SPACE = " \\\\*\n", " \\\\[1ex]\n"
NOT_FOUND = Symbol("no limit found")


def definition(voice: Voice, lead: str) -> Display:
    """The loss and its named sub-expressions, on one line where they fit."""
    loss = voice.loss
    statements = [
        Statement(voice.call("loss"), loss.loss, name="loss"),
        *(Statement(voice.letter(name), name.definition, name=name.name) for name in loss.where),
    ]
    rows = voice.layout.rows(statements)
    joined = GAP.join([rows[0], *(row.replace("&=", "=", 1) for row in rows[1:])])
    fits = len(rows) == len(statements) and width(joined) <= voice.layout.line
    numbered = voice.wanted.numbered
    return aligned(lead, [joined] if fits and not numbered else rows, voice.environment)


def derivatives(voice: Voice) -> Display:
    """First derivatives, the second one in the residual, the weight and its value at 0."""
    if voice.loss.predictions:
        return _in_the_roles(voice)
    readable, x = voice.readable, voice.loss.residual
    psi, w = voice.special("d_x"), voice.special("weight")
    left = {f"d_{x.name}": f"{psi} = {voice.partial(x.name)}"}
    left |= {f"d_{p.name}": voice.partial(p.name) for p in voice.loss.parameters}
    left |= {f"d2_{x.name}": voice.partial(x.name, 2)}
    statements = [Statement(sign, readable[name], name=name) for name, sign in left.items()]
    weight = Statement(
        rf"{w} = \frac{{{psi}}}{{{voice.letter(x)}}}", readable["weight"], name="weight"
    )
    at_zero = voice.derivation.weight_at_zero
    told = _at_zero(voice, at_zero)
    total = width(weight.left + voice.printer.show(weight.right)) + width(told)
    if told and total <= voice.layout.line - 4:
        gap = WIDE if weight.right.has(Piecewise) else GAP
        statements.append(replace(weight, note=gap + told))
    else:
        statements.append(weight)
        if at_zero not in (oo, -oo, zoo, nan):
            statements.append(Statement(f"{w}(0)", voice.tidied(at_zero)))
    rows = voice.layout.rows(statements)
    return aligned(
        r"\par\smallskip\noindent\textbf{Derivatives and weight.}", rows, voice.environment
    )


def _in_the_roles(voice: Voice) -> Display:
    """First derivatives, and the second ones in each prediction."""
    readable, loss = voice.readable, voice.loss
    statements = [
        Statement(voice.partial(v.name), readable[f"d_{v.name}"], name=f"d_{v.name}")
        for v in loss.variables
        if f"d_{v.name}" in readable
    ]
    statements += [
        Statement(voice.partial(v.name, 2), readable[f"d2_{v.name}"], name=f"d2_{v.name}")
        for v in loss.predictions
    ]
    rows = voice.layout.rows(statements)
    return aligned(r"\par\smallskip\noindent\textbf{Derivatives.}", rows, voice.environment)


def second_derivatives(voice: Voice) -> list[Display]:
    """Those in parameters, and the mixed ones."""
    x = voice.loss.residual
    told = {f"d2_{v.name}" for v in (voice.loss.predictions or (x,))}
    wanted = [name for name in voice.readable if is_second(name) and name not in told]
    if not wanted:
        return []
    statements = [
        Statement(second(voice, name), voice.readable[name], name=name) for name in wanted
    ]
    rows = voice.layout.rows(statements)
    return [
        aligned(r"\par\smallskip\noindent\textbf{Second derivatives.}", rows, voice.environment)
    ]


def is_second(name: str) -> bool:
    return isinstance(name, Quantity) and len(name.by) == 2


def second(voice: Voice, name: str) -> str:
    """The left side of a second derivative."""
    assert isinstance(name, Quantity)
    one, other = name.by
    return voice.partial(one.name, 2) if one == other else voice.mixed(name.by)


def chosen(voice: Voice) -> Display:
    """The quantities that were asked for, and nothing else."""
    loss, left = voice.loss, {"loss": voice.call("loss"), "weight": voice.special("weight")}
    statements = []
    for name, value in voice.readable.items():
        if name not in voice.wanted.quantities:
            continue
        if is_second(name):
            sign = second(voice, name)
        else:
            sign = left.get(name) or voice.partial(name.removeprefix("d_"))
        statements.append(Statement(sign, value, name=name))
    used = {n for s in statements for n in s.right.free_symbols}
    for name in loss.where:
        if name in used:
            statements.append(Statement(voice.letter(name), name.definition, name=name.name))
    return aligned("", voice.layout.rows(statements), voice.environment)


def _at_zero(voice: Voice, value: Expr) -> str:
    w = voice.special("weight")
    if value in (oo, -oo):
        return rf"{w}(0) = {infinite(voice, value)}"
    if value == zoo:
        return rf"\text{{no limit of }} {w} \text{{ at }} 0"
    if value is nan:
        return ""
    return f"{w}(0) = {voice.printer.show(voice.tidied(value))}"


def limits(voice: Voice) -> list[Display]:
    """The limits of the loss and of its first derivatives, point by point."""
    wanted = ["loss", *(f"d_{v.name}" for v in voice.loss.variables)]
    groups: dict[tuple[Symbol, Expr, str], list[Limit]] = {}
    for limit in voice.derivation.limits:
        if limit.quantity in wanted:
            groups.setdefault((limit.variable, limit.point, limit.direction), []).append(limit)
    labels = {
        key: rf"{voice.letter(key[0])} &\to {_point(voice, key[1], key[2])}" for key in groups
    }
    before = max(map(width, labels.values()), default=0.0)
    blocks: list[list[str]] = []
    for key, found in groups.items():
        found.sort(key=lambda limit: wanted.index(limit.quantity))
        block = _block(voice, found, before)
        rows = [rf"{labels[key]} &\quad {block[0]}", *(rf"&&\quad {row}" for row in block[1:])]
        blocks.append(rows)
    if not blocks:
        return []
    # A row ends in a line break, the last one of a block in a larger one.
    closed = SPACE.join(BREAK.join(rows) for rows in blocks).split("\n")
    return [Display(r"\par\smallskip\noindent\textbf{Limits.}", "alignat*", "{2}", tuple(closed))]


def _point(voice: Voice, point: Expr, direction: str) -> str:
    if point in (oo, -oo):
        return infinite(voice, point)
    side = {"+": "^{+}", "-": "^{-}"}.get(direction, "")
    body = voice.printer.inline(point)
    simple = not side or (point.is_Integer and point >= 0)
    return body + side if simple else f"({body}){side}"


def _block(voice: Voice, found: Sequence[Limit], before: float) -> list[str]:
    statements = []
    for limit in found:
        left, value, growth = voice.quantity(limit.quantity), limit.value, limit.growth
        if value is nan:
            voice.layout.symbols[NOT_FOUND.name] = r"\text{no limit found}"
            statements.append(Statement(left, NOT_FOUND, r"\colon"))
        elif growth is not None:
            relation = rf"\to {infinite(voice, value)} \text{{ like }}"
            statements.append(Statement(left, voice.tidied(growth), relation))
        else:
            statements.append(Statement(left, voice.tidied(value), r"\to"))
    return voice.layout.rows(statements, before)


def infinite(voice: Voice, value: Expr) -> str:
    """An infinite value with its sign."""
    if value in (oo, -oo):
        return r"+\infty" if value == oo else r"-\infty"
    factors = [f for f in value.args if f not in (oo, -oo)] if value.is_Mul else []
    if len(factors) == 1 and isinstance(factors[0], sign):
        minus = "-" if -oo in value.args else ""
        return rf"{minus}\infty \cdot {voice.printer.inline(factors[0])}"
    return r"\pm\infty"
