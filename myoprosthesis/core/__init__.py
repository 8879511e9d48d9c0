"""What several layers must agree on: effectors, laws, observations, contracts, the loop. Only stdlib and numpy."""
