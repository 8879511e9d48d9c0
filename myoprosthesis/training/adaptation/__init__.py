"""Learning between the trials of a session."""
