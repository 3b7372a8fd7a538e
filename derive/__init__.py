"""A loss function written down once; everything else is derived, emitted and checked."""
