"""Decoders fitted to recorded EMG, judged and compared."""
