"""log Z of Barron's loss: the enclosures against closed forms, the stored form against them."""

import json
from contextlib import contextmanager
from math import inf, nextafter, ulp

import mpmath
import numpy as np
import pytest
from flint import arb, ctx, fmpq

from derive.errors import EnvironmentTrouble
from tools.partition import evaluate, fit, form, load, measure, rigorous

VALUE_ULP, SLOPE, CURVATURE = 1.0, 5e-15, 5e-13


def silent(line: str) -> None:
    del line


def meijer(alpha: fmpq) -> mpmath.mpf:
    """Z(2/k) and Z(2k) for k = 2, 3, ... as Meijer G functions (Mellin-Barnes)."""
    exact = mpmath.mpf(int(alpha.p)) / int(alpha.q)
    b, ratio = abs(exact - 2), abs(exact - 2) / exact
    front = mpmath.sqrt(mpmath.pi * b) * mpmath.exp(ratio)
    if exact < 2:
        k = int(2 / alpha)
        lower = [-mpmath.mpf(1) / 2, *(mpmath.mpf(j) / k for j in range(1, k))]
        front *= mpmath.sqrt(k) * (2 * mpmath.pi) ** (mpmath.mpf(1 - k) / 2)
        return front * mpmath.meijerg([[], []], [lower, []], (ratio / k) ** k)
    k = int(alpha / 2)
    upper = [mpmath.mpf(j) / k for j in range(1, k)]
    lower = [(j - mpmath.mpf(1) / 2) / k for j in range(k)]
    return front / mpmath.sqrt(k) * mpmath.meijerg([[], upper], [lower, []], ratio)


@contextmanager
def working(bits: int):
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def agrees(enclosure: arb, value: mpmath.mpf, digits: int) -> bool:
    """Whether an mpmath value lies in a narrow enclosure, but for its own error."""
    with working(200):
        narrow = enclosure.rad() < arb(10) ** -digits
        return narrow and abs(enclosure - arb(mpmath.nstr(value, 45))) < arb(10) ** -digits


@pytest.mark.parametrize("alpha", [fmpq(2, 5), fmpq(1, 2), fmpq(2, 3), fmpq(1), fmpq(4), fmpq(6)])
def test_enclosures_contain_the_meijer_forms(alpha):
    with mpmath.workdps(45):
        assert agrees(rigorous.log_partition(alpha, 0)[0], mpmath.log(meijer(alpha)), 25)


def test_enclosures_contain_the_closed_forms():
    with mpmath.workdps(40):
        closed = {
            0.0: mpmath.pi * mpmath.sqrt(2),
            1.0: 2 * mpmath.e * mpmath.besselk(1, 1),
            2.0: mpmath.sqrt(2 * mpmath.pi),
            4.0: mpmath.exp(0.25) * mpmath.besselk(0.25, 0.25),
        }
        for alpha, value in closed.items():
            assert agrees(rigorous.log_partition(alpha, 0)[0], mpmath.log(value), 30)


@pytest.mark.parametrize("alpha", [0.7, 1.83, 1.9997, 2.0003, 2.3, 3.7, 5.1])
def test_enclosures_contain_the_convergent_series(alpha):
    """The Mellin-Barnes series that `form` states, summed as it stands."""
    with mpmath.workdps(60):
        ell = 2 / mpmath.mpf(alpha) - 1
        m, half = abs(ell), mpmath.mpf(1) / 2
        q = m ** (2 / mpmath.mpf(alpha))

        def g(j):
            return mpmath.gammaprod([(half - j) * (1 + ell)], [half - j])

        def h(n):
            y = n / (1 + ell)
            return mpmath.gammaprod([-y - half], [-y]) / (1 + ell)

        total = sum((-q) ** j / mpmath.factorial(j) * g(j) for j in range(60))
        odd = sum((-m) ** n / mpmath.factorial(n) * h(n) for n in range(1, 60))
        front = mpmath.sqrt(2 * mpmath.pi * (1 + ell)) * mpmath.exp(m) * m ** (-ell / 2)
        z = front * (total + mpmath.sqrt(q) * odd)
        assert agrees(rigorous.log_partition(alpha, 0)[0], mpmath.log(z), 25)


@pytest.mark.parametrize("alpha", [0.05, 1.9, 3.0, 100.0, inf])
def test_enclosures_contain_plain_quadrature(alpha):
    def loss(x):
        if alpha == inf:
            return mpmath.expm1(x * x / 2)
        b = abs(mpmath.mpf(alpha) - 2)
        return b / alpha * ((1 + x * x / b) ** (mpmath.mpf(alpha) / 2) - 1)

    ends = [0, 1, 2, 4, 8, 32, 1e3, 1e5, 1e8, mpmath.inf] if alpha < 1 else [0, 1, 2, 4, 8, 40]
    with mpmath.workdps(35):
        total = 2 * mpmath.quad(lambda x: mpmath.exp(-loss(x)), ends)
        assert agrees(rigorous.log_partition(alpha, 0)[0], mpmath.log(total), 18)


@pytest.mark.parametrize("alpha", [0.005, 0.3, 1.0, 1.999, 2.001, 3.0, 40.0, 500.0])
def test_derivatives_of_the_enclosures_are_those_of_the_value(alpha):
    """Central differences of narrow enclosures; the error falls with the square of the step."""
    h = fmpq(1, 2**40)
    with working(200):
        low, at, high = (rigorous.log_partition(arb(alpha) + k * h, 0, 190)[0] for k in (-1, 0, 1))
        slope, bend = (high - low) / (2 * h), (high - 2 * at + low) / (h * h)
        _, first, second = rigorous.log_partition(alpha)
        assert abs(slope - first) < 1e-20 * max(1.0, abs(alpha - 2) ** -3)
        assert abs(bend - second) < 1e-20 * max(1.0, abs(alpha - 2) ** -4)


@pytest.mark.parametrize("alpha", [fmpq(1, 50), fmpq(1, 5)])
def test_two_coordinates_near_zero_agree(alpha):
    with working(130):
        near, middle = (
            rigorous._moments(made(arb(alpha)), 2)
            for made in (rigorous._near_zero, rigorous._middle)
        )
        for one, other in zip(near, middle, strict=True):
            assert one.overlaps(other)
            assert one.rad() < 1e-25


def test_coordinates_meet_where_one_takes_over():
    for point in (rigorous.NEAR_ZERO, rigorous.FAR):
        below, above = (rigorous.log_partition(point + sign * fmpq(1, 10**30)) for sign in (-1, 1))
        with working(130):
            assert all(abs(a - b) < 1e-24 for a, b in zip(below, above, strict=True))


def test_slope_at_two_is_a_quarter_of_a_logarithm_with_eulers_constant():
    """d log Z/d alpha -> (ln(2 b) + gamma)/4: the Gaussian mean of the loss's own expansion."""
    for b in (2.0**-40, 2.0**-50):
        for alpha in (2 - b, 2 + b):
            expected = (np.log(2 * b) + np.euler_gamma) / 4
            assert abs(float(rigorous.log_partition(alpha)[1].mid()) - expected) < 100 * b
            assert evaluate(alpha, 1) == pytest.approx(expected, rel=1e-11)


def test_the_stored_form_stays_within_its_bounds():
    stored = load()
    found = measure.measure(stored, measure.sample(stored, 120, seed=3), silent)
    assert found.points >= 120
    assert found.value_ulp < VALUE_ULP
    assert found.slope_relative < SLOPE
    assert found.curvature_scaled < CURVATURE


@pytest.mark.slow
def test_the_stored_form_stays_within_its_bounds_everywhere():
    stored = load()
    found = measure.measure(stored, measure.sample(stored, 10_000, seed=11), silent)
    assert found.points >= 10_000
    assert found.value_ulp < VALUE_ULP
    assert found.slope_relative < SLOPE
    assert found.curvature_scaled < CURVATURE


def test_recorded_errors_are_within_the_same_bounds():
    recorded = json.loads(form.DATA.read_text())["measured"]
    assert recorded["points"] > 1000
    assert recorded["value_ulp"] < VALUE_ULP
    assert recorded["slope_relative"] < SLOPE
    assert recorded["curvature_scaled"] < CURVATURE


def test_the_measure_sees_a_wrong_coefficient():
    """A last-digit change of one leading coefficient is caught; so the bounds mean something."""
    stored = load()
    third = stored.pieces[3]
    assert third.start < 1.99 < third.stop
    wrong = third.coefficients[0] * (1 + 2.0**-40)
    changed = form.Piece(**{**vars(third), "coefficients": (wrong, *third.coefficients[1:])})
    altered = form.PartitionForm((*stored.pieces[:3], changed, *stored.pieces[4:]), stored.centre)
    assert measure.measure(altered, [1.99], silent).slope_relative > SLOPE
    assert altered.checksum() != stored.checksum()


def test_special_arguments():
    alphas = np.array([2.0, inf, np.nan, -1.0, -inf])
    value, slope, bend = (evaluate(alphas, order) for order in range(3))
    assert value[0] == 0.91893853320467274178  # ln(2 pi)/2
    assert slope[0] == -inf
    assert np.isnan(bend[0])
    assert (value[1], slope[1], bend[1]) == (0.7052602544175697, 0.0, 0.0)
    assert np.isnan([value[2:], slope[2:], bend[2:]]).all()
    assert evaluate(-0.0) == evaluate(0.0)
    assert evaluate(np.full((2, 3), 1.0), 1).shape == (2, 3)
    assert evaluate(1.0).shape == ()


def test_pieces_meet():
    """Values of neighbours agree at a break to the last bits; the slope's are as close."""
    stored = load()
    assert len(stored.breaks) == len(stored.pieces) == 6
    for point in stored.breaks:
        below, above = nextafter(point, 0.0), point
        step = float(evaluate(below, 1)) * (above - below)
        assert abs(evaluate(above) - evaluate(below) - step) <= 1.5 * ulp(float(evaluate(above)))
        assert evaluate(above, 1) == pytest.approx(evaluate(below, 1), rel=1e-12)


def test_log_partition_falls_with_alpha():
    alphas = np.concatenate([np.linspace(0, 4, 4001), np.geomspace(4, 1e12, 500)])
    slope = evaluate(alphas, 1)
    assert (slope < 0).all()
    assert (np.diff(evaluate(alphas)) <= 2.3e-16).all()


def test_the_centre_and_a_piece_are_what_the_fit_computes():
    stored = load()
    assert fit.around_two(stored.centre.start, stored.centre.stop) == stored.centre
    second = stored.pieces[1]
    assert fit.piece(second.start, second.stop) == second


def test_even_powers_are_the_same_on_both_sides_and_odd_ones_are_not():
    centre = load().centre
    assert centre.below[::2] == centre.above[::2]
    assert all(a != b for a, b in zip(centre.below[1::2], centre.above[1::2], strict=True))
    # the linear coefficient of l is (1 + psi(1/2))/2, psi(1/2) = -gamma - 2 ln 2
    assert centre.below[0][1] == pytest.approx((1 - np.euler_gamma - 2 * np.log(2)) / 2, rel=1e-15)


@pytest.mark.slow
def test_the_whole_fit_gives_the_stored_numbers():
    assert fit.fit(silent).checksum() == load().checksum()


def test_an_altered_file_is_refused(tmp_path):
    record = json.loads(form.DATA.read_text())
    record["form"]["pieces"][0]["rest"] = (0.5).hex()
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(record))
    with pytest.raises(EnvironmentTrouble, match="checksum"):
        load(altered)
    record = json.loads(form.DATA.read_text())
    record["form"]["pieces"][0]["variable"] = "log_ratio"
    altered = tmp_path / "renamed.json"
    altered.write_text(json.dumps(record))
    with pytest.raises(EnvironmentTrouble, match="checksum"):
        load(altered)
    altered = tmp_path / "empty.json"
    altered.write_text("{}")
    with pytest.raises(EnvironmentTrouble, match="cannot be read"):
        load(altered)


def test_what_is_written_is_read_back(tmp_path):
    copy = tmp_path / "copy.json"
    form.write(load(), {"command": "none"}, copy)
    assert load(copy) == load()


@pytest.mark.parametrize("alpha", [-1.0, -inf, np.nan])
def test_enclosures_refuse_what_has_no_normalizer(alpha):
    with pytest.raises(ValueError, match="alpha must lie"):
        rigorous.log_partition(alpha)


def test_enclosures_refuse_a_slope_at_two():
    with pytest.raises(ValueError, match="no finite derivative"):
        rigorous.log_partition(2.0)
