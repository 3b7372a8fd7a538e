"""What an exhaustive run compares, and which file its results belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.promise import Promise, promise
from derive.verification.quantities import Quantity, quantities
from derive.verification.ulp import hexadecimal

SHARDS = 1024
SHARD = (1 << 32) // SHARDS


@dataclass(frozen=True)
class Task:
    """A float32 function of a file, at fixed parameters (travels between processes).

    subject: a catalogue name, or the path of a loss file. target: 'numpy' or 'torch'; device: of
    the tensors.
    """

    subject: str
    file: Path
    quantity: str
    parameters: tuple[float, ...]
    target: str = "numpy"
    device: str = "cpu"

    @cached_property
    def loss(self) -> Loss:
        return find(self.subject)

    @property
    def wanted(self) -> Quantity:
        known = quantities(self.loss)
        if self.quantity not in known:
            raise BadInput(f"{self.loss.name} has no quantity {self.quantity}")
        if known[self.quantity].changes_sign:
            raise BadInput(
                f"{self.quantity} changes sign, and is measured by its terms; the exhaustive run "
                "judges the loss, its first derivatives and the weight"
            )
        return known[self.quantity]

    @property
    def promise(self) -> Promise:
        computed = "float64" if self.target == "numpy" else "float32"
        return promise(self.loss, self.wanted, "float32", computed)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "loss"}

    def identity(self) -> dict[str, Any]:
        """What a folder of results belongs to."""
        return {
            "loss": self.loss.name,
            "definition": self.loss.digest,
            "file": hashlib.sha256(self.file.read_bytes()).hexdigest(),
            "quantity": self.quantity,
            "parameters": [hexadecimal(p) for p in self.parameters],
            "target": self.target,
            "device": self.device,
            "shards": SHARDS,
        }


def chosen(loss: Loss, settings: Sequence[str]) -> tuple[float, ...]:
    """Parameters from texts such as 'scale=0.7', rounded to float32; defaults for the rest."""
    values = {p.name: loss.default(p) for p in loss.parameters}
    for text in settings:
        name, _, value = text.partition("=")
        if name not in values:
            raise BadInput(f"--set {text}: {loss.name} has the parameters {', '.join(values)}")
        try:
            values[name] = float(np.float32(value))
        except ValueError:
            raise BadInput(f"--set {text}: {value!r} is not a number") from None
    return tuple(values.values())
