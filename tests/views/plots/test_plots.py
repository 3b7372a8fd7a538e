"""Pictures: what they show, against values by hand; the same bytes every time."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from forms import derived
from sympy import Integer, Interval, Rational, Symbol, oo

from derive.calculus import Derivation, derive
from derive.definitions.catalogue import load
from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.errors import BadInput, EnvironmentTrouble
from derive.views.plots import Wanted, fitting, look, plot, read_over
from derive.views.plots.picture import across
from derive.views.plots.values import (
    Line,
    curve,
    density,
    ends,
    ends_of_density,
    family_values,
    no_density,
    parameters,
)

pytest.importorskip("matplotlib")
LOSSES = ("barron", "huber", "absolute", "welsch", "quadratic")
LOSS_FILES = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def derivations() -> Mapping[str, Derivation]:
    return {name: derived(load(name)) for name in LOSSES}


def own(name: str) -> Derivation:
    return derived(find(str(LOSS_FILES / f"{name}.toml")))


def line(derivation: Derivation, quantity: str, **given: object) -> Line:
    loss = derivation.loss
    values = parameters(derivation, {})
    values |= {p: v for p in loss.parameters for n, v in given.items() if p.name == n}
    found = curve(derivation, quantity, values, (-6.0, 6.0))
    assert found is not None
    return found


def test_barron_at_its_shapes(derivations: Mapping[str, Derivation]) -> None:
    barron = derivations["barron"]
    by_hand = {
        oo: math.exp(2) - 1, Integer(4): ((1 + 4 / 2) ** 2 - 1) / 2, Integer(2): 2.0,
        Integer(1): math.sqrt(5) - 1, Integer(0): math.log(3), Integer(-2): 1.0,
        -oo: 1 - math.exp(-2),
    }  # fmt: skip
    for alpha, wanted in by_hand.items():
        assert line(barron, "loss", alpha=alpha).at(2.0) == pytest.approx(wanted, rel=1e-12)
    assert line(barron, "d_x", alpha=Integer(0)).at(2.0) == pytest.approx(2 / 3, rel=1e-12)
    assert line(barron, "weight", alpha=Integer(0)).at(0.0) == 1.0


def test_peaks_and_kinks_are_sampled(derivations: Mapping[str, Derivation]) -> None:
    slope = line(derivations["huber"], "d_x")
    assert {-1.0, 0.0, 1.0} <= set(slope.x)
    assert np.nanmax(slope.y) == 1.0
    peak = line(derivations["welsch"], "d_x")
    assert np.nanmax(peak.y) == pytest.approx(math.exp(-0.5), abs=1e-5)


def test_jumps_are_drawn_as_jumps(derivations: Mapping[str, Derivation]) -> None:
    slope = line(derivations["absolute"], "d_x")
    assert slope.jumps == (0.0,)
    assert slope.points == ((0.0, 0.0),)
    assert np.isnan(slope.y[slope.x == 0]).all()
    assert line(derivations["absolute"], "loss").jumps == ()
    jump = own("cases/huber_jump")
    drawn = line(jump, "loss", d=Integer(2))
    assert drawn.jumps == (-2.0, 2.0)
    assert line(jump, "loss", d=Integer(1)).jumps == ()


def test_the_range_shows_every_kink_and_the_tails(derivations: Mapping[str, Derivation]) -> None:
    huber, barron = derivations["huber"], derivations["barron"]
    assert ends(huber, parameters(huber, {"delta": "5"})) == (-20.0, 20.0)
    low, high = ends(barron, parameters(barron, {"scale": "3"}))
    assert (low, high) == (-18.0, 18.0)
    tukey = derive(load("tukey"))
    c = float(parameters(tukey, {})[tukey.loss.parameters[0]])
    assert ends(tukey, parameters(tukey, {}))[1] > 1.5 * c


def test_a_tail_ends_where_the_loss_shoots_up_and_goes_on_where_it_hardly_rises() -> None:
    linex, quantile = derived(load("linex")), derived(load("quantile"))
    low, high = ends(linex, parameters(linex, {}))
    assert low == -6.0 and 2.5 < high < 4
    low, high = ends(quantile, parameters(quantile, {"tau": "9/10"}))
    assert (low, high) == (-6.0, 20.0)


def test_a_target_on_a_half_line_has_several_values() -> None:
    for name, values in (("poisson", [4, 2, 1, 0]), ("gamma_deviance", [4, 2, 1])):
        found = family_values(derived(load(name)))
        assert found is not None and found[1] == values


def test_a_density_is_drawn_where_it_falls() -> None:
    narrow = own("cases/charbonnier_power")
    values = parameters(narrow, {})
    assert ends(narrow, values) == (-0.006, 0.006)
    low, high = ends_of_density(narrow, values, (-0.006, 0.006))
    found = density(narrow, values, (low, high))
    assert found is not None and found.line.y[0] < 0.2 * found.line.at(0.0)
    assert high == -low
    huber = derived(load("huber"))
    assert ends_of_density(huber, parameters(huber, {}), (-6.0, 6.0)) == (-6.0, 6.0)


def test_a_weight_that_jumps_at_zero_is_drawn_as_a_jump() -> None:
    quantile = derived(load("quantile_huber"))
    drawn = line(quantile, "weight")
    assert drawn.jumps == (0.0,)
    ((place, middle),) = drawn.points
    tau = float(parameters(quantile, {})[quantile.loss.parameters[0]])
    beside = drawn.y[np.flatnonzero(drawn.x == 0) + 1], drawn.y[np.flatnonzero(drawn.x == 0) - 1]
    assert place == 0 and middle == pytest.approx(float(sum(beside)[0]) / 2)
    assert 0 < tau < 1


def test_a_row_of_values_covers_the_domain() -> None:
    x, p = Symbol("x", real=True), Symbol("p", positive=True)

    def row(domain: Interval | None, default: float) -> list[float]:
        domains = {p: domain} if domain else {}
        loss = Loss("p", "p", "p", (x, p), abs(x) ** p, domains=domains, defaults={p: default})
        return [float(v) for v in across(loss, p)]

    assert row(Interval(1, 2), 1.5) == [2, 1.75, 1.5, 1.25, 1]
    assert row(Interval.open(0, 1), 0.5) == [0.9, 0.75, 0.5, 0.25, 0.1]
    assert row(Interval.open(2, oo), 3) == [5, 4, 3, 2.5, 2.25]
    assert row(None, 2) == [6, 4, 2, 1, 0.5]


def test_numbers_in_headings_are_typeset() -> None:
    assert look.number(Rational(1, 10**6)) == "10^{-6}"
    assert look.number(Rational(25, 10**7)) == r"2.5 \cdot 10^{-6}"
    assert look.number(Rational(1, 2)) == "0.5"


def test_densities_have_the_mass_one(derivations: Mapping[str, Derivation]) -> None:
    for name, given in (("huber", {}), ("absolute", {}), ("barron", {"alpha": "2"}),
                        ("barron", {"alpha": "4"}), ("barron", {"alpha": "3"})):  # fmt: skip
        derivation = derivations[name]
        found = density(derivation, parameters(derivation, given), (-12.0, 12.0))
        assert found is not None and not found.over_interval
        known = np.isfinite(found.line.y)
        area = np.trapezoid(found.line.y[known], found.line.x[known])
        assert area == pytest.approx(1, abs=1e-3), (name, given)


def test_without_a_density_it_is_said(derivations: Mapping[str, Derivation]) -> None:
    welsch, barron = derivations["welsch"], derivations["barron"]
    assert no_density(welsch, parameters(welsch, {})) == "the loss is bounded"
    assert no_density(barron, parameters(barron, {"alpha": "-1"})) == "the loss is bounded"
    assert no_density(barron, parameters(barron, {"alpha": "1"})) == ""
    found = density(welsch, parameters(welsch, {}), (-5.0, 5.0))
    assert found is not None and found.over_interval and found.why
    assert np.trapezoid(found.line.y, found.line.x) == pytest.approx(1, abs=1e-6)


def test_the_family_runs_over_special_points_and_members(
    derivations: Mapping[str, Derivation],
) -> None:
    found = family_values(derivations["barron"])
    assert found is not None
    assert found[0].name == "alpha"
    assert found[1] == [oo, 4, 2, 1, 0, -2, -oo]
    assert family_values(derivations["huber"]) is None


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_bytes_every_time(
    suffix: str, derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    one, other = (plot(derivations["huber"], tmp_path / f"{n}{suffix}") for n in "ab")
    assert one.read_bytes() == other.read_bytes()
    assert b"Date" not in one.read_bytes()
    assert b"/Type3" not in one.read_bytes()


@pytest.mark.parametrize("kind", ["panels", "lecture", "weights", "balance"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_kind_is_drawn(
    kind: str, theme: str, derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    for name in ("quadratic", "absolute", "huber", "welsch") if theme == "light" else ("huber",):
        wanted = Wanted(kind, theme=theme)
        assert plot(derivations[name], tmp_path / f"{name}.png", wanted).stat().st_size > 5000


def test_surfaces_and_fits(derivations: Mapping[str, Derivation], tmp_path: Path) -> None:
    barron = derivations["barron"]
    for kind in ("surface", "fit"):
        assert plot(barron, tmp_path / f"{kind}.png", Wanted(kind)).stat().st_size > 20_000
    several = [derivations["huber"], derivations["welsch"]]
    assert plot(several, tmp_path / "two.pdf").stat().st_size > 5000
    wanted = Wanted(over=("delta", ("1/2", "1", "2")), ends=(-3.0, 3.0), size=(6.0, 3.0))
    assert plot(derivations["huber"], tmp_path / "row.png", wanted).is_file()


def test_the_adaptive_fit_finds_the_line_and_the_fixed_one_does_not(
    derivations: Mapping[str, Derivation],
) -> None:
    barron = derivations["barron"]
    last = fitting.adaptive(barron)[-1]
    assert last.slope == pytest.approx(fitting.SLOPE, abs=0.03)
    assert last.shift == pytest.approx(fitting.SHIFT, abs=0.02)
    fixed = fitting.fixed(barron, parameters(barron, {"alpha": "2", "scale": "0.1"}))
    assert abs(fixed.slope - fitting.SLOPE) > 0.1


def test_the_animation_is_a_gif_with_progress(
    derivations: Mapping[str, Derivation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derive.views.plots import fitted

    monkeypatch.setattr(fitted, "FRAMES", 4)
    told: list[tuple[int, int]] = []
    out = plot(
        derivations["quadratic"], tmp_path / "way.gif", Wanted("animation"),
        lambda k, n: told.append((k, n)),
    )  # fmt: skip
    assert out.read_bytes()[:6] == b"GIF89a"
    assert told[-1][0] == told[-1][1] > 2


@pytest.mark.skipif(not look.has_ffmpeg(), reason="no ffmpeg")
def test_the_animation_is_a_film_of_the_same_bytes(
    derivations: Mapping[str, Derivation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derive.views.plots import fitted

    monkeypatch.setattr(fitted, "FRAMES", 3)
    films = [
        plot(derivations["quadratic"], tmp_path / name, Wanted("animation")).read_bytes()
        for name in ("one.mp4", "two.mp4")
    ]
    assert films[0][4:8] == b"ftyp" and films[0] == films[1]


def test_without_ffmpeg_there_is_no_film_and_one_line_says_so(
    derivations: Mapping[str, Derivation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "has_ffmpeg", lambda: False)
    with pytest.raises(EnvironmentTrouble, match=r"MP4 needs ffmpeg.*\.gif$"):
        plot(derivations["quadratic"], tmp_path / "way.mp4", Wanted("animation"))
    assert list(tmp_path.iterdir()) == []


def test_the_family_picture_is_1200_pixels_wide(
    derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    out = plot(derivations["barron"], tmp_path / "family.png")
    header = out.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20], "big") == 1200


def test_strange_titles_are_drawn_as_text(
    derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    huber = derivations["huber"]
    strange = replace(huber, loss=replace(huber.loss, title=r"$\frac{ $ \input{x} _^ 100%"))
    assert plot(strange, tmp_path / "strange.svg").stat().st_size > 1000


def test_a_loss_without_parameters(tmp_path: Path) -> None:
    x = Symbol("x", real=True)
    plain = derive(Loss("plain", "Plain", "", (x,), x**2))
    assert plot(plain, tmp_path / "plain.PNG").is_file()


def test_other_suffixes_are_refused(derivations: Mapping[str, Derivation], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"ends in \.png, \.svg, \.pdf"):
        plot(derivations["huber"], tmp_path / "picture.exe")
    with pytest.raises(BadInput, match=r"ends in \.gif"):
        plot(derivations["huber"], tmp_path / "picture.png", Wanted("animation"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted("pie"), "--kind pie: choose from panels"),
        (Wanted(settings={"alpha": "1"}), "no parameter 'alpha'"),
        (Wanted(ends=(2.0, 1.0)), "A must be below B"),
        (Wanted(size=(0.0, 1.0)), "from 1 to 40"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    wanted: Wanted, told: str, derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=told):
        plot(derivations["huber"], tmp_path / "picture.png", wanted)


def test_the_row_of_values_is_read() -> None:
    assert read_over("alpha = -2, 0,1/2") == ("alpha", ("-2", "0", "1/2"))
    with pytest.raises(BadInput, match="expected NAME=V"):
        read_over("alpha")


def test_a_folder_that_is_not_there(derivations: Mapping[str, Derivation], tmp_path: Path) -> None:
    with pytest.raises(EnvironmentTrouble, match="choose another --out"):
        plot(derivations["huber"], tmp_path / "absent" / "picture.png")


def test_without_matplotlib_the_extra_is_named(
    derivations: Mapping[str, Derivation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(EnvironmentTrouble, match=r"pip install 'derive-losses\[plot\]'"):
        plot(derivations["huber"], tmp_path / "picture.png")


def test_the_parts_of_a_picture_carry_the_papers_letters() -> None:
    barron = load("barron")
    assert [look.letter(barron, v) for v in barron.variables] == ["x", r"\alpha", "c"]
    assert look.words("5 $") == r"5 \$"
