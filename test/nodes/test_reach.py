"""What the middleware binds to, by the environment."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from myoprosthesis.core import share
from myoprosthesis.nodes import node_main

LOCAL, NETWORK = (str(share.root() / "config" / f) for f in ("dds.xml", "dds_network.xml"))
NEW, OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"


@pytest.fixture
def environment(monkeypatch):
    """An environment of these variables only, which `stay_local` then completes."""

    def make(**given: str) -> dict[str, str]:
        place: dict[str, str] = dict(given)
        monkeypatch.setattr(node_main.os, "environ", place)
        return place

    return make


@pytest.mark.parametrize(
    ("given", "file"),
    [
        ({}, LOCAL),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, LOCAL),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, NETWORK),
        ({NEW: LOCAL, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, NETWORK),  # inherited from a local process
        ({NEW: NETWORK}, LOCAL),
        ({NEW: "/home/me/mine.xml"}, "/home/me/mine.xml"),
    ],
)
def test_the_profile_follows_the_discovery_range_unless_a_person_gave_one(environment, given, file):
    place = environment(**given, ROS_DISTRO="kilted")
    node_main.stay_local()
    assert place[NEW] == file and OLD not in place
    assert bool(node_main.network_warning()) == (file != LOCAL)


def test_jazzy_s_fast_dds_is_told_by_the_name_it_knows(environment):
    place = environment(ROS_DISTRO="jazzy")
    node_main.open_network()
    assert place[OLD] == NETWORK.replace(".xml", "_jazzy.xml") and NEW not in place


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, "SYSTEM_DEFAULT"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, "SUBNET"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "OFF"),
        ({"ROS_STATIC_PEERS": "10.0.0.2"}, "LOCALHOST"),
        ({NEW: "/home/me/mine.xml"}, "LOCALHOST"),
        ({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, "LOCALHOST"),
    ],
)
def test_our_local_profile_alone_says_the_range_of_discovery(environment, monkeypatch, given, read):
    place, ranges = environment(**given, ROS_DISTRO="kilted"), []
    monkeypatch.setattr(node_main.rclpy, "init", lambda **_: ranges.append(place[node_main.RANGE]))
    node_main.join_graph()
    assert ranges == [read] and place[node_main.RANGE] == given.get(node_main.RANGE, "LOCALHOST")


def test_what_another_middleware_binds_to_is_not_known(environment):
    environment(RMW_IMPLEMENTATION="rmw_cyclonedds_cpp")
    assert "the network is open" in node_main.network_warning()
    environment(RMW_IMPLEMENTATION="rmw_fastrtps_cpp", ROS_DOMAIN_ID="7")
    assert node_main.network_warning() == ""


def test_the_sentence_names_the_domain(environment):
    environment(ROS_DOMAIN_ID="7")
    node_main.open_network()
    assert "ROS domain 7" in node_main.network_warning()


def test_the_profiles_of_one_version_differ_in_what_they_bind_to_and_those_of_both_in_names():
    def text(name):
        return re.sub(r"<!--.*?-->\s*", "", Path(name).read_text(), flags=re.S)

    for name in (LOCAL, NETWORK):
        older = text(name.replace(".xml", "_jazzy.xml"))
        assert older == text(name).replace("heartbeat_period", "heartbeatPeriod")
    assert "heartbeat_period" in text(LOCAL) and "127.0.0.1" in text(LOCAL) and "127.0.0.1" not in text(NETWORK)
    writers = [t[t.index("<data_writer") :] for t in (text(LOCAL), text(NETWORK))]
    assert writers[0] == writers[1]


@pytest.mark.parametrize("network", [False, True])
def test_the_middleware_reads_the_profile_without_a_complaint(network, domain):
    code = "from myoprosthesis.nodes import node_main\n" + "node_main.open_network()\n" * network
    code += "node_main.join_graph()\nnode_main.plain_node('alone').destroy_node()\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
