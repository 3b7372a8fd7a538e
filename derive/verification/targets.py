"""What the judge knows of a target: where its files lie, how to call them, and in which dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class TargetFiles:
    """Plain data about a target; the judge imports nothing of what emits it.

    folder: of its files, below the folder of all targets. losses, densities: modules in it, with
    `{}` for the name of a loss. library: has to be installed. tensors: the functions take
    PyTorch's tensors, else NumPy's arrays. computed: the dtype of the arithmetic, by the dtype
    that goes in and comes out, where it is a wider one.
    """

    name: str
    folder: str
    library: str
    dtypes: tuple[str, ...]
    computed: Mapping[str, str] = field(default_factory=dict)
    tensors: bool = False
    losses: str = "{}"
    densities: str = "densities.{}"

    def loss_module(self, loss: str) -> str:
        return f"{self.folder}.{self.losses.format(loss)}"

    def density_module(self, loss: str) -> str:
        return f"{self.folder}.{self.densities.format(loss)}"


def file_of(root: Path, module: str) -> Path:
    """The file of a module below the folder of all targets."""
    return root.joinpath(*module.split(".")).with_suffix(".py")
