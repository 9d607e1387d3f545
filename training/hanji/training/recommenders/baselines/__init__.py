"""Reference recommenders without gradient training, as baselines for neural models.

All of them score items from a history alone, so they also work for users that were not in training.
"""
