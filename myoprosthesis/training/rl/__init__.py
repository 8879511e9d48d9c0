"""Reinforcement learning with a curriculum: PPO, collectors of rollouts, and stages that are left by measured score."""
