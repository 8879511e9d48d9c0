"""What can run a policy file; the files themselves lie in the top-level folder `policies/`."""
