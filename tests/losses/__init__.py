"""Losses as users write them, one file each."""

from pathlib import Path


def own(name: str) -> str:
    """The path of a loss file."""
    return str(Path(__file__).with_name(f"{name}.toml"))
