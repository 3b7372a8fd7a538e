"""The formulas of losses as LaTeX: a fragment for \\input, or a complete document."""

from derive.views.latex.pages import document, fragment
from derive.views.latex.wanted import Wanted

__all__ = ["Wanted", "document", "fragment"]
