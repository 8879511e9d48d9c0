"""Measures of movements and policies: functions of arrays."""
