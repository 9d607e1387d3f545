"""Recommenders in studies and searches."""
