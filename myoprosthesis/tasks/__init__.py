"""What a person or a policy is asked to do, trial by trial."""
