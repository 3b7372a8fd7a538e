"""From what a person typed to a loss: a catalogue name, a TOML file, or a Python file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from derive.definitions import catalogue, names
from derive.definitions.loss import Loss
from derive.definitions.lossfile import read_toml
from derive.definitions.lossmodule import read_python
from derive.errors import BadInput

Subject = Loss | str | Path


def load(name_or_path: Subject) -> Loss:
    """The loss of a name in the catalogue, of a `.toml` loss file or of a `.py` file.

    >>> import derive
    >>> derive.load("huber")
    <Loss huber(x, delta)>
    >>> derive.load("hubr")
    Traceback (most recent call last):
    derive.errors.BadInput: 'hubr': no loss of that name ...; did you mean huber?
    """
    if isinstance(name_or_path, Loss):
        return name_or_path
    if not isinstance(name_or_path, str | Path):
        kind = type(name_or_path).__name__
        raise BadInput(f"a loss, its name or the path of its file is wanted, not {kind}")
    return find(str(name_or_path))


def find(subject: str) -> Loss:
    """The loss that `subject` names; BadInput, with the closest names, where there is none."""
    if subject in catalogue.NAMES:
        return catalogue.load(subject)
    if "\0" in subject or len(subject) > 4096:
        raise BadInput(f"{subject[:40]!a}: neither a loss of the catalogue nor a file")
    path = Path(subject)
    if path.suffix == ".toml":
        return read_toml(path)
    if path.suffix == ".py":
        return read_python(path)
    shown = ascii(subject[:60])
    exact = [name for name in catalogue.NAMES if name == subject.lower()]
    near = exact or difflib.get_close_matches(subject.lower(), catalogue.NAMES, 3)
    guess = f"did you mean {' or '.join(near)}?" if near else "see derive list"
    raise BadInput(f"{shown}: no loss of that name (a file ends in .toml or .py); {guess}")


def find_all(subjects: Iterable[str]) -> tuple[Loss, ...]:
    """Every loss named, in order; BadInput where two would be written to the same file."""
    wanted = list(dict.fromkeys(subjects))
    losses = tuple(find(subject) for subject in wanted)
    names.check_distinct((loss.name, subject) for loss, subject in zip(losses, wanted, strict=True))
    return losses
