"""A recording in pandas: record a stack with every topic, then open one topic as a data frame.

Needs the extra `emg` for pandas. The folder is a rosbag2 recording (MCAP), which other tools of ROS open too.
"""

import subprocess
import tempfile

from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.columns import to_pandas

with tempfile.TemporaryDirectory() as folder:
    words = ["up", "reach", "--lockstep", "--trials", "4", "--seed", "11", "--record", folder]
    subprocess.run(["myoprosthesis", *words, "--quiet"], check=True, capture_output=True)
    for name, topic in sorted(Bag(folder).topics.items()):
        print(f"{name:24s} {topic.type:36s} {topic.count:6d} messages")
    state = to_pandas(folder, "state")

speed = (state["velocity.endpoint/x"] ** 2 + state["velocity.endpoint/y"] ** 2) ** 0.5
trial = (state["time_s"] // 1.0).astype(int)
print(f"{len(state)} states with {state.shape[1]} columns")
print("peak speed of each trial, m/s:", speed.groupby(trial).max().round(2).tolist()[:4])
