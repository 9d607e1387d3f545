"""Readers of interactions and item texts, on DuckDB: text files, JSON lines and Parquet."""
