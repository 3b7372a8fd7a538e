"""What `import derive` offers: each function takes a loss, its name, or the path of its file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from derive import pipeline, showing
from derive.calculus import Derivation
from derive.calculus.classwise import ClasswiseDerivation
from derive.classwise import ClasswiseStages, stages
from derive.definitions.accepted import accept
from derive.definitions.catalogue import NAMES, catalogue
from derive.definitions.find import Subject, load
from derive.definitions.loss import Loss
from derive.emission.loading import load_text
from derive.emission.targets import TARGETS
from derive.errors import BadInput
from derive.judged import Report
from derive.output.folders import default_folder
from derive.pictured import Picture
from derive.stages import Stages

Settings = Mapping[str, Any]

FORMS = ("fragment", "document", "markdown", "mathml")

# The ways of the losses that were asked about last, so that a second target costs little.
_KEPT = 16
_ways: OrderedDict[tuple[Any, ...], tuple[Loss, Stages | ClasswiseStages]] = OrderedDict()


def derive(loss: Subject) -> Derivation | ClasswiseDerivation:
    """Everything that follows from a loss, as SymPy expressions.

    `quantities` are the loss, its derivatives and the weight; `limits`, `density` and `facts` say
    what they are called. A notebook shows the formulas.

    >>> import derive
    >>> found = derive.derive("absolute")
    >>> found.quantities["weight"]
    1/(scale*Abs(x))
    >>> found.density.log_partition
    log(scale) + log(2)
    """
    return _stages(loss).derivation


def emit(
    loss: Subject, target: str, *, settings: Settings | None = None, bundle: bool = False
) -> str:
    """The text of the file that a target has for a loss.

    settings: fixes parameters, `{"alpha": 1}`. bundle: with the density, and all that this needs,
    in the same text.

    >>> import derive
    >>> text = derive.emit("quadratic", "torch", settings={"scale": 1})
    >>> "class QuadraticLoss(torch.nn.Module)" in text
    True
    """
    return _stages(loss, settings).text(_target(target), bundle)


def compile(
    loss: Subject, target: str, *, settings: Settings | None = None, bundle: bool = False
) -> ModuleType:
    """The emitted text as a module of this process, for trying things.

    >>> import derive
    >>> absolute = derive.compile("absolute", "numpy")
    >>> absolute.weight([0.5, 1.0, 4.0], scale=2.0)
    array([1.   , 0.5  , 0.125])
    """
    stages = _stages(loss, settings)
    text = stages.text(_target(target), bundle)
    if TARGETS[target].suffix != ".py":
        raise BadInput(f"{target}: its files are not Python; take their text from derive.emit")
    return load_text(f"derive_{target}_{stages.loss.name}", text)


def latex(loss: Subject, *, quantity: str | None = None, form: str = "fragment") -> str:
    r"""The formulas of a loss as LaTeX, for \input in a document that loads amsmath.

    quantity: only that one, such as "d_x". form: "fragment", "document", "markdown" or "mathml".

    >>> import derive
    >>> print(derive.latex("quadratic").splitlines()[2])
    \subsection*{Quadratic loss (L2)}
    """
    from derive.views.latex.request import Request, written

    if form not in FORMS:
        raise BadInput(f"form {str(form)[:40]!a}: choose from {', '.join(FORMS)}")
    way = _stages(loss)
    asked = Request(form, (quantity,) if quantity else ())
    asked.check((way.loss,))
    return written(asked, (asked.entry(way.derivation),), (way.loss,))


def plot(
    loss: Subject,
    *,
    kind: str = "",
    settings: Settings | None = None,
    ends: tuple[float, float] | None = None,
    size: tuple[float, float] | None = None,
    theme: str = "light",
) -> Picture:
    """The picture of a loss. A notebook shows it; `save` writes it, as PNG, SVG or PDF.

    kind: as `derive plot --kind` (panels, lecture, family, weights, surface, balance, fit).
    settings: parameters. ends: of the residuals. size: in inches. theme: light or dark.

    >>> import derive
    >>> derive.plot("quadratic", settings={"scale": 2})
    <Picture of quadratic>
    """
    from derive.views.plots import Wanted

    derivation = _stages(loss).derivation
    if isinstance(derivation, ClasswiseDerivation):
        raise BadInput(f"{derivation.loss.name}: {showing.NO_PICTURE}")
    values = {name: str(value) for name, value in (settings or {}).items()}
    wanted = Wanted(kind, values, ends=ends, size=size, theme=theme)
    wanted.check((derivation.loss,))
    return Picture(derivation, wanted)


def verify(
    subject: Subject | None = None,
    *,
    implementation: Callable[..., Any] | str | None = None,
    formula: str | None = None,
    latex: str | None = None,
    loss: Subject | None = None,
    quantity: str = "loss",
    settings: Settings | None = None,
    exact: bool = False,
    generated: str | Path | None = None,
    seed: int = 0,
    samples: int | None = None,
) -> Report:
    """Judge emitted files, claims, a formula or somebody else's code.

    subject: a loss, whose files in `generated` (default: emitted for it now) are judged; a claims
    file; or nothing, which judges the catalogue in `generated/`. implementation: a function, or
    "MODULE:FUNCTION", judged in a process of its own as `quantity` of `loss`; settings: its
    parameters. formula, latex: a text, compared with the same. exact: another convention counts as
    a difference.

    >>> import derive, numpy
    >>> derive.verify(formula="x**2", loss="quadratic")
    <Report proved: up to>
    >>> derive.verify(implementation=lambda x: numpy.abs(x) + 1e-3, loss="absolute").verdict
    'refuted'
    """
    if implementation is not None:
        if subject is not None or formula is not None or latex is not None or loss is None:
            raise BadInput("an implementation wants loss=…, and no other subject beside it")
        return Report.of_code(
            implementation, load(loss), quantity, dict(settings or {}), exact, seed
        )
    if formula is not None or latex is not None:
        if subject is not None or loss is None or (formula is not None and latex is not None):
            raise BadInput("one text is judged at a time: formula=… or latex=…, with loss=…")
        text = formula if formula is not None else latex
        assert text is not None
        return Report.of_formula(text, load(loss), quantity, latex is not None, exact, seed)
    if loss is not None or settings is not None:
        raise BadInput("loss=… and settings=… say what a formula or an implementation is judged by")
    if _is_claims(subject):
        return Report.of_claims(Path(str(subject)), seed)
    if generated is None and subject is not None:
        way = _stages(subject)
        with TemporaryDirectory(prefix="derive-") as folder:
            way.write(Path(folder))
            return Report.of_files((way.loss,), Path(folder), seed, samples)
    place = default_folder() if generated is None else Path(generated)
    losses = catalogue() if subject is None else (load(subject),)
    return Report.of_files(losses, place, seed, samples)


def _stages(subject: Subject, settings: Settings | None = None) -> Stages | ClasswiseStages:
    """The way of a loss; the one of last time where it is the same loss at the same settings."""
    loss = load(subject)
    values = {name: str(value) for name, value in (settings or {}).items()}
    key = (id(loss), *sorted(values.items()))  # a loss cannot change, and is kept as well
    if key not in _ways:
        _ways[key] = loss, _way(loss, subject, values)
        if len(_ways) > _KEPT:
            _ways.popitem(last=False)
    return _ways[key][1]


def _way(loss: Loss, subject: Subject, settings: Mapping[str, str]) -> Stages | ClasswiseStages:
    if isinstance(subject, Loss):
        in_catalogue = loss.name in NAMES and load(loss.name) is loss
        name = loss.name if in_catalogue else f"{loss.name}.py"
        loss = loss if in_catalogue else accept(loss, loss.name)
    else:
        name = Path(subject).name
    return stages(pipeline.settled(loss, settings), pipeline.typed(name, settings))


def _target(name: str) -> str:
    if name not in TARGETS:
        raise BadInput(f"{str(name)[:40]!a}: no such target; choose from {', '.join(TARGETS)}")
    return name


def _is_claims(subject: Subject | None) -> bool:
    if isinstance(subject, Loss) or subject is None or Path(subject).suffix != ".toml":
        return False
    from derive.verification.claims.file import is_claims_file

    return is_claims_file(Path(subject))
