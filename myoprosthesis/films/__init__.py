"""Films and stills of recordings: the body of a simulation along its recorded states, with what happened written in."""
