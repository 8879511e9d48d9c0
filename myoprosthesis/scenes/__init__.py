"""Scenes: what surrounds a body, composed with `mujoco.MjSpec`."""
