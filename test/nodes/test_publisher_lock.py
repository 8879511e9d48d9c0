"""One publisher for each state topic of a machine."""

import os
import signal
import subprocess
import sys

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes.publisher_lock import PublisherLock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's abstract sockets")


def test_a_claim_is_held_until_it_is_let_go(monkeypatch):
    first = PublisherLock("/left/state")
    with pytest.raises(ConfigError, match="another effector publishes /left/state"):
        PublisherLock("/left/state")
    PublisherLock("/right/state").close()
    first.close()
    first.close()
    PublisherLock("/left/state").close()


def test_domains_are_worlds_of_their_own(monkeypatch):
    here = PublisherLock("/state")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) + 101))
    PublisherLock("/state").close()
    here.close()


def test_a_killed_process_lets_go():
    text = "import time; from myoprosthesis.nodes.publisher_lock import PublisherLock as Lock"
    text = f"{text}; lock = Lock('/held'); print('held', flush=True)"
    holder = subprocess.Popen([sys.executable, "-c", f"{text}; time.sleep(60)"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(ConfigError):
        PublisherLock("/held")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    PublisherLock("/held").close()
