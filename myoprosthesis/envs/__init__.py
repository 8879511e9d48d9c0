"""Environments for reinforcement learning: many simulations of a body with a task, stepped at once.

Importing it adds them to gymnasium's registry: `gymnasium.make("myoprosthesis/Baoding-v0")`.
"""

from myoprosthesis.envs import registration

registration.register()
