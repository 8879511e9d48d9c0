"""From electrodes to clean signals: recordings, their formats and faults, and the one place that conditions EMG."""
