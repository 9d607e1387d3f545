"""Keras recommenders: NeuMF, NCF, matrix factorization and the history model."""
