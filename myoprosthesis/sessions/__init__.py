"""Sessions: blocks of trials as an experiment asks for them, and the folder that holds their results."""
