"""Loss functions for NumPy, one file each."""
