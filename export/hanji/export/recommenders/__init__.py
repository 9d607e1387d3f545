"""Export of recommenders: from a compressed model to a checked bundle."""
