import functools
from typing import Any


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])
