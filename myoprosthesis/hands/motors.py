"""How the motors of a hand follow their target, as far as no maker tells: emulators and models move alike."""

GAIN = 30.0
"""1/s: speed wanted per error of position, up to the joint's fastest."""
LAG_S = 0.015
"""Time constant of the motors' speed."""
