"""Classifiers of pictures: data, models, training."""
