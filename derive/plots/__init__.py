"""Pictures of losses."""

from derive.plots.picture import family_picture, plot

__all__ = ["family_picture", "plot"]
