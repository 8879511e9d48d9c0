"""Sections of the report of a policy."""
