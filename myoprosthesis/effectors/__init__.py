"""Bodies: everything that can be commanded and has a state."""
