"""Image classifiers in studies and searches."""
