"""Which distribution of ROS 2 this is."""

from __future__ import annotations

import os
from importlib import metadata

BY_RCLPY = {"7": "jazzy", "9": "kilted"}
"""Distributions whose rclpy comes as a wheel, by its major version."""


def ros_distro() -> str:
    """The distribution's name, by the environment that was sourced, else by the version of rclpy; empty if unknown."""
    try:
        major = metadata.version("rclpy").partition(".")[0]
    except metadata.PackageNotFoundError:
        major = ""
    return os.environ.get("ROS_DISTRO", "") or BY_RCLPY.get(major, "")
