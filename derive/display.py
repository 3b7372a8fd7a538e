"""How a value shows itself in a notebook."""

from __future__ import annotations

import pkgutil
from typing import Any, ClassVar

from derive.errors import BadInput


class Typeset:
    """A value that notebooks show as formulas.

    The rooms that typeset lie above those whose values are shown: `typeset_by` names the function
    ("module:name"), which is looked up when a notebook asks.
    """

    typeset_by: ClassVar[str]

    def _repr_latex_(self) -> str | None:
        """None where a formula has no notation: a notebook then shows the repr."""
        typeset: Any = pkgutil.resolve_name(self.typeset_by)
        try:
            text: str = typeset(self)
        except BadInput:
            return None
        return text
