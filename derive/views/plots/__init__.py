"""Pictures of losses."""

from derive.views.plots.picture import family_picture, plot

__all__ = ["family_picture", "plot"]
