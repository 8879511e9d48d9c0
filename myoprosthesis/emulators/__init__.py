"""Emulated hands and EMG boards, served on a pseudo-terminal or a socket to any driver."""
