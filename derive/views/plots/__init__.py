"""Pictures of losses."""

from derive.views.plots.picture import family_picture, plot
from derive.views.plots.wanted import KINDS, THEMES, Wanted, read_over

__all__ = ["KINDS", "THEMES", "Wanted", "family_picture", "plot", "read_over"]
