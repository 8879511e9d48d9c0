"""Definitions that layers share: effectors, force fields, observations, contracts, plans. Only stdlib and numpy."""
