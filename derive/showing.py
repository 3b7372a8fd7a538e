"""What follows from losses, for people: as text, JSON, LaTeX or pictures.

Nothing here knows of generated files: what is read at once must not wait for what makes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import mpmath
import numpy
import sympy
from sympy import srepr

from derive.calculus import Derivation, derive, sketch
from derive.calculus.classwise import ClasswiseDerivation, derive_classwise
from derive.definitions.catalogue import NAMES
from derive.definitions.find import find, find_all
from derive.definitions.loss import Loss
from derive.errors import BadInput, EnvironmentTrouble
from derive.kept import kept
from derive.output.staging import replace_file
from derive.progress import Progress
from derive.recorded import made_from

T = TypeVar("T")

if TYPE_CHECKING:
    from derive.views.latex.request import Request

NO_PICTURE = "a loss over classes has no picture: it is no function of a residual"
# Up to this many losses are looked at one after the other.
FEW = 2
# So many operations of formulas are written for somebody who waits: about a second.
AT_ONCE = 220


def show(subject: str) -> str:
    """Definition, gradients, limits and density of a loss, as text."""
    loss = find(subject)
    return kept(["show", *identity(loss)], lambda: shown_of(derived(loss), AT_ONCE))


def shown_of(derivation: Derivation | ClasswiseDerivation, effort: int | None = None) -> str:
    from derive.views.terminal import shown, shown_classwise

    if isinstance(derivation, ClasswiseDerivation):
        return shown_classwise(derivation)
    return shown(derivation, effort)


def derived(loss: Loss) -> Derivation | ClasswiseDerivation:
    """Loss -> what follows from it, by the rules of its kind."""
    return derive_classwise(loss) if loss.kind == "classwise" else derive(loss)


def data(subject: str) -> str:
    """The same as JSON."""
    loss = find(subject)
    return kept(["data", *identity(loss)], lambda: json.dumps(data_of(derived(loss)), indent=1))


def data_of(derivation: Derivation | ClasswiseDerivation) -> dict[str, Any]:
    from derive.views.data import as_data, classwise_as_data

    if isinstance(derivation, ClasswiseDerivation):
        return classwise_as_data(derivation)
    return as_data(derivation)


def plot(
    subjects: Sequence[str], out: Path | None, progress: Progress, *, kind: str = "",
    settings: Mapping[str, str] | None = None, over: str | None = None,
    ends: tuple[float, float] | None = None, size: tuple[float, float] | None = None,
    theme: str = "light", interval: bool = False, force: bool = False,
) -> Path:  # fmt: skip
    """The picture of a loss, or of several in one."""
    from derive.views.plots import Wanted, read_over
    from derive.views.plots import plot as draw

    losses = find_all(subjects)
    for loss in losses:
        if loss.kind == "classwise":
            raise BadInput(f"{loss.name}: {NO_PICTURE}")
    suffix = "gif" if kind == "animation" else "png"
    out = out or Path(f"{'_'.join(loss.name for loss in losses)}.{suffix}")
    wanted = Wanted(kind, settings or {}, read_over(over), ends, size, theme, interval)
    wanted.check(losses)
    _not_there(out, force)
    derivations = _each(sketch, losses, progress)
    return draw(derivations, out, wanted, lambda k, n: progress.step("drawing", k, n))


def latex(
    subjects: Sequence[str], out: Path | None, progress: Progress, *, form: str | None = None,
    quantities: Sequence[str] = (), symbols: Mapping[str, str] | None = None,
    numbered: bool = False, columns: int | None = None, force: bool = False,
) -> str:  # fmt: skip
    """The formulas as text: of one loss a LaTeX fragment for \\input, of several a document."""
    from derive.views.latex.request import Request

    losses = find_all(subjects or NAMES)
    asked = Request(
        form or ("fragment" if len(losses) == 1 else "document"), tuple(quantities),
        symbols or {}, numbered, columns,
    )  # fmt: skip
    asked.check(losses)
    _not_there(out, force)
    about = [item for loss in losses for item in (*identity(loss), repr(loss.symbols))]
    text = kept(["latex", repr(asked), *about], lambda: _formulas(asked, losses, progress))
    if out is not None:
        _replaced(out, text)
    return text


def _formulas(asked: Request, losses: Sequence[Loss], progress: Progress) -> str:
    from derive.views.latex.request import written

    if not asked.needs_derivations:
        return written(asked, (), losses)
    known = {loss.name: asked.recorded(loss) for loss in losses}
    rest = [loss for loss in losses if known[loss.name] is None]
    made = iter(_each(lambda loss: asked.entry(derived(loss)), rest, progress))
    entries = [known[loss.name] or next(made) for loss in losses]
    return written(asked, entries, losses)


def _each(made: Callable[[Loss], T], losses: Sequence[Loss], progress: Progress) -> list[T]:
    """What is made of each loss; several at once where there are processors for it."""
    import joblib  # as long to import as a loss to derive

    if len(losses) <= FEW or joblib.cpu_count() == 1:
        found = []
        for index, loss in enumerate(losses):
            progress.step(loss.name, index, len(losses))
            found.append(made(loss))
        return found
    several = joblib.Parallel(n_jobs=-1, return_as="generator")
    results = []
    for one in several(joblib.delayed(made)(loss) for loss in losses):
        results.append(one)
        progress.step(losses[len(results) - 1].name, len(results), len(losses))
    return results


def _not_there(out: Path | None, force: bool) -> None:
    if out is not None and out.exists() and not force:
        raise BadInput(f"{out}: exists; choose another --out, or --force to overwrite it")


def _replaced(out: Path, text: str) -> None:
    try:
        replace_file(out, text.encode())
    except OSError as trouble:
        raise EnvironmentTrouble(f"{out}: {trouble.strerror}; choose another --out") from None


def concordance(subject: str) -> tuple[list[list[str]], list[str]]:
    """What other libraries mean by a loss of the catalogue: rows of a table, and notes."""
    from derive.verification.concordance import page

    loss = find(subject)
    if loss.name not in NAMES or find(loss.name).digest != loss.digest:
        raise BadInput(f"{subject}: the concordance speaks of the losses of the catalogue")
    return page.cells(loss.name), page.notes(loss.name)


def identity(loss: Loss) -> tuple[str, ...]:
    """What a text about a loss depends on: the loss, this package, and the libraries."""
    parts = (srepr(named.definition) for named in loss.where)
    stated = (loss.digest, loss.title, loss.source, loss.description, srepr(loss.loss), *parts)
    return (
        *stated,
        made_from(),
        *(f"{m.__name__} {m.__version__}" for m in (sympy, mpmath, numpy)),
    )
