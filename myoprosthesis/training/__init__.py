"""Training of policies by gradient through a differentiable copy of the body."""
