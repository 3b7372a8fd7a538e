"""What the losses of other libraries are in terms of ours: the table, proofs, and calls."""
