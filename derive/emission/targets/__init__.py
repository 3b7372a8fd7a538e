"""The targets, one file each; adding one is a file here and a folder of templates."""

from __future__ import annotations

from derive.emission.target import Target
from derive.emission.targets.numpy import NUMPY
from derive.emission.targets.torch import TORCH

TARGETS: dict[str, Target] = {t.name: t for t in (NUMPY, TORCH)}

__all__ = ["TARGETS", "Target"]
