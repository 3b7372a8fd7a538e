"""Losses as users write them, one file each."""

from pathlib import Path

from derive.definitions.catalogue import NAMES


def own(name: str) -> str:
    """What a loss is found by: its name in the catalogue, or the path of its file."""
    return name if name in NAMES else str(Path(__file__).with_name(f"{name}.toml"))
