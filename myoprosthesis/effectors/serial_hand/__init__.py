"""A prosthetic or robot hand on a serial line or network, as an effector."""
