"""Programs of this project's own workshop; not part of the package."""
