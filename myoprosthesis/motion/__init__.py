"""Recorded movements: read, brought onto the legs of muscles, and kept as clips that a task can ask for."""
