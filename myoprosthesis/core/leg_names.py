"""Names of the joints and sites of two legs, which clips, bodies and tasks share."""

from __future__ import annotations

SIDES = ("r", "l")
HIP_TO_ANKLE = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
COMPARED = tuple(f"{joint}_{side}" for side in SIDES for joint in HIP_TO_ANKLE)
"""Hips, knees and ankles: the joints by which a walk is compared with its reference."""
PLACES = tuple(f"{part}_{side}" for side in SIDES for part in ("knee", "ankle", "toe"))
"""Sites of the legs that are tracked."""
