"""What several layers must agree on: effectors, laws, observations, contracts, the loop. Standard library and numpy only."""
