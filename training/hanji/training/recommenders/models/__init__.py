"""Keras models that score a user against an item: NeuMF, NCF and matrix factorization."""
