"""Decoders of EMG: features, models, decisions and the control of a hand's posture."""
