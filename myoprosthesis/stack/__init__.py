"""A stack: its description, the processes that run it, and a session over it."""
