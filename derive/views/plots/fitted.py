"""The line through data with outliers, as a picture and as an animation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from derive.calculus.derivation import Derivation
from derive.errors import BadInput, EnvironmentTrouble
from derive.views.plots import fitting
from derive.views.plots import look as looks
from derive.views.plots.fitting import Step
from derive.views.plots.look import Look
from derive.views.plots.values import parameters
from derive.views.plots.wanted import Wanted

SIZE, MOVING = (9.2, 3.9), (8.0, 3.8)
FRAMES, HOLD, MILLISECONDS, DPI = 40, 14, 90, 100
SAME_BYTES = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]


def fit(matplotlib: Any, derivation: Derivation, wanted: Wanted) -> Any:
    """At fixed parameters on the left, adapted with the line on the right."""
    look, loss = looks.LOOKS[wanted.theme], derivation.loss
    values = _fixed_values(derivation, wanted)
    line = fitting.fixed(derivation, values)
    figure = looks.figure(matplotlib, wanted.size or SIZE)
    left = figure.add_subplot(1, 2, 1)
    _scene(left, line, look)
    told = looks.given(loss, values)
    left.set_title(f"fixed: {told}" if told else "fitted", fontsize="medium")
    right = figure.add_subplot(1, 2, 2)
    try:
        steps = fitting.adaptive(derivation)
    except BadInput as reason:
        right.axis("off")
        right.text(0.5, 0.5, str(reason), ha="center", va="center", wrap=True, color=look.ink)
    else:
        _scene(right, steps[-1], look)
        right.set_title(f"adaptive, found: {_found(derivation, steps[-1])}", fontsize="medium")
    figure.suptitle(looks.words(loss.title), fontsize="large")
    return figure


def animation(
    matplotlib: Any, derivation: Derivation, wanted: Wanted, suffix: str,
    progress: Callable[[int, int], None] | None,
) -> bytes:  # fmt: skip
    """The line on its way on the left, the parameters on the right; as GIF or MP4."""
    steps = fitting.adaptive(derivation)
    figure = looks.figure(matplotlib, wanted.size or MOVING, "tight")
    moments = _moments(figure, derivation, steps, looks.LOOKS[wanted.theme], progress)
    return _gif(figure, moments) if suffix == ".gif" else _mp4(matplotlib, figure, moments)


def _moments(
    figure: Any, derivation: Derivation, steps: Sequence[Step], look: Look,
    progress: Callable[[int, int], None] | None,
) -> Iterator[int]:  # fmt: skip
    """The figure at each moment of the way; how many are still to come."""
    loss = derivation.loss
    chosen = np.unique((np.linspace(0, 1, FRAMES) ** 1.5 * (len(steps) - 1)).astype(int))
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    line = _scene(left, steps[0], look)
    names = list(loss.parameters)
    traces = {p: [s.parameters[p] for s in steps] for p in names}
    drawn = {}
    for k, p in enumerate(names):
        (drawn[p],) = right.plot([], [], color=look.series[k % len(look.series)], linewidth=2.0,
                                 label=f"${looks.letter(loss, p)}$")  # fmt: skip
    every = [v for trace in traces.values() for v in trace] or [0.0, 1.0]
    right.set_xlim(0, len(steps))
    right.set_ylim(min(0.0, min(every)), 1.06 * max(every))
    right.set_xlabel("step")
    right.legend(fontsize="small", loc="upper right")
    looks.plain(right, look)
    figure.suptitle(looks.words(loss.title), fontsize="large")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, for all frames
    for count, k in enumerate(chosen):
        step = steps[k]
        line.set_ydata([step.shift, step.slope + step.shift])
        left.set_title(f"step {k}", fontsize="medium")
        for p, artist in drawn.items():
            artist.set_data(np.arange(k + 1), traces[p][: k + 1])
        right.set_title(_found(derivation, step), fontsize="medium")
        yield len(chosen) - count - 1
        if progress is not None:
            progress(count + 1, len(chosen))


def _gif(figure: Any, moments: Iterator[int]) -> bytes:
    from PIL import Image  # comes with matplotlib

    frames = []
    for _ in moments:
        stream = BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        stream.seek(0)
        frames.append(Image.open(stream).convert("RGB").quantize(128, dither=Image.Dither.NONE))
    stream = BytesIO()
    pauses = [MILLISECONDS] * (len(frames) - 1) + [MILLISECONDS * HOLD]
    frames[0].save(
        stream, format="GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0
    )
    return stream.getvalue()


def _mp4(matplotlib: Any, figure: Any, moments: Iterator[int]) -> bytes:
    writer = matplotlib.animation.FFMpegWriter(fps=1000 / MILLISECONDS, extra_args=SAME_BYTES)
    with TemporaryDirectory(prefix="derive-") as folder:
        film = Path(folder) / "film.mp4"
        try:
            with writer.saving(figure, film, looks.DPI):
                for left in moments:
                    for _ in range(1 if left else HOLD):
                        writer.grab_frame()
        except (OSError, CalledProcessError) as trouble:
            raise EnvironmentTrouble(
                f"ffmpeg: {trouble}; choose a name that ends in .gif"
            ) from None
        return film.read_bytes()


def _fixed_values(derivation: Derivation, wanted: Wanted) -> dict[Symbol, Expr]:
    """What was set; else the defaults, with a scale that fits the data, and 2 for a shape that
    may be 2."""
    values = parameters(derivation, wanted.settings)
    stretch = derivation.facts.stretch
    for p in values:
        if p.name not in wanted.settings:
            if p == stretch:
                values[p] = sympy.Rational(1, 10)
            elif sympy.Integer(2) in derivation.loss.special.get(p, ()):
                values[p] = sympy.Integer(2)
    return values


def _found(derivation: Derivation, step: Step) -> str:
    loss = derivation.loss
    parts = [f"{looks.letter(loss, p)} = {v:.3f}" for p, v in step.parameters.items()]
    return f"${', '.join(parts)}$" if parts else ""


def _scene(axes: Any, step: Step, look: Look) -> Any:
    """Data, the line they were made from, and the fitted one, which is returned."""
    x, y, outliers = fitting.data()
    blue, orange, green = look.series[:3]
    axes.plot(x[~outliers], y[~outliers], "o", color=blue, markersize=3.2, alpha=0.75, label="data")
    axes.plot(x[outliers], y[outliers], "s", color=look.faint, markersize=3.6, label="outliers")
    ends = np.array([0.0, 1.0])
    axes.plot(ends, fitting.SLOPE * ends + fitting.SHIFT, color=green, linewidth=1.6,
              linestyle="--", label="true line")  # fmt: skip
    (line,) = axes.plot(ends, step.slope * ends + step.shift, color=orange, linewidth=2.2,
                        label="fitted line")  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.05, 1.18)
    axes.set_xlabel("$x$")
    axes.set_ylabel("$y$")
    axes.legend(fontsize="small", loc="upper center", ncols=2)
    looks.plain(axes, look)
    return line
