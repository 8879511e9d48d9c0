"""Sources of EMG, each a file; registered as entry points `myoprosthesis.emg_sources`."""
