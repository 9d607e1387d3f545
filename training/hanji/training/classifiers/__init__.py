"""Image classifiers: data, models, training."""
