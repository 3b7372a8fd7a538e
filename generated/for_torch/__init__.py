"""Loss functions for PyTorch, one file each."""
