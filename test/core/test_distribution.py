"""Which distribution of ROS 2 this is: what was sourced comes first, then the version of rclpy."""

from importlib import metadata

import pytest

from myoprosthesis.core.distribution import ros_distro


@pytest.mark.parametrize(
    "sourced, version, distro",
    [("rolling", "9.1.2", "rolling"), ("", "7.1.4", "jazzy"), ("", "9.1.2", "kilted"), ("", "77.0", "")],
)
def test_the_environment_comes_before_the_version(monkeypatch, sourced, version, distro):
    monkeypatch.setenv("ROS_DISTRO", sourced)
    monkeypatch.setattr(metadata, "version", lambda name: {"rclpy": version}[name])
    assert ros_distro() == distro


def test_without_rclpy_it_is_unknown(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.delenv("ROS_DISTRO", raising=False)
    monkeypatch.setattr(metadata, "version", absent)
    assert ros_distro() == ""
