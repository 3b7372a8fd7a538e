"""Definition, derivatives, weight and limits of a loss, as displays."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Piecewise, Symbol, nan, oo, sign, zoo

from derive.calculus.derivation import Limit
from derive.views.latex.entry import Display, aligned
from derive.views.latex.layout import LINE, Statement
from derive.views.latex.voice import GAP, WIDE, Voice
from derive.views.latex.width import width

# Within a block the page does not break, between blocks there is some space.
BREAK, SPACE = " \\\\*\n", " \\\\[1ex]\n"
NOT_FOUND = Symbol("no limit found")


def definition(voice: Voice, lead: str) -> Display:
    """The loss and its named sub-expressions, on one line where they fit."""
    loss = voice.loss
    statements = [
        Statement(voice.call("loss"), loss.loss),
        *(Statement(voice.letter(name), name.definition) for name in loss.where),
    ]
    rows = voice.layout.rows(statements)
    joined = GAP.join([rows[0], *(row.replace("&=", "=", 1) for row in rows[1:])])
    fits = len(rows) == len(statements) and width(joined) <= LINE
    return aligned(lead, [joined] if fits else rows)


def derivatives(voice: Voice) -> Display:
    """First derivatives, the second one in the residual, the weight and its value at 0."""
    if voice.loss.predictions:
        return _in_the_roles(voice)
    pretty, x = voice.derivation.pretty, voice.loss.residual
    psi, w = voice.special("d_x"), voice.special("weight")
    statements = [
        Statement(f"{psi} = {voice.partial(x.name)}", pretty[f"d_{x.name}"]),
        *(Statement(voice.partial(p.name), pretty[f"d_{p.name}"]) for p in voice.loss.parameters),
        Statement(voice.partial(x.name, 2), pretty[f"d2_{x.name}"]),
        Statement(rf"{w} = \frac{{{psi}}}{{{voice.letter(x)}}}", pretty["weight"]),
    ]
    at_zero = voice.derivation.weight_at_zero
    told = _at_zero(voice, at_zero)
    weight = width(statements[-1].left + voice.printer.show(pretty["weight"])) + width(told)
    if weight <= LINE - 4:
        last = statements.pop()
        gap = WIDE if last.right.has(Piecewise) else GAP
        statements.append(Statement(last.left, last.right, note=gap + told))
    elif at_zero not in (oo, -oo, zoo):
        statements.append(Statement(f"{w}(0)", voice.tidied(at_zero)))
    rows = voice.layout.rows(statements)
    return aligned(r"\paragraph{Derivatives and weight.}", rows)


def _in_the_roles(voice: Voice) -> Display:
    """First derivatives, and the second ones in each prediction."""
    pretty, loss = voice.derivation.pretty, voice.loss
    statements = [
        Statement(voice.partial(v.name), pretty[f"d_{v.name}"])
        for v in loss.variables
        if f"d_{v.name}" in pretty
    ]
    statements += [
        Statement(voice.partial(v.name, 2), pretty[f"d2_{v.name}"]) for v in loss.predictions
    ]
    return aligned(r"\paragraph{Derivatives.}", voice.layout.rows(statements))


def _at_zero(voice: Voice, value: Expr) -> str:
    w = voice.special("weight")
    if value in (oo, -oo):
        return rf"{w}(0) = {infinite(voice, value)}"
    if value == zoo:
        return rf"\text{{no limit of }} {w} \text{{ at }} 0"
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
    return [Display(r"\paragraph{Limits.}", "alignat*", "{2}", tuple(closed))]


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
