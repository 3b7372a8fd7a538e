"""The commands that take more than a few lines, a file each."""
