"""Recommenders: interactions, models, baselines, training and metrics."""
