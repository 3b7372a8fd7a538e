"""Their densities for PyTorch."""
