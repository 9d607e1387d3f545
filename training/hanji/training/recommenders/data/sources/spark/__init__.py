"""Spark as the engine that reads interactions: the same results as DuckDB's, on a cluster."""

BLANK, FINE, ODD, OPEN_QUOTE, NOT_UTF8 = range(5)
"""The states of a line, or of a row of Parquet."""

OTHERWISE = "use --engine duckdb"
"""What to try where Spark does not serve."""
