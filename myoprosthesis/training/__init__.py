"""Training: policies by gradient through a differentiable twin, learning between trials, decoders."""
