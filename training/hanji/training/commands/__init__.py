"""Sub-commands of `hanji` that need only the training stage."""
