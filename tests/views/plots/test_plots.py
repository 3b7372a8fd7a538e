"""Pictures: what they show, against values by hand; the same bytes every time."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sympy import Integer, Symbol, oo

from derive.calculus import Derivation, derive
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.errors import BadInput, EnvironmentTrouble
from derive.views.plots import picture, plot
from derive.views.plots.values import POINTS, REACH, curve, defaults, family_values, grid

pytest.importorskip("matplotlib")


@pytest.fixture(scope="session")
def derivations() -> Mapping[str, Derivation]:
    return {name: derive(load(name)) for name in ("barron", "huber", "absolute", "welsch")}


def at(derivation: Derivation, quantity: str, residual: float, **given: object) -> float:
    """The drawn value at a residual that lies on the grid."""
    loss = derivation.loss
    values = {**defaults(derivation), **{p: v for p in loss.parameters for n, v in given.items()
                                         if p.name == n}}  # fmt: skip
    line = curve(derivation, quantity, values)
    assert line is not None
    points = grid(derivation, values)
    place = min(range(POINTS), key=lambda k: abs(points[k] - residual))
    assert points[place] == pytest.approx(residual, abs=1e-12)
    return line[place]


def test_barron_at_its_shapes(derivations: Mapping[str, Derivation]) -> None:
    barron = derivations["barron"]
    by_hand = {
        oo: math.exp(2) - 1,
        Integer(4): ((1 + 4 / 2) ** 2 - 1) / 2,
        Integer(2): 2.0,
        Integer(1): math.sqrt(5) - 1,
        Integer(0): math.log(3),
        Integer(-2): 1.0,
        -oo: 1 - math.exp(-2),
    }
    for alpha, wanted in by_hand.items():
        assert at(barron, "loss", 2.0, alpha=alpha) == pytest.approx(wanted, rel=1e-14)
    assert at(barron, "d_x", 2.0, alpha=Integer(0)) == pytest.approx(2 / 3, rel=1e-14)
    assert at(barron, "weight", 0.0, alpha=Integer(0)) == 1.0


def test_densities_have_the_mass_one(derivations: Mapping[str, Derivation]) -> None:
    cases = [("huber", {}), ("absolute", {}), ("barron", {"alpha": Integer(2)}),
             ("barron", {"alpha": Integer(4)}), ("barron", {"alpha": oo}),
             ("barron", {"alpha": Integer(3)})]  # fmt: skip
    for name, given in cases:
        derivation = derivations[name]
        values = defaults(derivation)
        values |= {p: given[p.name] for p in values if p.name in given}
        line = curve(derivation, "density", values)
        assert line is not None
        step = 2 * REACH / (POINTS - 1)
        # The tails beyond 6 hold less than 0.5 %, in Huber's density the most.
        assert sum(line) * step == pytest.approx(1, abs=0.005), (name, given)


def test_what_does_not_exist_is_not_drawn(derivations: Mapping[str, Derivation]) -> None:
    welsch, barron = derivations["welsch"], derivations["barron"]
    assert curve(welsch, "density", defaults(welsch)) is None
    alpha = barron.loss.parameters[0]
    assert curve(barron, "density", {**defaults(barron), alpha: Integer(-1)}) is None
    assert math.isnan(at(derivations["absolute"], "weight", 0.0))


def test_the_scale_is_the_unit(derivations: Mapping[str, Derivation]) -> None:
    barron = derivations["barron"]
    scale = barron.loss.parameters[1]
    values = {**defaults(barron), scale: Integer(3)}
    assert grid(barron, values)[-1] == 3 * REACH
    one, three = curve(barron, "loss", defaults(barron)), curve(barron, "loss", values)
    assert three == pytest.approx(one, rel=1e-13)


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
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(derivations: Mapping[str, Derivation], tmp_path: Path) -> None:
    with pytest.raises(EnvironmentTrouble, match="choose another --out"):
        plot(derivations["huber"], tmp_path / "absent" / "picture.png")


def test_without_matplotlib_the_extra_is_named(
    derivations: Mapping[str, Derivation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(EnvironmentTrouble, match=r"pip install derive-losses\[plot\]"):
        plot(derivations["huber"], tmp_path / "picture.png")


def test_the_parts_of_a_picture_carry_the_papers_letters() -> None:
    assert picture._letter(Symbol("scale")) == "c"
    assert picture._letter(Symbol("alpha")) == "α"
    assert picture._letter(Symbol("lam")) == "lam"
