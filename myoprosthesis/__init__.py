"""One policy, many bodies: a ROS 2 control stack for musculoskeletal models and prosthetic hands."""

__version__ = "0.1.0"
