"""Hands that are not there: emulators on a pseudo-terminal, for anyone's driver."""
