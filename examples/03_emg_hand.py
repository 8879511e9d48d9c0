"""EMG to a hand: a recording is played back, decoded, and drives an emulated Ability Hand over its serial protocol.

Needs the extra `emg` (`pip install ".[emg]"`). With `--port /dev/ttyUSB0` a real hand takes the place of the emulated
one, with `--emg` live EMG that of the recording.
"""

import subprocess
import tempfile

from myoprosthesis.recording.columns import to_pandas

with tempfile.TemporaryDirectory() as folder:
    command = ["myoprosthesis", "up", "emg-hand", "--duration", "12", "--record", folder, "--quiet"]
    subprocess.run(command, check=True, capture_output=True)
    decisions = to_pandas(folder, "emg/decision")
    state = to_pandas(folder, "/state")

print(f"{len(decisions)} decisions; {len(state)} states of the hand")
for column in [c for c in state.columns if c.startswith("position.")][:6]:
    low, high = state[column].min(), state[column].max()
    print(f"{column.removeprefix('position.'):16s} moved from {low:.2f} to {high:.2f} rad")
