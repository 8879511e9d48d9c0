"""Reading files of other people: regular ones only, within stated limits, every fault as one sentence."""
