"""From arrays of a recording to the figures of a paper: pure functions, each with its source."""
