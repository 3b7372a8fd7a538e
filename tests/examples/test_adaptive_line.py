"""The article's line with a tenth of outliers: squares miss it, the loss that adapts finds it."""

from __future__ import annotations

import pytest
import torch

from generated.for_torch.densities.student_t import AdaptiveStudentTLoss


@pytest.fixture(scope="module")
def example(load):
    return load("adaptive_line")


@pytest.fixture(scope="module")
def fits(example):
    data = example.recipe()
    return example.fit(data, example.squares()), example.fit(data, example.AdaptiveBarronLoss())


def test_the_adaptive_loss_finds_the_line_and_squares_miss_it(fits):
    plain, adaptive = fits
    assert adaptive.slope == pytest.approx(0.7, abs=0.02)
    assert adaptive.offset == pytest.approx(0.15, abs=0.02)
    assert abs(plain.slope - 0.7) > 0.1
    assert abs(plain.offset - 0.15) > 0.05


def test_what_it_learns_on_the_way(example, fits):
    plain, adaptive = fits
    assert len(adaptive.alpha) == len(adaptive.scale) == example.STEPS
    assert adaptive.alpha[-1] < 0.1 < 1.5 < adaptive.alpha.max()
    assert 0.01 < adaptive.scale[-1] < 0.03
    assert set(plain.alpha) == {2.0}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_other_points_too(example, seed):
    found = example.fit(example.recipe(seed=seed), example.AdaptiveBarronLoss())
    assert found.slope == pytest.approx(0.7, abs=0.02)
    assert found.offset == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("seed", [0, 1])
def test_students_loss_finds_the_line_too(example, seed):
    """With df near 1: tails as heavy as those of Cauchy's distribution."""
    data, loss = example.recipe(seed=seed), AdaptiveStudentTLoss()
    x, y = (torch.tensor(v, dtype=torch.float32) for v in (data.x, data.y))
    line = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([line, *loss.parameters()], lr=0.06)
    for _ in range(example.STEPS):
        optimizer.zero_grad()
        loss(line[0] * x + line[1] - y).backward()
        optimizer.step()
    slope, offset = line.tolist()
    assert slope == pytest.approx(0.7, abs=0.02)
    assert offset == pytest.approx(0.15, abs=0.02)
    assert 0.7 < loss.df.item() < 1.4
    assert 0.012 < loss.scale.item() < 0.025


def test_the_picture(example, fits, tmp_path):
    pictures = [tmp_path / name for name in ("one.png", "two.png")]
    for picture in pictures:
        example.draw(example.recipe(), *fits, picture)
    one, two = (picture.read_bytes() for picture in pictures)
    assert one.startswith(b"\x89PNG")
    assert one == two
