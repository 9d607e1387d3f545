"""Spark as the engine that reads interactions: the same results as DuckDB's, on a cluster."""
