"""Recurrent networks trained by the gradient through a differentiable body."""
