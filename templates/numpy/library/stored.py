def _stored(p: Any, order: int) -> Any:
    """The stored function of p, or its first or second derivative.

    Polynomials in p/(p + _SQUEEZE) or in log(|p - _CENTRE|/p). Next to the centre, where it is
    singular: with l = _CENTRE/p - 1, m = |l| and w = m^((1 + l)/2), m - l/2 log m + a polynomial
    in l and w.
    """
    p = np.asarray(p, dtype=np.float64)
    found = np.full(p.shape, np.nan)
    for start, stop, logarithmic, middle, rate, value, polynomial in _PIECES:
        here = (p >= start) & (p < stop) | (p == stop == np.inf)
        if not here.any():
            continue
        q = p[here]
        small, large = q + _SQUEEZE, 2 * _CENTRE
        v, v1, v2 = q / small, _SQUEEZE / (small * small), 2.0 / small
        if logarithmic:
            near = np.abs(q - _CENTRE) / np.minimum(q, large)
            v = np.log(np.where(q < large, near, 1.0 - _CENTRE / q))
            v1, v2 = _CENTRE / q / (q - _CENTRE), 1.0 / q + 1.0 / (q - _CENTRE)
        z = (v - middle) * rate
        f, f1, f2 = np.zeros_like(z), np.zeros_like(z), np.zeros_like(z)
        for c in reversed(polynomial):
            f2, f1, f = f2 * z + f1, f1 * z + f, f * z + c
        f1 = f1 * rate
        second = 2.0 * f2 * (rate * v1) ** 2 + f1 * (-v1 * v2)
        found[here] = (value + f, f1 * v1, second)[order]
    start, stop, value, rest = _SINGULAR
    here = (p >= start) & (p < stop)
    if here.any():
        found[here] = _stored_next_to_centre(p[here], value, rest)[order]
    return found[()]


def _stored_next_to_centre(p: Any, value: float, rest: float) -> tuple[Any, Any, Any]:
    """The piece around the centre, where the slope is -inf; with both derivatives."""
    l = (_CENTRE - p) / p
    at, sign = l == 0, np.where(l > 0, 1.0, -1.0)
    m = np.abs(l)
    log_m = np.log(np.where(at, 1.0, m))
    power, grown = np.exp(l * log_m), l * (log_m + 1.0)
    w = np.sqrt(m * power)
    q1 = sign * power * (1.0 + grown)
    q2 = sign * power * ((log_m + 1.0) * (1.0 + grown) + log_m + 2.0)
    w1 = q1 / (2.0 * np.where(at, 1.0, w))
    w2 = (q2 - 2.0 * w1 * w1) / (2.0 * np.where(at, 1.0, w))
    g = g_w = g_ww = g_l = g_lw = g_ll = np.zeros_like(l)
    for low, high in zip(reversed(_BELOW), reversed(_ABOVE), strict=True):
        r = r1 = r2 = np.zeros_like(l)
        for one, other in zip(reversed(low), reversed(high), strict=True):
            r2, r1, r = r2 * l + r1, r1 * l + r, r * l + np.where(l > 0, one, other)
        g_ww, g_w, g = g_ww * w + g_w, g_w * w + g, g * w + r
        g_lw, g_l, g_ll = g_lw * w + g_l, g_l * w + r1, g_ll * w + 2.0 * r2
    slope = g_l + g_w * w1 + (sign - 0.5 * (log_m + 1.0))
    bend = g_ll + 2.0 * g_lw * w1 + 2.0 * g_ww * w1 * w1 + g_w * w2 - 0.5 / np.where(at, 1.0, l)
    l1 = -_CENTRE / (p * p)
    return (
        value + (rest + (g + m - 0.5 * l * log_m)),
        np.where(at, -np.inf, slope * l1),
        np.where(at, np.nan, bend * l1 * l1 - slope * (2.0 * l1 / p)),
    )
