"""Files of other people read within stated limits, every fault as one sentence; files written whole or not at all."""
