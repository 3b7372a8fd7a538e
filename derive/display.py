"""How a value shows itself in a notebook. Imports nothing of the package."""

from __future__ import annotations

import pkgutil
from typing import Any, ClassVar


class Typeset:
    """A value that notebooks show as formulas.

    The rooms that typeset lie above those whose values are shown: `typeset_by` names the function
    ("module:name"), which is looked up when a notebook asks.
    """

    typeset_by: ClassVar[str]

    def _repr_latex_(self) -> str:
        typeset: Any = pkgutil.resolve_name(self.typeset_by)
        text: str = typeset(self)
        return text
