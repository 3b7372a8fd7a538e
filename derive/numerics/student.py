"""Student's loss (n + 1)/2 log(1 + y^2/n), y = x/c, and its derivatives, without a lost digit.

With w = y^2/n, F = 1/(1 + w), S = w F and P = (n + 1) S:

    d_x = P/x        weight = P/x^2        d2_x = weight (1 - w) F      d_c = -P/c
    d_n = (E - S/n)/2, E = log(1 + w) - S               d2_n = S (2 - P)/(2 n^2)
    d2_x_n = y (y^2 - 1) (F/n)^2/c                      d2_n_c = -y d2_x_n
    d2_x_c = -2 d_x F/c                                 d2_c = P (1 + 2 F)/c^2

Each is a product of factors that stay in range, and has a form of its own far out, where w leaves
the range or F would.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, log

from derive.definitions.loss import Loss
from derive.numerics import family, powerlaw
from derive.numerics.helpers import log1prel, log_excess
from derive.numerics.nodes import Local, Name, Node, absolute, call, node, patch, where


@dataclass(frozen=True)
class Letters:
    """The names of Student's loss in a definition."""

    x: str
    n: str
    c: str


def match(loss: Loss) -> Letters | None:
    """Student's letters in this loss, or None if it is another one."""
    if len(loss.parameters) != 2 or not loss.expression.has(log):
        return None
    for n, c in (loss.parameters, loss.parameters[::-1]):
        if c.is_positive and family.equal(loss, definition(loss, n, c)):
            return Letters(loss.residual.name, n.name, c.name)
    return None


def definition(loss: Loss, n: Expr, c: Expr) -> Expr:
    return (n + 1) / 2 * log(1 + (loss.residual / c) ** 2 / n)


def quadratic(letters: Letters) -> dict[str, Node]:
    """Every quantity at n = inf."""
    n = letters.n
    fixed = powerlaw.quantities(
        family.factors("2"), powerlaw.Letters(letters.x, None, letters.c)
    )
    names = (f"d_{n}", f"d2_{n}", f"d2_{letters.x}_{n}", f"d2_{n}_{letters.c}")
    return fixed | {name: node(0) for name in names}


def quantities(letters: Letters) -> dict[str, Node]:
    """Every quantity for finite n."""
    x, n, c = Name(letters.x), Name(letters.n), Name(letters.c)
    y = Local("y", x / c)
    size, u = absolute(y), Local("u", y * y)
    outside = Local("outside", call("or", call("huge", y) < u, u * call("huge", y) < 1))
    # Where y or its square leaves the range, y/n and w need not.
    wide = call("lt", 1, c)
    tiny = call("and", size * call("huge", y) < 1, call("and", n < 1, wide))
    z = Local("z", patch(tiny, x / n / c, y / n))
    root = Local("root", z * call("sqrt", n))
    w = Local("w", patch(outside, root * root, u / n))
    far = Local("is_far", call("huge", y) < w)

    def either(far_out: Node, usual: Node) -> Node:
        return patch(far, far_out, usual)

    fade = Local("fade", 1 / (1 + w))
    log_w = 2 * call("log", size) - call("log", n)
    near_weight = Local("near_weight", patch(outside, (1 + 1 / n) * fade, (n + 1) / (n + u)))
    near_slope = Local("near_slope", patch(outside, (y + z) * fade, y * near_weight))
    faint = patch(w * call("huge", y) < 1, 1, log1prel(w))
    faint_z = call("and", absolute(z) * call("huge", y) < 1, call("lt", 1, n))
    pull = Local("pull", patch(faint_z, y / c / n, z * fade / c))
    rise, fall = Local("rise", (size + 1) * (z * fade)), Local("fall", (size - 1) / n * fade)
    steep = (size + 1) * pull * fall
    # 2 - P, exact where both are near 2.
    rest = where(w < 1, 2 - near_slope * y, 1 - n + (n + 1) * fade)
    excess = either(log_w - 1, log_excess(w)) - either(1 / n, z * fade * z)
    return {
        "loss": where(
            w < 1, (y + z) / 2 * faint * y, (n + 1) / 2 * either(log_w, call("log1p", w))
        ),
        f"d_{x.name}": either((n + 1) / x, near_slope / c),
        f"d_{n.name}": excess / 2,
        f"d_{c.name}": -either((n + 1) / c, near_slope / c * y),
        "weight": either((n + 1) / x / x, near_weight / c / c),
        f"d2_{x.name}": either(-((n + 1) / x / x), near_weight / c * ((1 - w) * fade) / c),
        f"d2_{x.name}_{n.name}": either(1 / x, where(wide, rise * (fall / c), steep)),
        f"d2_{x.name}_{c.name}": either(
            -2 * ((n + 1) / x / y) * (n / y / c), -2 * (near_slope / c) * (fade / c)
        ),
        f"d2_{n.name}": either((1 - n) / 2 / n / n, z * fade * (rest / 2) / n * z),
        f"d2_{n.name}_{c.name}": -either(
            1 / c, where(wide, rise * ((size - 1) * (z * fade)) / c, rise * ((size - 1) * pull))
        ),
        f"d2_{c.name}": either((n + 1) / c / c, near_slope / c * (y / c) * (1 + 2 * fade)),
    }
