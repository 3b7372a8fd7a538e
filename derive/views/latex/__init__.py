"""The formulas of losses as LaTeX: a fragment for \\input, or a complete document."""

from derive.views.latex.pages import document, fragment

__all__ = ["document", "fragment"]
