"""Pictures of losses."""

from derive.views.plots.picture import plot
from derive.views.plots.wanted import KINDS, THEMES, Wanted, read_over

__all__ = ["KINDS", "THEMES", "Wanted", "plot", "read_over"]
