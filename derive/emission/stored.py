"""log Z of Barron's loss from stored numbers, as source text for NumPy and for PyTorch."""

from __future__ import annotations

import textwrap

from derive.calculus.partition.form import LARGE, SQUEEZE, PartitionForm

WIDTH = 96

# Step by step what calculus.partition.form.evaluate does; a test compares them bit for bit.
_SOURCE = '''# log Z at scale 1 over alpha in [0, inf], as numbers: see _log_z.
_STARTS = {starts}
_LOGARITHMIC = {logarithmic}
_MIDDLES = {middles}
_RATES = {rates}
_VALUES = {values}
_POLYNOMIALS = {polynomials}
_CENTRE = {centre}
_CENTRE_VALUE = {centre_value}
_BELOW = {below}
_ABOVE = {above}


def _log_z(alpha, order):
    """log Z at scale 1 (order 0), or its first or second derivative in alpha.

    Next to 2 the part that is singular there is written out: with l = 2/alpha - 1, m = |l| and
    w = m^(1/alpha), log Z = -l/2 log m + m + a polynomial in l and w. Elsewhere it is a polynomial
    in alpha/(alpha + 1/8) (alpha < 1/8) or in log(|alpha - 2|/alpha). The numbers come from
    enclosures of the integral. At 2 the first derivative is -inf; the second has no limit.
    """
    alpha = {as_floats}
    low, high = _CENTRE
    near = (alpha >= low) & (alpha < high)
    away = _log_z_away({np}.where(near, 1.0, alpha), order)
    if {nowhere}:
        return away
    return {np}.where(near, _log_z_near({np}.where(near, alpha, low))[order], away)


def _log_z_away(alpha, order):
    """The polynomial pieces."""
    index = {search}
    pick = lambda table: {picked}
    logarithmic = pick(_LOGARITHMIC) > 0
    safe = {np}.where(logarithmic, alpha, 1.0)
    ratio = {np}.where(safe < {large}, {np}.abs(safe - 2.0) / {least}, 1.0 - 2.0 / safe)
    small = {np}.where(logarithmic, 0.0, alpha) + {squeeze}
    v = {np}.where(logarithmic, {np}.log(ratio), alpha / small)
    rate = pick(_RATES)
    z = (v - pick(_MIDDLES)) * rate
    rows = pick(_POLYNOMIALS)
    jet = [{np}.zeros_like(z) for _ in range(order + 1)]
    for k in range(rows.shape[-1] - 1, -1, -1):
        for i in range(order, 0, -1):
            jet[i] = jet[i] * z + jet[i - 1]
        jet[0] = jet[0] * z + rows[..., k]
    if order == 0:
        return pick(_VALUES) + jet[0]
    v1 = {np}.where(logarithmic, 2.0 / safe / (safe - 2.0), {squeeze} / (small * small))
    if order == 1:
        return jet[1] * rate * v1
    v2 = -v1 * {np}.where(logarithmic, 1.0 / safe + 1.0 / (safe - 2.0), 2.0 / small)
    return 2.0 * jet[2] * (rate * v1) ** 2 + jet[1] * rate * v2


def _log_z_near(alpha):
    """The piece around 2: log Z and its two derivatives."""
    ell = (2.0 - alpha) / alpha
    m = {np}.abs(ell)
    at_two = m == 0
    sign = {np}.sign(ell)
    log_m = {np}.log({np}.where(at_two, 1.0, m))
    power = {np}.exp(ell * log_m)
    w = {np}.sqrt(m * power)
    grown = ell * (log_m + 1.0)
    q1 = sign * power * (1.0 + grown)
    q2 = sign * power * ((log_m + 1.0) * (1.0 + grown) + log_m + 2.0)
    w_safe = {np}.where(at_two, 1.0, w)
    w1 = q1 / (2.0 * w_safe)
    w2 = (q2 - 2.0 * w1 * w1) / (2.0 * w_safe)
    # The polynomial g and its derivatives: by Horner in w, over rows that are polynomials in l.
    rows = {sides}
    g = g_w = g_ww = g_l = g_lw = g_ll = {np}.zeros_like(ell)
    for j in range(rows.shape[-2] - 1, -1, -1):
        r = r1 = r2 = {np}.zeros_like(ell)
        for k in range(rows.shape[-1] - 1, -1, -1):
            r2 = r2 * ell + r1
            r1 = r1 * ell + r
            r = r * ell + rows[..., j, k]
        g_ww = g_ww * w + g_w
        g_w = g_w * w + g
        g = g * w + r
        g_lw = g_lw * w + g_l
        g_l = g_l * w + r1
        g_ll = g_ll * w + 2.0 * r2
    value, rest = _CENTRE_VALUE
    value = value + (rest + (g + m - 0.5 * ell * log_m))
    slope = g_l + g_w * w1 + (sign - 0.5 * (log_m + 1.0))
    bend = g_ll + 2.0 * g_lw * w1 + 2.0 * g_ww * w1 * w1 + g_w * w2
    bend = bend - 0.5 / {np}.where(at_two, 1.0, ell)
    ell1 = -2.0 / (alpha * alpha)
    first = {np}.where(at_two, -{inf}, slope * ell1)
    second = {np}.where(at_two, {nan}, bend * ell1 * ell1 - slope * (2.0 * ell1 / alpha))
    return value, first, second'''

_NUMPY = {
    "np": "np",
    "inf": "np.inf",
    "nan": "np.nan",
    "as_floats": "np.asarray(alpha, dtype=np.float64)",
    "nowhere": "not np.any(near)",
    "search": 'np.searchsorted(_STARTS, alpha, side="right")',
    "picked": "np.array(table)[index]",
    "least": f"np.minimum(safe, {LARGE})",
    "sides": "np.where(np.asarray(ell > 0)[..., None, None], np.array(_BELOW), np.array(_ABOVE))",
}
_TORCH = {
    "np": "torch",
    "inf": "math.inf",
    "nan": "math.nan",
    "as_floats": "torch.as_tensor(alpha, dtype=torch.float64)",
    "nowhere": "not torch.compiler.is_compiling() and not _holds(near)",
    "search": "torch.bucketize(alpha, _table(_STARTS, alpha), right=True)",
    "picked": "_rows(table, index)",
    "least": f"safe.clamp(max={LARGE})",
    "sides": "torch.where((ell > 0)[..., None, None], _table(_BELOW, ell), _table(_ABOVE, ell))",
}


_TABLE = '''


def _table(numbers, like):
    """Numbers as a tensor beside another one."""
    return torch.tensor(numbers, dtype=torch.float64, device=like.device)


def _rows(numbers, index):
    """The rows of a table at an index of any shape."""
    table = _table(numbers, index)
    flat = table.index_select(0, index.reshape(-1))
    return flat.reshape(index.shape + table.shape[1:])'''


def source(form: PartitionForm, target: str) -> str:
    """The functions behind the operation `log_z`, with the numbers that they need."""
    pieces, centre = form.pieces, form.centre
    longest = max(len(piece.coefficients) for piece in pieces)
    widest = max(len(row) for row in centre.below)
    rows = [
        (piece.rest, *piece.coefficients, *(0.0,) * (longest - len(piece.coefficients)))
        for piece in pieces
    ]
    text = _SOURCE if target == "numpy" else _SOURCE + _TABLE
    return text.format(
        starts=_row(tuple(piece.start for piece in pieces[1:])),
        logarithmic=_row(tuple(float(piece.variable == "log_ratio") for piece in pieces)),
        middles=_row(tuple(piece.middle for piece in pieces)),
        rates=_row(tuple(piece.rate for piece in pieces)),
        values=_row(tuple(piece.value for piece in pieces)),
        polynomials=_rows(rows),
        centre=_row((centre.start, centre.stop)),
        centre_value=_row((centre.value, centre.rest)),
        below=_rows([(*row, *(0.0,) * (widest - len(row))) for row in centre.below]),
        above=_rows([(*row, *(0.0,) * (widest - len(row))) for row in centre.above]),
        large=LARGE,
        squeeze=SQUEEZE,
        **(_NUMPY if target == "numpy" else _TORCH),
    )


def _row(numbers: tuple[float, ...], indent: int = 0) -> str:
    flat = f"({', '.join(map(repr, numbers))})"
    if len(flat) + indent < WIDTH - 20:
        return flat
    pad = " " * (indent + 4)
    lines = textwrap.wrap(", ".join(map(repr, numbers)), WIDTH - indent - 4)
    body = "\n".join(f"{pad}{line}" for line in lines)
    return f"(\n{body},\n{' ' * indent})"


def _rows(rows: list[tuple[float, ...]]) -> str:
    body = "\n".join(f"    {_row(row, 4)}," for row in rows)
    return f"(\n{body}\n)"
