"""Figures of the winner of MyoChallenge 2022, beside which those of a policy are put."""

from __future__ import annotations

TASK = "baoding"
SHARES = (0.85, 0.95)
PUBLISHED = {"joint angles": (4, 7), "muscle activations": (9, 15)}
"""Components for these shares of the variance (Chiappa et al. 2024)."""
PHASE_1 = {"joint angles": (3, 5), "muscle activations": (10, 17)}
"""The same, measured on the published network of phase 1."""
INACTIVATION = {30: 0.90, 25: 0.48, 20: 0.05}
"""Score of that network by the number of components of its action that are left, out of 39."""
