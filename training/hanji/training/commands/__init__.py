"""Sub-commands of `hanji` that need only the data and training stage."""
