"""Their densities for NumPy."""
