"""Fitting of decoders to recorded EMG, their cross-validation and comparison."""
